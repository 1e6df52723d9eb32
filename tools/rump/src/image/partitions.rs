//! Which part of a disk is meant.

use rump::block::{self, Block};
use rump::{Kernel, fs};

use crate::failure::{Failure, Result};
use crate::place::Place;
use crate::shown::{self, shown};

/// The unit that the file system of a place is on, and what people call it.
pub(crate) fn choose(
    kernel: &Kernel,
    whole: &Block,
    place: &Place,
    kind: Option<&str>,
) -> Result<(String, String)> {
    let name = name(place);
    let parts = parts(kernel, whole);
    if let Some(wanted) = &place.partition {
        return named(kernel, &name, &parts, wanted);
    }
    match &parts[..] {
        [] => Ok((whole.name().to_owned(), name)),
        // Some have both, as the images of installers: the file system there comes first.
        _ if kind.is_none() && recognised(kernel, whole.name()).is_some() => {
            Ok((whole.name().to_owned(), name))
        }
        [part] => Ok((part.unit.clone(), format!("{name}:{}", part.number))),
        _ => Err(Failure::Usage(format!(
            "{name} holds a partition table; choose one:{}",
            list(kernel, &name, &parts)
        ))),
    }
}

/// The unit that a place is to have a new file system on, and what people call it. A failure if there is something on it
/// already.
pub(crate) fn choose_empty(
    kernel: &Kernel,
    whole: &Block,
    place: &Place,
) -> Result<(String, String)> {
    let (unit, name) = choose_any(kernel, whole, place)?;
    let parts = parts(kernel, whole);
    if place.partition.is_none() && !parts.is_empty() {
        return Err(Failure::Usage(format!(
            "{name} holds a partition table; choose one, or say --force to overwrite them all:{}",
            list(kernel, &name, &parts)
        )));
    }
    match recognised(kernel, &unit) {
        Some(kind) => Err(Failure::Usage(format!(
            "{name} holds a file system already, {kind}; to overwrite it and all that is in it, say --force"
        ))),
        None => Ok((unit, name)),
    }
}

/// As [`choose_empty`], whatever there is.
pub(crate) fn choose_any(
    kernel: &Kernel,
    whole: &Block,
    place: &Place,
) -> Result<(String, String)> {
    let name = name(place);
    match &place.partition {
        Some(wanted) => named(kernel, &name, &parts(kernel, whole), wanted),
        None => Ok((whole.name().to_owned(), name)),
    }
}

/// What people call the image of a place.
fn name(place: &Place) -> String {
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(place.image.as_os_str());
    shown(bytes).to_string()
}

/// The partition of a number, or of a name that only one has, and what people call it.
fn named(kernel: &Kernel, name: &str, parts: &[Part], wanted: &str) -> Result<(String, String)> {
    let of_number = parts.iter().find(|part| part.number == *wanted);
    let of_name: Vec<_> = parts.iter().filter(|part| part.label == *wanted).collect();
    if of_number.is_none() && of_name.len() > 1 {
        return Err(Failure::Usage(format!(
            "{name} has several partitions {}; choose one by its number:{}",
            shown(wanted.as_bytes()),
            list(kernel, name, parts)
        )));
    }
    let part = of_number.or(of_name.first().copied());
    match (part, parts.is_empty()) {
        (Some(part), _) => Ok((part.unit.clone(), format!("{name}:{}", part.number))),
        (None, true) => Err(Failure::Usage(format!(
            "{name} holds no partition table; leave out :{}",
            shown(wanted.as_bytes())
        ))),
        (None, false) => Err(Failure::Usage(format!(
            "{name} has no partition {}; there are:{}",
            shown(wanted.as_bytes()),
            list(kernel, name, parts)
        ))),
    }
}

struct Part {
    unit: String,
    number: String,
    /// The name that the table has for it; empty if it has none.
    label: String,
}

/// The partitions of a disk, in their table's order.
fn parts(kernel: &Kernel, whole: &Block) -> Vec<Part> {
    let prefix = format!("{}p", whole.name());
    // None has this number; who asks for one waits until the table was read.
    let _ = Block::open(kernel, &format!("{prefix}0"));
    let names = block::names(kernel).unwrap_or_default().into_iter();
    let parts = names.filter_map(|unit| {
        let number = unit.strip_prefix(&prefix)?.to_owned();
        let label =
            Block::open(kernel, &unit).map_or(String::new(), |block| block.label().to_owned());
        Some(Part {
            unit,
            number,
            label,
        })
    });
    parts.collect()
}

fn recognised(kernel: &Kernel, unit: &str) -> Option<&'static str> {
    fs::recognise(kernel, unit).ok().flatten()
}

/// Partitions for people, a line each.
fn list(kernel: &Kernel, name: &str, parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        let kind = recognised(kernel, &part.unit).unwrap_or("no file system that is known here");
        let size = Block::open(kernel, &part.unit).map_or(0, |block| block.size());
        text += &format!(
            "\n  {name}:{}  {:>6}  {kind}",
            part.number,
            shown::size(size)
        );
        if !part.label.is_empty() {
            text += &format!("  {}", shown(part.label.as_bytes()));
        }
    }
    text
}
