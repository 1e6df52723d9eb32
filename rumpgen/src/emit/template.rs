//! The handlebars templates, compiled into the generator.

use std::sync::LazyLock;

use handlebars::{Handlebars, no_escape};
use serde_json::Value;

use super::rust::PREAMBLE;

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../templates/", $name, ".hbs")))),*]
    };
}

static SOURCES: &[(&str, &str)] = templates![
    "app.toml",
    "capi.toml",
    "config.toml",
    "grub.cfg",
    "kernel.toml",
    "module.h",
    "report.md",
    "rump.h",
    "rump.pc",
    "rump_syscalls.h",
    "rumpdefs.h",
    "rumpuser.h",
    "workspace.toml",
];

static TEMPLATES: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.register_escape_fn(no_escape);
    for (name, source) in SOURCES {
        let registered = templates.register_template_string(name, source);
        registered.unwrap_or_else(|error| panic!("templates/{name}.hbs: {error}"));
    }
    templates
});

/// Fills a template in. Templates are part of the generator: a fault in one is a bug, not an error.
pub fn render(name: &str, data: &Value) -> String {
    let mut data = data.clone();
    data["preamble"] = Value::String(PREAMBLE.to_owned());
    let rendered = TEMPLATES.render(name, &data);
    rendered.unwrap_or_else(|error| panic!("templates/{name}.hbs: {error}"))
}
