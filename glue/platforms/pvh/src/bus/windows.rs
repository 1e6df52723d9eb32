//! Windows where virtio devices may be that no bus enumerates.
//!
//! The command line names them (`virtio_mmio.device=512@0xfeb00000:5`, as Linux reads it), or the machine is
//! QEMU's microvm with ACPI, whose windows are always at the same place; where it is not, nothing is probed:
//! something else may be there.

use alloc::string::String;
use alloc::vec::Vec;

use hypercall::Window;

use crate::acpi::Madt;
use crate::interrupts::isa_line;
use crate::once::Once;

/// Where microvm has its windows, and how large they are (QEMU, include/hw/i386/microvm.h).
const MICROVM: u64 = 0xfeb0_0000;
const SIZE: u64 = 512;
/// How many there are, and the line of the first, with one I/O APIC and with two.
const ONE: (u32, u32) = (8, 16);
const TWO: (u32, u32) = (24, 24);

static WINDOWS: Once<Vec<Window>> = Once::new();

/// Finds the windows. Of machines with reduced hardware, by ACPI, microvm is the one that is known.
pub(super) fn start(devices: &[String], reduced: bool, madt: &Madt) {
    let said = devices.iter().filter_map(|said| parse(said));
    let mut found: Vec<_> = said.collect();
    if found.is_empty() && reduced {
        let two = madt.io.iter().any(|io| io.base == TWO.1);
        let (count, first) = if two { TWO } else { ONE };
        // QEMU puts its first device into the last window, and Linux is told of them in this order.
        found.extend((0..count).rev().map(|index| Window {
            physical: MICROVM + u64::from(index) * SIZE,
            size: SIZE,
            line: first + index,
            level: 0,
        }));
    }
    WINDOWS.set(found);
}

pub(super) fn get(index: usize) -> Option<Window> {
    WINDOWS.get()?.get(index).copied()
}

/// `size@address:interrupt`, with anything after another colon.
fn parse(said: &str) -> Option<Window> {
    let (size, rest) = said.split_once('@')?;
    let mut parts = rest.split(':');
    Some(Window {
        physical: number(parts.next()?)?,
        size: match size.strip_suffix('K') {
            Some(size) => number(size)?.checked_mul(1024)?,
            None => number(size)?,
        },
        line: isa_line(u8::try_from(number(parts.next()?)?).ok()?),
        level: 0,
    })
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_s_form_is_read() {
        let window = Window {
            physical: 0xfeb0_0e00,
            size: 512,
            line: 12,
            level: 0,
        };
        assert_eq!(parse("512@0xfeb00e00:12"), Some(window));
        let size = 4096;
        assert_eq!(parse("4K@0xfeb00e00:12:3"), Some(Window { size, ..window }));
        for wrong in ["", "512", "512@", "512@0xfeb00e00", "512@x:1", "1@2:999"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
