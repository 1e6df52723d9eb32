//! Whether a machine has room for an image.
//!
//! Loaders put an image where it wants to be; QEMU says nothing when there is no memory, and the machine stays
//! silent. Whether the kernel has enough for its work, it says itself.

use std::fs;
use std::path::Path;

use object::read::elf::{ElfFile64, ProgramHeader};

use crate::diagnostic::Diagnostic;

const MEBIBYTE: u64 = 1 << 20;

/// Checks that an image fits into `memory` bytes.
///
/// # Errors
/// That it does not, and what would do; that there is no such image.
pub fn check(image: &Path, memory: u64) -> Result<(), Diagnostic> {
    let unreadable =
        |error: &dyn std::fmt::Display| Diagnostic::new(format!("{}: {error}", image.display()));
    let bytes = fs::read(image).map_err(|error| unreadable(&error))?;
    let end = end(&bytes).map_err(|error| unreadable(&error))?;
    if end <= memory {
        return Ok(());
    }
    let whole = end.div_ceil(MEBIBYTE);
    let message = format!(
        "a machine with {memory} bytes of memory has no room for the image, which ends at {whole} MiB"
    );
    // The kernel wants some, too.
    Err(Diagnostic::new(message).help(format!("say `--memory {}MiB`, or more", whole * 2)))
}

/// Where the last byte of it ends, by physical address.
fn end(bytes: &[u8]) -> object::Result<u64> {
    let file = ElfFile64::<object::Endianness>::parse(bytes)?;
    let ends = file.elf_program_headers().iter().map(|header| {
        let endian = file.endian();
        header
            .p_paddr(endian)
            .saturating_add(header.p_memsz(endian))
    });
    Ok(ends.max().unwrap_or(0))
}
