//! The program around an application: its arguments in, its exit code out.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::json;

use super::{rust, template, workspace};
use crate::plan::{App, Plan};

/// Every file of the program, by path.
pub(super) fn emit(plan: &Plan, app: &App) -> BTreeMap<String, String> {
    let mut dependencies = vec![app.package.as_str(), "hypercall"];
    if plan.platform.image.is_some() {
        dependencies.push(&plan.platform.package);
    }
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
    let about = format!(
        "The application `{}` on the kernel `{}`.",
        app.package, plan.name
    );
    let program = match plan.platform.image {
        Some(_) => freestanding(&plan.platform.package, &app.package),
        None => hosted(app),
    };
    rust::file(&about, program)
}

/// A program of the host's operating system.
fn hosted(app: &App) -> TokenStream {
    let usage = format!(
        "usage: {} [--param NAME=VALUE]... [ARGUMENT]...",
        app.program
    );
    let app = rust::ident(&app.package);
    quote! {
        use std::process::ExitCode;

        #[global_allocator]
        static ALLOCATOR: hypercall::Allocator = hypercall::Allocator;

        /// Parameters of the kernel come first; what follows is the application's.
        fn main() -> ExitCode {
            let arguments = std::env::args_os().skip(1);
            let mut arguments: Vec<_> = arguments.map(|text| text.to_string_lossy().into_owned()).collect();
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
                Ok(kernel) => ExitCode::from(::#app::main(&kernel, &arguments) as u8),
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}

/// A program that is all there is. Where it starts and what it starts from is the platform's business.
fn freestanding(platform: &str, app: &str) -> TokenStream {
    let (platform, app) = (rust::ident(platform), rust::ident(app));
    quote! {
        #![no_std]
        #![no_main]

        extern crate alloc;

        use alloc::format;
        use alloc::string::String;
        use alloc::vec::Vec;

        #[global_allocator]
        static ALLOCATOR: hypercall::Allocator = hypercall::Allocator;

        #platform::entry!(main);

        /// Boots the kernel with what the machine says, and runs the application.
        fn main(params: Vec<(String, String)>, arguments: Vec<String>) -> i32 {
            let mut config = kernel::Config::new();
            for (name, value) in &params {
                config = config.param(name, value);
            }
            match kernel::boot(config) {
                Ok(kernel) => ::#app::main(&kernel, &arguments),
                Err(error) => {
                    hypercall::console::write(format!("{error}\n").as_str().into());
                    1
                }
            }
        }
    }
}
