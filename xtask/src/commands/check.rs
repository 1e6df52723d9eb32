//! `check`: holds the manifests against the code.
//!
//! What a component's crate depends on must be what its manifest requires. Each component is
//! compiled, and the hypercalls its code makes must be those its manifest names, or those of the
//! components it stands on, whose code may have been compiled into it.
//!
//! For other Rust targets, the code is only type-checked: nothing in it may lean on the processor, the threads or the
//! operating system of the machine that it is written on.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use rumpgen::build::{self, Options, Products};
use rumpgen::dependencies;
use rumpgen::diagnostic::{Diagnostic, Diagnostics};
use rumpgen::manifest::{Catalogue, Platform};
use rumpgen::pipeline::{self, Generated};
use rumpgen::plan::{Component, EdgeKind, Plan, rust_ident};
use rumpgen::source::hypercalls::SYMBOL_PREFIX;
use rumpgen::symbols;
use rumpgen::write::{self, Sourcing};

use crate::cli::{Check, Selection};
use crate::failure::Failure;
use crate::progress::Bar;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Check) -> Result<ExitCode, Failure> {
    let catalogue = repository::catalogue(&asked.selection)?;
    dependencies::check(&catalogue, &repository::root()).map_err(Failure::asked)?;
    for selection in parts(&asked.selection, &catalogue) {
        check(&selection, asked)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What to check: what was chosen, or everything there is, each component on the first platform that can run
/// it, the default one before others.
fn parts(asked: &Selection, catalogue: &Catalogue) -> Vec<Selection> {
    if asked.names_something() {
        return vec![asked.clone()];
    }
    let chosen = |platform: &&Platform| {
        let asked = asked.platform.as_ref();
        asked.is_none_or(|name| *name == platform.name.value)
    };
    let mut platforms: Vec<_> = catalogue.platforms.values().filter(chosen).collect();
    platforms.sort_by_key(|platform| platform.default.is_none());
    let mut rest: Vec<&str> = catalogue.components.keys().map(String::as_str).collect();
    let mut parts = Vec::new();
    for platform in platforms {
        let runnable = runnable(catalogue, platform);
        let (here, later): (Vec<&str>, _) = rest.iter().partition(|name| runnable.contains(*name));
        rest = later;
        let platform = &platform.name.value;
        for (number, kernel) in kernels(catalogue, here).iter().enumerate() {
            let name = match number {
                0 => platform.clone(),
                _ => format!("{platform}-{}", kernel.join("-")),
            };
            parts.push(Selection {
                components: Some(kernel.join(",")),
                platform: Some(platform.clone()),
                name: Some(name),
                ..asked.clone()
            });
        }
    }
    parts
}

/// Components in as few kernels as they go without a conflict.
fn kernels<'a>(catalogue: &Catalogue, components: Vec<&'a str>) -> Vec<Vec<&'a str>> {
    let refuses = |one: &str, other: &str| {
        let mut conflicts = catalogue.components[one].conflicts.iter();
        conflicts.any(|name| name.value == other)
    };
    let mut kernels: Vec<Vec<&str>> = Vec::new();
    for name in components {
        let fits = |kernel: &&mut Vec<&str>| {
            let mut others = kernel.iter();
            !others.any(|other| refuses(name, other) || refuses(other, name))
        };
        match kernels.iter_mut().find(fits) {
            Some(kernel) => kernel.push(name),
            None => kernels.push(vec![name]),
        }
    }
    kernels
}

/// The components that a platform offers all groups for, and for all that they require by name.
fn runnable<'a>(catalogue: &'a Catalogue, platform: &Platform) -> BTreeSet<&'a str> {
    let mut runnable: BTreeSet<&str> = catalogue.components.keys().map(String::as_str).collect();
    loop {
        let lacking = runnable.iter().copied().find(|name| {
            let component = &catalogue.components[*name];
            let offered = component.needs.iter().all(|it| platform.offers(&it.value));
            let mut required = component.requires.iter().map(|it| it.value.as_str());
            let has =
                |name: &str| !catalogue.components.contains_key(name) || runnable.contains(name);
            !(offered && required.all(has))
        });
        match lacking {
            Some(name) => runnable.remove(name),
            None => return runnable,
        };
    }
}

fn check(selection: &Selection, asked: &Check) -> Result<(), Failure> {
    let generated = unoptimised(selection)?;
    let _turn = pipeline::turn(&workspace(&generated.plan))?;
    let products = compile(&generated, asked, Options::default())?;

    let mut found = Diagnostics::default();
    for component in &generated.plan.components {
        check_groups(&generated, component, &products, &mut found)?;
    }
    found.finish(()).map_err(Failure::asked)?;
    let count = generated.plan.components.len();
    println!(
        "{count} components on {} depend on what their manifests require, and call the hypercalls they name",
        generated.plan.platform.name
    );
    for target in asked.targets.iter().flat_map(|list| list.split(',')) {
        check_types(&generated, asked, target)?;
        println!("{count} components can be compiled for {target}");
    }
    Ok(())
}

/// Checks the components by themselves, and then with the features the platform switches on.
fn check_types(generated: &Generated, asked: &Check, target: &str) -> Result<(), Failure> {
    let components = &generated.plan.components;
    let features = components.iter().flat_map(|component| {
        let features = component.features.iter();
        features.map(move |feature| format!("{}/{feature}", component.package))
    });
    for features in [Vec::new(), features.collect()] {
        let options = Options {
            features,
            check_for: Some(target.to_owned()),
            ..Options::default()
        };
        compile(generated, asked, options)?;
    }
    Ok(())
}

/// In the optimising build the crates hold no objects before they are linked.
fn unoptimised(selection: &Selection) -> Result<Generated, Failure> {
    repository::generate_parts(&Selection {
        dev: true,
        ..selection.clone()
    })
}

fn workspace(plan: &Plan) -> PathBuf {
    repository::checks().join(&plan.name)
}

fn compile(generated: &Generated, asked: &Check, options: Options) -> Result<Products, Failure> {
    let plan = &generated.plan;
    let workspace = workspace(plan);
    write::write(&generated.tree, &workspace, Sourcing::Links)?;
    let options = Options {
        root: repository::root(),
        offline: asked.offline,
        packages: plan.components.iter().map(|c| c.package.clone()).collect(),
        colour: std::io::stderr().is_terminal(),
        ..options
    };
    let mut bar = Bar::new(asked.verbosity);
    let products = build::build(plan, &workspace, &options, &mut bar);
    bar.finish();
    Ok(products?)
}

fn check_groups(
    generated: &Generated,
    component: &Component,
    products: &Products,
    found: &mut Diagnostics,
) -> Result<(), Failure> {
    let files = products
        .get(&rust_ident(&component.package))
        .into_iter()
        .flatten();
    let allowed = allowed(&generated.plan, component);
    for file in files.filter(|file| file.extension().is_some_and(|e| e == "rlib")) {
        let undefined = symbols::archive_undefined(file)?;
        let called = undefined
            .iter()
            .filter_map(|symbol| symbol.strip_prefix(SYMBOL_PREFIX));
        let groups: BTreeSet<&str> = called
            .filter_map(|call| {
                let mut groups = generated
                    .sources
                    .groups
                    .iter()
                    .map(|group| group.name.as_str());
                groups.find(|name| {
                    call.strip_prefix(name)
                        .is_some_and(|rest| rest.starts_with('_'))
                })
            })
            .collect();
        for group in groups.into_iter().filter(|group| !allowed.contains(group)) {
            found.push(undeclared(component, group));
        }
    }
    Ok(())
}

/// The groups of a component and of all it stands on.
fn allowed<'a>(plan: &'a Plan, component: &'a Component) -> BTreeSet<&'a str> {
    let mut reached = vec![component];
    let mut next = 0;
    while let Some(at) = reached.get(next).copied() {
        next += 1;
        let edges = plan.edges.iter().filter(|edge| edge.from == at.name);
        for edge in edges.filter(|edge| !matches!(edge.kind, EdgeKind::Capability { .. })) {
            if let Some(to) = plan.component(&edge.to)
                && !reached.iter().any(|known| known.name == to.name)
            {
                reached.push(to);
            }
        }
    }
    reached
        .iter()
        .flat_map(|c| c.needs.iter().chain(&c.uses))
        .map(String::as_str)
        .collect()
}

fn undeclared(component: &Component, group: &str) -> Diagnostic {
    let name = &component.name;
    Diagnostic::new(format!(
        "`{name}` calls the hypercall group `{group}`, which its manifest does not name"
    ))
    .help(format!(
        "add `{group}` to `hypercalls.needs` in the manifest of `{name}`"
    ))
}
