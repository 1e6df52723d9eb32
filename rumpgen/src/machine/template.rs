//! Templates of arguments: handlebars, where a variable that is not there is an error.

use std::sync::LazyLock;

use handlebars::{
    Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason, no_escape,
};
use serde_json::Value;

use super::Machine;
use crate::diagnostic::{Diagnostic, Spanned};
use crate::nearest;

static LANGUAGE: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut language = Handlebars::new();
    language.set_strict_mode(true);
    language.register_escape_fn(no_escape);
    language.register_helper("double-commas", Box::new(double_commas));
    language
});

/// `{{double-commas name}}`: for programs whose options are lists with commas in between.
fn double_commas(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = helper.param(0).and_then(|param| param.value().as_str());
    out.write(&text.unwrap_or_default().replace(',', ",,"))?;
    Ok(())
}

/// Fills a template in. It was checked when the manifest was read.
pub(super) fn fill(text: &str, data: &Value) -> String {
    let filled = LANGUAGE.render_template(text, data);
    filled.unwrap_or_else(|error| panic!("a checked template: {error}"))
}

/// What is wrong with a template on a machine, where `data` has all variables there are.
pub(super) fn check(text: &Spanned<String>, data: &Value, machine: &Machine) -> Option<Diagnostic> {
    let error = LANGUAGE.render_template(&text.value, data).err()?;
    let diagnostic = match error.reason() {
        RenderErrorReason::MissingVariable(name) => {
            let name = name.as_deref().unwrap_or_default();
            let known = data
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| &**name);
            let machine = &machine.name.value;
            let message = format!("nothing says what `{name}` is on the machine `{machine}`");
            Diagnostic::new(message).help(nearest::advice(name, "variables", known))
        }
        RenderErrorReason::TemplateError(error) => {
            Diagnostic::new(format!("this is no template: {}", error.reason()))
        }
        reason => Diagnostic::new(format!("this template cannot be filled in: {reason}")),
    };
    Some(diagnostic.primary(&text.place, ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commas_can_be_doubled() {
        let data = json!({ "file": "a,b" });
        assert_eq!(
            fill("file={{double-commas file}},ro", &data),
            "file=a,,b,ro"
        );
        assert_eq!(fill("{{file}}<", &data), "a,b<");
    }
}
