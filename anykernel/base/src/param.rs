//! Parameters: what a configuration or a boot may set, with types and defaults.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::BootError;

/// A parameter, as the generator lays it out from the manifests.
#[derive(Debug)]
pub struct ParamSpec {
    /// The component it belongs to.
    pub component: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub kind: ParamKind,
    /// Its value if nobody says another.
    pub default: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

/// The form of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A number of bytes: `65536`, `64KiB`, `1MiB`, `2GiB`.
    Bytes,
    /// A number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// Any text.
    Text,
    /// A span of time: `500us`, `200ms`, `10s`, `2min`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
}

const BYTES: &[(&str, u64)] = &[
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("", 1),
];
const TIMES: &[(&str, u64)] = &[
    ("min", 60_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
    ("s", 1_000_000_000),
];

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = text.strip_suffix(unit)?.trim_end();
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A number of bytes as people write it, such as `65536`, `64KiB` or `1MiB`: for parameters with several.
pub fn bytes(text: &str) -> Option<u64> {
    scaled(text, BYTES)
}

impl ParamKind {
    /// What a value of this form looks like.
    fn form(self) -> String {
        match self {
            ParamKind::Bytes => "a number of bytes such as 65536, 64KiB or 1MiB".into(),
            ParamKind::Integer => "a number".into(),
            ParamKind::Bool => "true or false".into(),
            ParamKind::Text => "text".into(),
            ParamKind::Duration => "a span of time such as 200ms, 10s or 2min".into(),
            ParamKind::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    fn number(self, text: &str) -> Option<u64> {
        match self {
            ParamKind::Bytes => bytes(text),
            ParamKind::Integer => text.parse().ok(),
            ParamKind::Duration => scaled(text, TIMES),
            ParamKind::Bool => match text {
                "true" | "on" | "yes" | "1" => Some(1),
                "false" | "off" | "no" | "0" => Some(0),
                _ => None,
            },
            ParamKind::Choice(words) => words
                .iter()
                .position(|word| *word == text)
                .map(|i| i as u64),
            ParamKind::Text => Some(0),
        }
    }
}

/// The values of an instance's parameters, all of them good.
pub struct Params(Vec<(&'static ParamSpec, String)>);

impl Params {
    /// Takes, for each parameter, what `given` says, else what the host says, else the default.
    pub(crate) fn resolve(
        specs: &'static [ParamSpec],
        given: &[(String, String)],
    ) -> Result<Params, BootError> {
        for (name, _) in given {
            if !specs.iter().any(|spec| spec.name == name) {
                return Err(unknown(specs, name));
            }
        }
        let mut values = Vec::with_capacity(specs.len());
        for spec in specs {
            let said = given.iter().rev().find(|(name, _)| name == spec.name);
            let value = match said {
                Some((_, value)) => value.clone(),
                None => from_host(spec.name)?.unwrap_or_else(|| spec.default.to_string()),
            };
            if spec.kind.number(&value).is_none() {
                return Err(BootError::config(format!(
                    "parameter {} of {}: \"{value}\" is not {}",
                    spec.name,
                    spec.component,
                    spec.kind.form()
                )));
            }
            values.push((spec, value));
        }
        Ok(Params(values))
    }

    fn find(&self, name: &str) -> Option<(&'static ParamSpec, &str)> {
        self.0
            .iter()
            .find(|(spec, _)| spec.name == name)
            .map(|(spec, value)| (*spec, value.as_str()))
    }

    /// The value of a number, a size (in bytes), a time (in nanoseconds), a flag (0 or 1) or a choice
    /// (its index); `None` if the configuration has no such parameter.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (spec, value) = self.find(name)?;
        spec.kind.number(value)
    }

    /// The value as it was given; `None` if the configuration has no such parameter.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(_, value)| value)
    }
}

fn from_host(name: &str) -> Result<Option<String>, BootError> {
    let mut value = vec![0u8; 1024];
    let len = hypercall::params::get(name.into(), value.as_mut_slice().into());
    let Ok(len) = usize::try_from(len) else {
        return Ok(None);
    };
    if len > value.len() {
        value.resize(len, 0);
        hypercall::params::get(name.into(), value.as_mut_slice().into());
    }
    value.truncate(len);
    String::from_utf8(value)
        .map(Some)
        .map_err(|_| BootError::config(format!("parameter {name}: the host's value is not UTF-8")))
}

fn unknown(specs: &'static [ParamSpec], name: &str) -> BootError {
    let nearest = specs
        .iter()
        .map(|spec| (distance(spec.name, name), spec.name))
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 2 + 1);
    BootError::config(match nearest {
        Some((_, nearest)) => format!("unknown parameter \"{name}\"; did you mean \"{nearest}\"?"),
        None => format!("unknown parameter \"{name}\""),
    })
}

/// How many insertions, deletions and substitutions lie between two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let cost = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPECS: &[ParamSpec] = &[
        ParamSpec {
            component: "a",
            name: "buffer",
            kind: ParamKind::Bytes,
            default: "64KiB",
            doc: "",
        },
        ParamSpec {
            component: "a",
            name: "linger",
            kind: ParamKind::Duration,
            default: "10s",
            doc: "",
        },
        ParamSpec {
            component: "b",
            name: "mode",
            kind: ParamKind::Choice(&["x", "y"]),
            default: "x",
            doc: "",
        },
    ];

    fn given(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_string(), value.to_string())]
    }

    #[test]
    fn defaults_hold_unless_something_is_given() {
        let params = Params::resolve(SPECS, &given("mode", "y")).unwrap();
        assert_eq!(params.number("buffer"), Some(65536));
        assert_eq!(params.number("linger"), Some(10_000_000_000));
        assert_eq!(params.number("mode"), Some(1));
        assert_eq!(params.number("absent"), None);
    }

    #[test]
    fn a_wrong_name_gets_the_nearest() {
        let error = Params::resolve(SPECS, &given("bufer", "1")).err().unwrap();
        assert_eq!(
            error.to_string(),
            "unknown parameter \"bufer\"; did you mean \"buffer\"?"
        );
    }

    #[test]
    fn a_wrong_value_is_told_the_form() {
        let error = Params::resolve(SPECS, &given("linger", "soon"))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "parameter linger of a: \"soon\" is not a span of time such as 200ms, 10s or 2min"
        );
    }
}
