//! The kernel: a library crate that joins the components to the platform.

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::json;

use super::{rust, template, workspace};
use crate::plan::{At, Device, Layer, Param, ParamKind, Plan};
use crate::source::Sources;

/// The facade's package.
const FACADE: &str = "rump";

/// Its manifest.
pub(super) fn manifest(plan: &Plan, sources: &Sources) -> String {
    let mut dependencies: Vec<_> = plan
        .components
        .iter()
        .map(|component| json!({ "name": component.package, "features": component.features }))
        .collect();
    dependencies.push(json!({ "name": "hypercall", "features": [] }));
    dependencies.push(json!({ "name": plan.platform.package, "features": [] }));
    dependencies.push(json!({ "name": FACADE, "features": plan.facade }));
    dependencies.sort_by_key(|dependency| dependency["name"].to_string());
    // Whoever takes the kernel as a library may switch on what the facade has for programs with `std`.
    let facade = sources.crates.get(FACADE);
    let std = facade.is_some_and(|facade| facade.features.contains_key("std"));
    let data = json!({
        "version": workspace::VERSION,
        "dependencies": dependencies,
        "std": std.then_some(FACADE),
    });
    template::render("kernel.toml", &data)
}

/// Its root: the facade, and how to boot this configuration.
pub(super) fn library(plan: &Plan) -> String {
    let about = format!(
        "The kernel `{}`: {} on `{}`.",
        plan.name,
        plan.components
            .iter()
            .map(|c| format!("`{}`", c.name))
            .collect::<Vec<_>>()
            .join(", "),
        plan.platform.name
    );
    rust::file(
        &about,
        quote! {
            #![no_std]

            mod bindings;
            mod system;

            pub use rump::*;
            pub use system::SYSTEM;

            /// Boots a kernel. Any number of them may live in one process.
            pub fn boot(config: Config) -> core::result::Result<Kernel, BootError> {
                Kernel::boot(&SYSTEM, config)
            }
        },
    )
}

/// Its table of components, parameters and devices.
pub(super) fn system(plan: &Plan) -> String {
    let core = core_crate(plan);
    let name = &plan.name;
    let components = plan
        .components
        .iter()
        .map(|component| rust::ident(&component.package));
    let params = plan
        .params
        .iter()
        .filter(|param| param.at == At::Boot)
        .map(|param| spec(&core, param));
    let devices = plan.components.iter().flat_map(|component| {
        let devices = component.devices.iter();
        devices.map(|device| device_spec(&core, &component.name, device))
    });
    rust::file(
        "What this configuration consists of, in the order it starts.",
        quote! {
            /// The table [`boot`](crate::boot) starts from.
            pub static SYSTEM: ::#core::System = ::#core::System {
                name: #name,
                components: &[#(&::#components::COMPONENT),*],
                params: &[#(#params),*],
                devices: &[#(#devices),*],
            };
        },
    )
}

/// The crate that declares the types of the tables: the component of the lowest layer.
pub(super) fn core_crate(plan: &Plan) -> syn::Ident {
    let lowest = plan
        .components
        .iter()
        .find(|component| component.layer == Layer::Base);
    rust::ident(lowest.map_or("core", |component| &component.package))
}

fn spec(core: &syn::Ident, param: &Param) -> TokenStream {
    let Param {
        component,
        name,
        doc,
        ..
    } = param;
    let default = param.effective();
    let kind = match &param.kind {
        ParamKind::Bytes => quote!(Bytes),
        ParamKind::Integer => quote!(Integer),
        ParamKind::Bool => quote!(Bool),
        ParamKind::Text => quote!(Text),
        ParamKind::Duration => quote!(Duration),
        ParamKind::Choice { choices } => quote!(Choice(&[#(#choices),*])),
    };
    quote! {
        ::#core::ParamSpec {
            component: #component,
            name: #name,
            kind: ::#core::ParamKind::#kind,
            default: #default,
            doc: #doc,
        }
    }
}

fn device_spec(core: &syn::Ident, component: &str, device: &Device) -> TokenStream {
    let Device { bus, ids } = device;
    let ids = ids
        .iter()
        .map(|id| format!("{id:#x}").parse::<TokenStream>().expect("a number"));
    quote! {
        ::#core::DeviceSpec {
            component: #component,
            bus: #bus,
            ids: &[#(#ids),*],
        }
    }
}
