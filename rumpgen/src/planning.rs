//! The stages from a request to a plan.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::{Catalogue, Package, check, load};
use crate::plan::{self, Artifact, Plan};
use crate::request::{Request, Roots};
use crate::resolve;
use crate::select;

/// Where the facade stands, from the repository's root.
const FACADE: &str = "glue/rump";

/// A plan, and the catalogue it was chosen from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// Everything that could have been part of it.
    pub catalogue: Catalogue,
}

/// Decides a configuration. `groups` are the hypercall groups there are. Nothing is written.
///
/// # Errors
/// What the first stage that finds anything finds, all of it.
pub fn plan(
    request: &Request,
    roots: &Roots,
    groups: &BTreeSet<String>,
) -> Result<Resolved, Diagnostics> {
    let catalogue = catalogue(roots, groups)?;
    let selection = select::select(request, &catalogue)?;
    let resolution = resolve::resolve(&selection, &catalogue)?;
    let plan = plan::assemble(request, &selection, &resolution, &catalogue, roots)?;
    Ok(Resolved { plan, catalogue })
}

/// Checks that something comes of a configuration when it is built: an image boots into an application, and
/// an archive has none. A kernel that is not built can still be looked at.
///
/// # Errors
/// That there is none, or one.
pub fn buildable(request: &Request, plan: &Plan) -> Result<(), Diagnostics> {
    let platform = &plan.platform;
    if let Some(app) = &request.app
        && platform.artifacts.contains(&Artifact::Archive)
    {
        let message = format!(
            "on the platform `{}` the program is the host's, in C",
            platform.name
        );
        let diagnostic = Diagnostic::new(message).primary(&app.place, "");
        return Err(diagnostic
            .help("leave the application out, or choose another platform")
            .into());
    }
    if platform.image.is_none() || request.app.is_some() {
        return Ok(());
    }
    let message = format!(
        "the platform `{}` boots into an application, and none is named",
        platform.name
    );
    let mut diagnostic = Diagnostic::new(message);
    if let Some(name) = &request.platform {
        diagnostic = diagnostic.primary(&name.place, "");
    }
    Err(diagnostic
        .help("name the folder of its crate: `--app FOLDER`")
        .into())
}

/// Everything that the manifests describe.
///
/// # Errors
/// As for [`plan`].
pub fn catalogue(roots: &Roots, groups: &BTreeSet<String>) -> Result<Catalogue, Diagnostics> {
    let manifests = load::load(&roots.manifests)?;
    let facade = Package::read(&roots.repository.join(FACADE)).ok();
    check::check(manifests, groups, facade.as_ref())
}
