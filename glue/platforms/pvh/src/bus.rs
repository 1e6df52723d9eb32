//! Where devices are: the groups `mmio`, `pci` and `dma`.

mod dma;
mod mmio;
mod pci;
mod windows;

use alloc::string::String;
use alloc::vec::Vec;

use crate::acpi::{self, Fadt, Madt, Tables};
use crate::boot::start_info::Range;

/// Looks where devices may be. `memory` is what is no device, `devices` what the command line says of
/// windows.
pub(crate) fn start(
    memory: Vec<Range>,
    devices: &[String],
    tables: Option<&Tables>,
    fadt: Option<&Fadt>,
    madt: &Madt,
) {
    let reduced = fadt.is_some_and(|fadt| fadt.reduced);
    mmio::start(memory);
    windows::start(devices, reduced, madt);
    pci::start(tables.and_then(acpi::mcfg), reduced);
}
