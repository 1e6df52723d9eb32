//! The program around an application: its arguments in, its exit code out.

use std::collections::BTreeMap;

use quote::quote;
use serde_json::json;

use super::{rust, template, workspace};
use crate::plan::{App, Plan};

/// Every file of the program, by path.
pub(super) fn emit(plan: &Plan, app: &App) -> BTreeMap<String, String> {
    let mut dependencies = [app.package.as_str(), "hypercall"];
    dependencies.sort_unstable();
    let dependencies: Vec<_> = dependencies
        .into_iter()
        .map(|name| json!({ "name": name }))
        .collect();
    let data = json!({ "version": workspace::VERSION, "dependencies": dependencies });
    BTreeMap::from([
        (
            "app/Cargo.toml".to_owned(),
            template::render("app.toml", &data),
        ),
        ("app/src/main.rs".to_owned(), program(plan, app)),
    ])
}

fn program(plan: &Plan, app: &App) -> String {
    let app_crate = rust::ident(&app.package);
    let usage = format!(
        "usage: {} [--param NAME=VALUE]... [ARGUMENT]...",
        app.package
    );
    let about = format!(
        "The application `{}` on the kernel `{}`.",
        app.package, plan.name
    );
    rust::file(
        &about,
        quote! {
            use std::process::ExitCode;

            #[global_allocator]
            static ALLOCATOR: hypercall::Allocator = hypercall::Allocator;

            /// Parameters of the kernel come first; what follows is the application's.
            fn main() -> ExitCode {
                let mut arguments: Vec<String> = std::env::args().skip(1).collect();
                let mut config = kernel::Config::new();
                while arguments.first().is_some_and(|first| first == "--param") {
                    let setting = arguments.get(1).and_then(|text| text.split_once('='));
                    let Some((name, value)) = setting else {
                        eprintln!(#usage);
                        return ExitCode::from(2);
                    };
                    config = config.param(name, value);
                    arguments.drain(..2);
                }
                match kernel::boot(config) {
                    Ok(kernel) => ExitCode::from(::#app_crate::main(&kernel, &arguments) as u8),
                    Err(error) => {
                        eprintln!("{error}");
                        ExitCode::FAILURE
                    }
                }
            }
        },
    )
}
