//! Base address registers: where a function's own registers are (PCI 3.0, section 6.2.5).

use alloc::format;

use base::{Errno, Failure};
use hypercall::pci;

use super::{Function, MEMORY_SPACE, Place};
use crate::Registers;

/// The largest BAR that makes sense for the devices driven here, in bytes: more is nonsense.
const LARGEST: u64 = 1 << 30;

/// What a BAR says.
struct Bar {
    /// Its address; zero if firmware gave it none.
    address: u64,
    size: u64,
    wide: bool,
}

impl Function {
    /// Makes the registers of a memory BAR reachable, and gives it an address if it has none. Fails with
    /// what is wrong with it.
    pub fn bar(&self, number: u32) -> Result<Registers, Failure> {
        let wrong = |what| Failure::new(Errno::ENXIO, format!("BAR {number} {what}"));
        if number > 5 {
            return Err(wrong("is none"));
        }
        let bar =
            examine(self.0, number).ok_or_else(|| wrong("is not memory of a sensible size"))?;
        let address = match bar.address {
            0 => {
                let place = pci::place(bar.size);
                let reachable = place != 0 && (bar.wide || place + bar.size <= 1 << 32);
                if !reachable {
                    return Err(wrong("has no address, and there is none to give"));
                }
                set(self.0, number, bar.wide, place);
                place
            }
            address => address,
        };
        self.0.command(0, MEMORY_SPACE);
        let size = usize::try_from(bar.size).map_err(|_| wrong("is too large"))?;
        Registers::map(address, size).map_err(|_| wrong("is at an address that cannot be reached"))
    }
}

const fn register(number: u32) -> u32 {
    0x10 + 4 * number
}

/// Reads a BAR's address and size; none if it is not memory, or makes no sense.
fn examine(place: Place, number: u32) -> Option<Bar> {
    let low = place.read(register(number));
    let wide = low & 6 == 4;
    if low & 1 != 0 || low & 6 == 2 || low & 6 == 6 || (wide && number == 5) {
        return None;
    }
    let high = if wide {
        place.read(register(number + 1))
    } else {
        0
    };
    let address = u64::from(low & !0xf) | u64::from(high) << 32;
    // The bits that stay zero say the size. Meanwhile the function must not answer anywhere.
    let command = place.read(super::COMMAND) & 0xffff;
    place.command(MEMORY_SPACE, 0);
    set(place, number, wide, u64::MAX);
    let mask_low = place.read(register(number)) & !0xf;
    let mask_high = if wide {
        place.read(register(number + 1))
    } else {
        u32::MAX
    };
    set(place, number, wide, address);
    place.write(super::COMMAND, command);
    let mask = u64::from(mask_low) | u64::from(mask_high) << 32;
    let size = (!mask).wrapping_add(1);
    let sensible = size.is_power_of_two() && (16..=LARGEST).contains(&size);
    (sensible && address % size == 0).then_some(Bar {
        address,
        size,
        wide,
    })
}

fn set(place: Place, number: u32, wide: bool, address: u64) {
    place.write(register(number), address as u32);
    if wide {
        place.write(register(number + 1), (address >> 32) as u32);
    }
}
