//! Components that would come along without having been selected.
//!
//! Cargo takes whatever a crate depends on. So an application that uses a part of the facade whose
//! component is not there would bring that component's code, not started and not in the plan. That is
//! an error of the request, and is found before anything is written.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::manifest::Catalogue;
use crate::plan::Plan;
use crate::source::Sources;

/// Holds the crates of a configuration against the components of its plan.
///
/// # Errors
/// Each component that a crate depends on and that is not selected.
pub fn check(plan: &Plan, catalogue: &Catalogue, sources: &Sources) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    for component in catalogue.components.values() {
        let name = &component.name.value;
        if plan.component(name).is_some() || sources.crates.at(&component.code.folder).is_none() {
            continue;
        }
        let who = match &plan.request.app {
            Some(app) => format!("the application `{}`", app.package),
            None => "the crate of a selected component".to_owned(),
        };
        let mut asked = plan.request.components.clone();
        asked.push(name.clone());
        let message = format!("{who} stands on the component `{name}`, which is not selected");
        found.push(
            Diagnostic::new(message).help(format!("add it: --components {}", asked.join(","))),
        );
    }
    found.finish(())
}
