//! For the targets of `tests/fuzz`: reads what others say of the machine, and goes on with it as far as the boot does.
//!
//! Addresses are those of the program itself, which has the bytes where it says they are, and zeros in all the rest
//! of the lower 4 GiB but the first 64 KiB.

use crate::acpi::{Tables, hpet, mcfg, soft_off};
use crate::boot::command_line::CommandLine;
use crate::boot::start_info::{Fault, Physical, Range, StartInfo, multiboot2};
use crate::memory::PAGE;
use crate::memory::free::free;

pub use crate::clock::fuzz as clock;

/// A loader's word at an address: as start info, and as what Multiboot2 loaders say.
pub fn loader(address: u64) {
    let read = [
        StartInfo::read(&Physical, address, || (&[][..], 24)),
        multiboot2::read(&Physical, address),
    ];
    for info in read.into_iter().filter_map(sound) {
        CommandLine::parse(info.line);
        let within = Range {
            start: PAGE as u64,
            end: 1 << 32,
        };
        let mut last = 0;
        free(info.map(), info.reserved(), within, |piece| {
            assert!(within.start <= piece.start && piece.end <= within.end);
            assert!(piece.start < piece.end, "{piece:?}");
            let apart = |taken: Range| taken.end <= piece.start || piece.end <= taken.start;
            let own = info.reserved().filter(|taken| taken.start < taken.end);
            assert!(own.into_iter().all(apart), "{piece:?} is taken");
            last = piece.end;
        });
    }
}

fn sound(read: Result<StartInfo, Fault>) -> Option<StartInfo> {
    match read {
        Ok(info) => Some(info),
        Err(fault) => {
            assert!(!alloc::format!("{fault}").is_empty());
            None
        }
    }
}

/// Firmware's tables, whose root pointer is at an address.
pub fn firmware(address: u64) {
    let Some(tables) = Tables::find(address) else {
        return;
    };
    let _ = (tables.madt(), hpet(&tables), mcfg(&tables));
    let _ = tables.fadt().and_then(|fadt| soft_off(&fadt));
}
