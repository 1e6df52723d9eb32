//! Why something is selected, as a chain that starts at what the user asked for.

use crate::diagnostic::{Diagnostic, Place};
use crate::plan::Reason;

use super::{Because, Resolution};

/// One step of a chain: a component, and what brought it in.
struct Step<'a> {
    name: &'a str,
    because: &'a Because<'a>,
}

impl Resolution<'_> {
    /// Adds to a diagnostic how a component came in: a place for each step, and the whole as a note.
    pub(super) fn explain(&self, mut diagnostic: Diagnostic, name: &str) -> Diagnostic {
        let steps = self.chain(name);
        for step in &steps {
            let (place, text): (&Place, String) = (step.because.place, self.label(step));
            diagnostic = diagnostic.also(place, text);
        }
        let parts: Vec<String> = steps.iter().map(|step| self.part(step)).collect();
        // A chain of one is what its label says.
        if parts.len() > 1 {
            diagnostic.note(parts.join(" → "))
        } else {
            diagnostic
        }
    }

    /// The steps that brought a component in, what was asked for first. The first reason of a component is
    /// older than the component, so that this ends.
    fn chain(&self, name: &str) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let mut next = Some(name);
        while let Some(selected) = next.and_then(|name| self.selected.get(name)) {
            let Some(because) = selected.reasons.first() else {
                break;
            };
            steps.push(Step {
                name: &selected.component.name.value,
                because,
            });
            next = match &because.reason {
                Reason::Asked => None,
                Reason::RequiredBy { component } | Reason::DefaultProvider { component, .. } => {
                    Some(component)
                }
                Reason::Auto { because } => because.first().map(|name| self.standing_for(name)),
            };
        }
        steps.reverse();
        steps
    }

    /// The component that a name in `requires` stands for.
    fn standing_for<'b>(&'b self, name: &'b str) -> &'b str {
        if self.selected.contains_key(name) {
            return name;
        }
        self.providers(name)
            .next()
            .map_or(name, |provider| &provider.name.value)
    }

    fn label(&self, step: &Step<'_>) -> String {
        match &step.because.reason {
            Reason::Asked => "asked for".to_owned(),
            Reason::RequiredBy { component } => format!("`{component}` requires `{}`", step.name),
            Reason::DefaultProvider {
                capability,
                component,
            } => {
                let platform = &self.platform.name.value;
                format!(
                    "`{component}` requires `{capability}`, which on `{platform}` is `{}`",
                    step.name
                )
            }
            Reason::Auto { .. } => "joins by itself".to_owned(),
        }
    }

    fn part(&self, step: &Step<'_>) -> String {
        let name = step.name;
        match &step.because.reason {
            Reason::Asked => format!("`{name}` (asked for)"),
            Reason::RequiredBy { .. } => format!("`{name}` (required)"),
            Reason::DefaultProvider { capability, .. } => {
                format!("`{name}` (default provider of `{capability}`)")
            }
            Reason::Auto { .. } => format!("`{name}` (joins by itself)"),
        }
    }
}
