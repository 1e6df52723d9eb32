//! The C interface: a function for each system call of the selected components, the entry points
//! every kernel has, and the headers.
//!
//! The functions convert nothing themselves: decoders of crate `cabi` do, and one function there
//! enters the kernel.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use serde_json::json;

use super::{headers, rumpuser, rust, template, workspace};
use crate::diagnostic::Diagnostic;
use crate::plan::{Artifact, Plan};
use crate::source::Sources;
use crate::source::hypercalls::Group;
use crate::source::syscalls::{Call, Kind};
use crate::vocabulary::Form;

/// Whether this configuration has a C interface: it is a library, and no application is linked in.
pub fn is_emitted(plan: &Plan) -> bool {
    let artifacts = &plan.platform.artifacts;
    let library = [Artifact::Library, Artifact::Archive]
        .iter()
        .any(|kind| artifacts.contains(kind));
    plan.request.app.is_none() && library
}

/// The name cargo knows the library by.
pub const LIBRARY: &str = "rump_capi";

/// Every file of the C interface, by path. `groups` are the hypercall groups bound.
pub(super) fn emit(
    plan: &Plan,
    sources: &Sources,
    groups: &[&Group],
) -> Result<BTreeMap<String, String>, Diagnostic> {
    let mut files = BTreeMap::new();
    let mut file = |path: &str, text: String| files.insert(path.to_owned(), text);
    file("capi/Cargo.toml", manifest(sources));
    file("capi/src/lib.rs", library(plan, sources));

    let calls = || sources.all_calls().map(|(_, call)| call);
    file(
        "capi/include/rump/rump.h",
        template::render("rump.h", &json!({})),
    );
    file(
        "capi/include/rump/rump_syscalls.h",
        headers::system_calls(calls()),
    );
    file(
        "capi/include/rump/rumpdefs.h",
        headers::constants(&sources.constants),
    );
    if !plan.platform.imports.is_empty() {
        file(
            "capi/include/rump/rumpuser.h",
            rumpuser::header(plan, groups, &sources.groups),
        );
    }
    for (module, text) in headers::modules(calls()) {
        file(&format!("capi/include/rump/{module}.h"), text);
    }
    for (name, text) in &sources.headers {
        let path = format!("capi/include/rump/{name}");
        if files.insert(path, text.clone()).is_some() {
            let message =
                format!("a component brings the header `{name}`, which is also generated");
            return Err(Diagnostic::new(message).help("give it another name"));
        }
    }
    Ok(files)
}

fn manifest(sources: &Sources) -> String {
    let called = sources.calls.iter().filter(|(_, calls)| !calls.is_empty());
    let mut dependencies: Vec<_> = called.map(|(package, _)| package.as_str()).collect();
    dependencies.extend(["cabi", "hypercall", "syscall"]);
    dependencies.sort_unstable();
    dependencies.dedup();
    let dependencies: Vec<_> = dependencies
        .into_iter()
        .map(|name| json!({ "name": name }))
        .collect();
    let data = json!({
        "lib": LIBRARY,
        "version": workspace::VERSION,
        "dependencies": dependencies,
    });
    template::render("capi.toml", &data)
}

/// The root of the package.
fn library(plan: &Plan, sources: &Sources) -> String {
    let freestanding = plan.platform.is_freestanding();
    let no_std = freestanding.then(|| quote!(#![no_std]));
    let functions = sources
        .all_calls()
        .map(|(package, call)| function(package, call));
    rust::file(
        "The C interface of the kernel.",
        quote! {
            #no_std

            #[global_allocator]
            static ALLOCATOR: hypercall::Allocator = hypercall::Allocator;

            cabi::entry_points!(&kernel::SYSTEM);

            #(#functions)*
        },
    )
}

fn function(package: &str, call: &Call) -> TokenStream {
    let symbol = format_ident!("{}", call.symbol());
    let (package, name) = (rust::ident(package), rust::ident(&call.name));
    let doc = call.doc.iter().map(|line| format!(" {line}"));
    let enter = match call.kind {
        Kind::System => quote!(cabi::syscall),
        Kind::Public(_) => quote!(cabi::public),
    };
    let returns = match call.kind {
        Kind::System => rust::tokens(call.returns.rust),
        Kind::Public(_) => quote!(i32),
    };

    let (mut parameters, mut decode, mut pass, mut finish) = (vec![], vec![], vec![], vec![]);
    for (argument, kind) in &call.arguments {
        let (argument, type_name) = (rust::ident(argument), rust::ident(kind.name));
        let names: Vec<_> = kind
            .params
            .iter()
            .map(|p| format_ident!("{argument}{}", p.suffix))
            .collect();
        for (name, param) in names.iter().zip(kind.params) {
            let ty = rust::tokens(param.rust);
            parameters.push(quote!(#name: #ty));
        }
        match kind.form {
            Form::Plain => pass.push(quote!(#argument)),
            Form::Wrapped => pass.push(quote!(syscall::#type_name(#argument))),
            Form::Decoded => {
                decode.push(quote! {
                    let mut #argument = unsafe { cabi::#type_name::new(#(#names),*) };
                });
                pass.push(quote!(#argument.arg()));
                finish.push(quote!(#argument.finish()?;));
            }
        }
    }
    let success = match call.yields() {
        None => quote!(Ok(returned)),
        Some(yields) => {
            let ty = rust::tokens(yields.rust);
            parameters.push(quote!(result: *mut #ty));
            quote! {
                unsafe { cabi::yielded(result, returned) };
                Ok(())
            }
        }
    };
    quote! {
        #(#[doc = #doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn #symbol(#(#parameters),*) -> #returns {
            #enter(|lwp| {
                #(#decode)*
                let returned = #package::syscalls::#name(lwp, #(#pass),*)?;
                #(#finish)*
                #success
            })
        }
    }
}
