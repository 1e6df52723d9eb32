//! Plans made of the manifests in these tests' folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rumpgen::Resolved;
use rumpgen::diagnostic::Diagnostics;
use rumpgen::manifest::Catalogue;
use rumpgen::manifest::load::Root;
use rumpgen::plan::Origin;
use rumpgen::request::{self, Arguments, Request, Roots};

/// Plans what a command line asks for. The manifests are those in `tests/negative/common`, then those
/// in `own`; crates are relative to `base`.
pub(crate) fn plan(arguments: &str, base: &str, own: &Path) -> Result<Resolved, Diagnostics> {
    let (request, roots) = ask(arguments, base, own)?;
    rumpgen::plan(&request, &roots, &groups())
}

/// As [`plan`], for a build.
pub(crate) fn build(arguments: &str, base: &str, own: &Path) -> Result<(), Diagnostics> {
    let (request, roots) = ask(arguments, base, own)?;
    let resolved = rumpgen::plan(&request, &roots, &groups())?;
    rumpgen::buildable(&request, &resolved.plan)
}

/// Plans from the manifests of the planning tests.
pub(crate) fn good(arguments: &str) -> Resolved {
    plan(
        arguments,
        "tests/planning",
        Path::new("tests/planning/manifests"),
    )
    .unwrap_or_else(|found| panic!("{arguments}: {found}"))
}

/// All manifests of the planning tests.
pub(crate) fn catalogue() -> Catalogue {
    let own = Path::new("tests/planning/manifests");
    let (_, roots) = ask("", "tests/planning", own).expect("no arguments are good ones");
    rumpgen::catalogue(&roots, &groups()).unwrap_or_else(|found| panic!("{found}"))
}

fn ask(arguments: &str, base: &str, own: &Path) -> Result<(Request, Roots), Diagnostics> {
    let (request, mut roots) = request::read(&parse(arguments), Path::new(base))?;
    let root = |folder: PathBuf, base: &str| Root {
        folder,
        base: base.into(),
        origin: Origin::InTree,
        place: None,
    };
    let common = root("tests/negative/common".into(), "tests/negative");
    let own = [common, root(own.to_owned(), base)];
    // The first root is where a repository has its own manifests.
    roots
        .manifests
        .splice(..1, own.into_iter().filter(|root| root.folder.is_dir()));
    Ok((request, roots))
}

fn groups() -> BTreeSet<String> {
    ["clock", "disk", "light", "tls", "wind"]
        .map(str::to_owned)
        .into()
}

fn parse(text: &str) -> Arguments {
    let mut arguments = Arguments::default();
    let mut words = text.split_whitespace().map(str::to_owned);
    while let Some(option) = words.next() {
        let value = words.next().expect("every option has a value");
        match &*option {
            "--components" => arguments.components = Some(value),
            "--without" => arguments.without = Some(value),
            "--platform" => arguments.platform = Some(value),
            "--target" => arguments.target = Some(value),
            "--app" => arguments.app = Some(value.into()),
            "--param" => arguments.params.push(value),
            "--config" => arguments.config = Some(value.into()),
            "--manifests" => arguments.manifests.push(value.into()),
            "--image" => arguments.image = Some(value),
            "--name" => arguments.name = Some(value),
            other => panic!("there is no option {other}"),
        }
    }
    arguments
}
