//! Values of parameters, as text.
//!
//! The kernel reads the same text when it boots; what is accepted here must be accepted there.

use crate::nearest;
use crate::plan::ParamKind;

/// Checks a value against what its parameter takes.
///
/// # Errors
/// What the parameter takes, as the end of "it takes …".
pub fn check(kind: &ParamKind, value: &str) -> Result<(), String> {
    let (good, wanted) = match kind {
        ParamKind::Bytes => (
            bytes(value).is_some(),
            "a size such as 65536, 64KiB or 1MiB",
        ),
        ParamKind::Integer => (value.parse::<u64>().is_ok(), "a whole number"),
        ParamKind::Bool => (matches!(value, "true" | "false"), "true or false"),
        ParamKind::Text => (true, "any text"),
        ParamKind::Duration => (
            nanoseconds(value).is_some(),
            "a span of time such as 200ms, 10s or 2min",
        ),
        ParamKind::Choice { choices } => {
            return if choices.iter().any(|choice| choice == value) {
                Ok(())
            } else {
                Err(format!("one of {}", nearest::list(choices)))
            };
        }
    };
    if good { Ok(()) } else { Err(wanted.to_owned()) }
}

const BYTES: &[(&str, u64)] = &[
    ("", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const TIMES: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
];

/// The bytes that a size such as `64KiB` stands for.
pub fn bytes(value: &str) -> Option<u64> {
    scaled(value, BYTES)
}

/// The nanoseconds that a span of time such as `10s` stands for.
pub fn nanoseconds(value: &str) -> Option<u64> {
    scaled(value, TIMES)
}

/// A number with one of these units directly behind it, as far as 64 bits hold it.
fn scaled(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = value[..value.len() - unit.len()].parse::<u64>().ok()?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_by_kind() {
        let choice = ParamKind::Choice {
            choices: vec!["fast".into(), "small".into()],
        };
        let cases: &[(&ParamKind, &[&str], &[&str])] = &[
            (
                &ParamKind::Bytes,
                &["0", "4096", "64KiB"],
                &["", "KiB", "64kb", "-1", "1 MiB"],
            ),
            (&ParamKind::Integer, &["3", "0"], &["", "1.5", "-3", "0x10"]),
            (&ParamKind::Bool, &["true", "false"], &["yes", ""]),
            (&ParamKind::Text, &["", "anything"], &[]),
            (
                &ParamKind::Duration,
                &["250ms", "0s", "2min"],
                &["5", "5 s", "s", "99999999999s"],
            ),
            (&choice, &["fast"], &["fas", ""]),
        ];
        for (kind, good, bad) in cases {
            for value in *good {
                assert_eq!(check(kind, value), Ok(()), "{kind:?} {value}");
            }
            for value in *bad {
                assert!(check(kind, value).is_err(), "{kind:?} {value}");
            }
        }
    }
}
