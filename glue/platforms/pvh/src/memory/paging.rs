//! Page tables: everything where it is, and what is not to be touched left out.
//!
//! The entry made them for the first 4 GiB (`boot/entry.rs`). One set serves all processors. Entries are
//! only ever narrowed on a processor that then forgets the old one; another may go on with what it has
//! cached, which weakens a guard and breaks nothing.

use core::alloc::Layout;
use core::arch::x86_64::__cpuid;

use x86_64::VirtAddr;
use x86_64::instructions::tlb;
use x86_64::structures::paging::PageTableFlags as Flags;

use super::{PAGE, heap};
use crate::boot::start_info::Range;
use crate::lock::Lock;

/// Of a page of the second level, in bytes.
pub(super) const LARGE: u64 = 1 << LARGE_SHIFT;
const LARGE_SHIFT: u32 = 21;
/// As many bytes are forgotten by the page; for more, everything is.
const FEW: u64 = 8 * PAGE as u64;
/// The address in an entry.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// What the first level's index begins at, and of the levels below.
const SHIFTS: [u32; 4] = [39, 30, 21, 12];

unsafe extern "C" {
    /// The table of the highest level, from the entry.
    static mut boot_pml4: Table;
}

#[repr(C, align(4096))]
struct Table([u64; 512]);

/// The right to change the tables.
struct Tables;

static TABLES: Lock<Tables> = Lock::new(Tables);

/// How a range is mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Not at all.
    None,
    /// To be executed and read.
    Code,
    /// To be read.
    Constants,
    /// To be read and written.
    Data,
    /// As data, past the caches.
    Device,
}

impl Access {
    fn flags(self) -> Flags {
        match self {
            Access::None => Flags::empty(),
            Access::Code => Flags::PRESENT,
            Access::Constants => Flags::PRESENT | Flags::NO_EXECUTE,
            Access::Data => Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE,
            Access::Device => Access::Data.flags() | Flags::NO_CACHE | Flags::WRITE_THROUGH,
        }
    }
}

/// Out of memory for tables.
#[derive(Debug)]
pub(crate) struct NoTable;

/// The end of what the processor can address, and what the page tables reach.
pub(crate) fn limit() -> u64 {
    let bits = match __cpuid(0x8000_0000).eax >= 0x8000_0008 {
        true => __cpuid(0x8000_0008).eax & 0xff,
        false => 36,
    };
    1 << bits.clamp(32, 47)
}

/// Maps the pages of a range where they are, for `access`. Whole pages of 2 MiB stay whole.
pub(crate) fn map(range: Range, access: Access) -> Result<(), NoTable> {
    let mut tables = TABLES.lock();
    let mut at = range.start & !(PAGE as u64 - 1);
    while at < range.end {
        at = tables.map_some(at, range.end, access.flags())?;
    }
    if range.end - range.start <= FEW {
        let first = range.start & !(PAGE as u64 - 1);
        let pages = (first..range.end).step_by(PAGE);
        pages.for_each(|page| tlb::flush(VirtAddr::new(page)));
    } else {
        tlb::flush_all();
    }
    Ok(())
}

impl Tables {
    /// Maps pages from `at` on, as large as can be, up to the end of a table or to `end`; where it stopped.
    fn map_some(&mut self, mut at: u64, end: u64, flags: Flags) -> Result<u64, NoTable> {
        let mut table = &raw mut boot_pml4;
        for (level, shift) in SHIFTS.into_iter().enumerate() {
            // SAFETY: a table of the tree, which the lock makes ours.
            let entries = unsafe { &mut (*table).0 };
            let first = (at >> shift) as usize % entries.len();
            let size = 1u64 << shift;
            let is_last = level == SHIFTS.len() - 1;
            let takes = |entry: u64, at: u64| {
                is_last
                    || (shift == LARGE_SHIFT
                        && !is_table(entry)
                        && at.is_multiple_of(size)
                        && end - at >= size)
            };
            if takes(entries[first], at) {
                let large = if is_last {
                    Flags::empty()
                } else {
                    Flags::HUGE_PAGE
                };
                let bits = if flags.is_empty() {
                    0
                } else {
                    (flags | large).bits()
                };
                for entry in &mut entries[first..] {
                    if at >= end || !takes(*entry, at) {
                        break;
                    }
                    *entry = if bits == 0 { 0 } else { at | bits };
                    at += size;
                }
                return Ok(at);
            }
            let entry = &mut entries[first];
            if !is_table(*entry) {
                *entry = split(*entry, shift)?;
            }
            table = (*entry & ADDRESS) as *mut Table;
        }
        unreachable!("the last level maps")
    }
}

/// Whether an entry, not of the last level, leads to a table.
fn is_table(entry: u64) -> bool {
    entry & Flags::PRESENT.bits() != 0 && entry & Flags::HUGE_PAGE.bits() == 0
}

/// An entry for a new table that maps what `entry` of the level `shift` did: a page of 2 MiB, or nothing.
fn split(entry: u64, shift: u32) -> Result<u64, NoTable> {
    let table = heap::allocate_zeroed(Layout::new::<Table>()).cast::<Table>();
    if table.is_null() {
        return Err(NoTable);
    }
    if entry & 1 != 0 {
        let base = entry & ADDRESS & !((1 << shift) - 1);
        let flags = entry & !ADDRESS & !Flags::HUGE_PAGE.bits();
        // SAFETY: the table is new.
        for (index, small) in unsafe { (*table).0.iter_mut().enumerate() } {
            *small = (base + index as u64 * PAGE as u64) | flags;
        }
    }
    Ok(table as u64 | (Flags::PRESENT | Flags::WRITABLE).bits())
}
