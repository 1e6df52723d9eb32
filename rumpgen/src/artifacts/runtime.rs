//! What of Rust's runtime a kernel has no use for, taken out of the linked object.
//!
//! The runtime's own report of a panic ends in a printer of backtraces, and that needs a reader of debug
//! information: over 200 kB, in every program, for a report that a platform replaces by a line of its own and that
//! has no debug information to read. Stable Rust cannot be told to leave it out. So the printer becomes a
//! function that prints nothing, and the linker finds that nobody needs the rest.

use std::fs;
use std::path::Path;
use std::process::Command;

use object::{Architecture, File, Object, ObjectSection};

use super::checked;
use crate::diagnostic::Diagnostic;
use crate::tools::{self, OBJCOPY};

/// What the mangled name of the printer, and so of its section, is made of.
const PRINTER: [&str; 4] = [
    ".text.",
    "3std3sys9backtrace",
    "16DisplayBacktrace",
    "7Display3fmt",
];

/// Machine code of a function that returns zero, which is `Ok(())`.
fn return_zero(architecture: Architecture) -> Option<&'static [u8]> {
    match architecture {
        // xor eax, eax; ret
        Architecture::X86_64 => Some(&[0x31, 0xc0, 0xc3]),
        // mov w0, #0; ret
        Architecture::Aarch64 => Some(&[0x00, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6]),
        _ => None,
    }
}

/// Empties the printer in an object that was linked but not yet stripped of what nobody needs. An object without
/// one, or for a processor not known here, stays as it is: it is only larger.
pub(super) fn silence(object: &Path) -> Result<(), Diagnostic> {
    let data = checked(object, fs::read(object))?;
    let file = File::parse(&*data)
        .map_err(|error| Diagnostic::new(format!("cannot read {}: {error}", object.display())))?;
    let is_printer = |name: &str| PRINTER.iter().all(|part| name.contains(part));
    let printer = file
        .sections()
        .find(|section| section.name().is_ok_and(is_printer));
    let (Some(printer), Some(code)) = (printer, return_zero(file.architecture())) else {
        return Ok(());
    };
    let (Ok(name), Ok(size)) = (printer.name(), usize::try_from(printer.size())) else {
        return Ok(());
    };
    if size < code.len() {
        return Ok(());
    }
    // Of the same size as before, since the tables for unwinding say so.
    let mut body = code.to_vec();
    body.resize(size, 0);
    let place = object.with_extension("printer");
    checked(&place, fs::write(&place, body))?;
    let mut update = std::ffi::OsString::from(format!("{name}="));
    update.push(&place);
    let mut objcopy = Command::new(OBJCOPY.require()?);
    objcopy.arg("--update-section").arg(update);
    objcopy
        .arg(format!("--remove-relocations={name}"))
        .arg(object);
    tools::run(&mut objcopy)?;
    Ok(())
}
