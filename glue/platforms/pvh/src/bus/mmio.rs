//! Registers of devices, in memory.

use alloc::vec::Vec;

use hypercall::Window;

use super::windows;
use crate::Platform;
use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access};
use crate::once::Once;

/// What is memory, and no device.
static MEMORY: Once<Vec<Range>> = Once::new();

pub(super) fn start(memory: Vec<Range>) {
    MEMORY.set(memory);
}

/// Makes a range of device memory reachable. False if it is none.
pub(super) fn reach(physical: u64, size: u64) -> bool {
    let Some(end) = physical.checked_add(size) else {
        return false;
    };
    let range = Range {
        start: physical,
        end,
    };
    let overlaps = |memory: &Range| memory.start < range.end && range.start < memory.end;
    let memory = MEMORY.get().map_or(&[][..], Vec::as_slice);
    physical != 0
        && size != 0
        && end <= paging::limit()
        && !memory.iter().any(overlaps)
        && paging::map(range, Access::Device).is_ok()
}

impl hypercall::Mmio for Platform {
    fn map(physical: u64, size: usize) -> usize {
        match reach(physical, size as u64) {
            true => physical as usize,
            false => 0,
        }
    }

    fn window(index: usize, window: &mut Window) -> bool {
        windows::get(index)
            .inspect(|found| *window = *found)
            .is_some()
    }

    #[inline]
    fn read(address: usize, width: u32) -> u64 {
        // SAFETY: the contract: `map` made it reachable, and it is aligned.
        unsafe {
            match width {
                1 => u64::from((address as *const u8).read_volatile()),
                2 => u64::from((address as *const u16).read_volatile()),
                4 => u64::from((address as *const u32).read_volatile()),
                _ => (address as *const u64).read_volatile(),
            }
        }
    }

    #[inline]
    fn write(address: usize, width: u32, value: u64) {
        // SAFETY: as above.
        unsafe {
            match width {
                1 => (address as *mut u8).write_volatile(value as u8),
                2 => (address as *mut u16).write_volatile(value as u16),
                4 => (address as *mut u32).write_volatile(value as u32),
                _ => (address as *mut u64).write_volatile(value),
            }
        }
    }
}
