//! This repository, and what is asked for in it.

use std::path::PathBuf;

use rumpgen::Resolved;
use rumpgen::config::About;
use rumpgen::manifest::Catalogue;
use rumpgen::pipeline::{self, Generated, Places};
use rumpgen::request::{self, Arguments, Request, Roots};

use crate::cli::Selection;
use crate::failure::Failure;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    // Two clones that share a target folder share this program, so what was compiled in may be wrong.
    let started_in = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = started_in.filter(|package| package.ends_with("xtask"));
    let package = package.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    package.parent().unwrap_or(&package).to_owned()
}

/// Where the results of a configuration go.
pub(crate) fn places(name: &str) -> Places {
    Places::of(name, &root())
}

/// Where checks keep what they build, beside what users build: nothing else is to be had from it.
pub(crate) fn checks() -> PathBuf {
    root().join("target/check")
}

/// What is asked for, as typed.
fn typed(selection: &Selection) -> Arguments {
    let Selection {
        components,
        without,
        platform,
        target,
        app,
        params,
        config,
        name,
        dev,
        manifests,
    } = selection.clone();
    Arguments {
        components,
        without,
        platform,
        target,
        app,
        params,
        config,
        manifests,
        name,
        dev,
        ..Arguments::default()
    }
}

/// Reads what is asked for.
pub(crate) fn request(selection: &Selection) -> Result<(Request, Roots), Failure> {
    request::read(&typed(selection), &root()).map_err(Failure::asked)
}

/// What is known of the application that is asked for.
pub(crate) fn about(selection: &Selection) -> Result<About, Failure> {
    Ok(request(selection)?.0.about)
}

/// Decides and emits what is asked for, to be built.
pub(crate) fn generate(selection: &Selection) -> Result<Generated, Failure> {
    generate_formats(selection, None, &[])
}

/// The same, for an image in more formats, in which the application has these arguments.
pub(crate) fn generate_formats(
    selection: &Selection,
    formats: Option<&str>,
    arguments: &[String],
) -> Result<Generated, Failure> {
    let arguments = Arguments {
        image: formats.map(str::to_owned),
        arguments: arguments.to_vec(),
        ..typed(selection)
    };
    let (request, roots) = request::read(&arguments, &root()).map_err(Failure::asked)?;
    let generated = pipeline::generate(&request, &roots).map_err(Failure::asked)?;
    rumpgen::buildable(&request, &generated.plan).map_err(Failure::asked)?;
    Ok(generated)
}

/// Decides and emits what is asked for, to look at its parts.
pub(crate) fn generate_parts(selection: &Selection) -> Result<Generated, Failure> {
    let (request, roots) = request(selection)?;
    pipeline::generate(&request, &roots).map_err(Failure::asked)
}

/// Decides what is asked for.
pub(crate) fn decide(selection: &Selection) -> Result<Resolved, Failure> {
    let (request, roots) = request(selection)?;
    pipeline::decide(&request, &roots).map_err(Failure::asked)
}

/// Everything there is to choose from.
pub(crate) fn catalogue(selection: &Selection) -> Result<Catalogue, Failure> {
    let (_, roots) = request(selection)?;
    pipeline::catalogue(&roots).map_err(Failure::asked)
}
