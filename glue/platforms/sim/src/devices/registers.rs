//! Where registers are: the group `mmio`.

use hypercall::Window;

use crate::Platform;
use crate::devices::{Hardware, Line, with_model};
use crate::world::{self, World};

/// Where windows begin.
const WINDOWS: u64 = 0xfeb0_0000;

/// Bytes from one window to the next.
const STEP: u64 = 0x1_0000;

/// What a physical address differs by from the address it is mapped to, so that one is not taken for
/// the other.
const MAPPED: u64 = 0x5a00_0000_0000;

/// Physical addresses that are a device's registers.
pub(super) struct Region {
    pub(super) device: usize,
    pub(super) number: usize,
    pub(super) physical: u64,
    pub(super) size: u64,
    /// How the kernel finds it if no bus says so.
    window: Option<Window>,
}

pub(super) fn add_window(hardware: &mut Hardware, device: usize, size: u64, line: Line) {
    let windows = hardware.regions.iter().filter(|it| it.window.is_some());
    let physical = WINDOWS + STEP * windows.count() as u64;
    let window = Window {
        physical,
        size,
        line: hardware.devices[device].line,
        level: u32::from(line == Line::Level),
    };
    hardware.regions.push(Region {
        device,
        number: 0,
        physical,
        size,
        window: Some(window),
    });
}

/// Puts a BAR where the kernel says, instead of where it was.
pub(super) fn move_bar(
    hardware: &mut Hardware,
    device: usize,
    number: usize,
    place: Option<(u64, u64)>,
) {
    hardware
        .regions
        .retain(|it| it.window.is_some() || it.device != device || it.number != number);
    if let Some((physical, size)) = place {
        hardware.regions.push(Region {
            device,
            number,
            physical,
            size,
            window: None,
        });
    }
}

/// Does something with the device at a mapped address.
fn at<R>(
    world: &mut World,
    address: usize,
    f: impl FnOnce(&mut World, usize, usize, u64) -> Option<R>,
) -> Option<R> {
    let physical = (address as u64).checked_sub(MAPPED)?;
    let mut regions = world.hardware.regions.iter();
    let region = regions.find(|it| (it.physical..it.physical + it.size).contains(&physical))?;
    let (device, number, offset) = (region.device, region.number, physical - region.physical);
    f(world, device, number, offset)
}

impl hypercall::Mmio for Platform {
    fn map(physical: u64, size: usize) -> usize {
        let known = world::with(|world| {
            let mut regions = world.hardware.regions.iter();
            regions.any(|it| {
                it.physical <= physical
                    && physical.saturating_add(size as u64) <= it.physical + it.size
            })
        });
        if known {
            (physical + MAPPED) as usize
        } else {
            0
        }
    }

    fn window(index: usize, window: &mut Window) -> bool {
        let found = world::with(|world| {
            let mut windows = world.hardware.regions.iter().filter_map(|it| it.window);
            windows.nth(index)
        });
        match found {
            Some(found) => *window = found,
            None => return false,
        }
        true
    }

    fn read(address: usize, width: u32) -> u64 {
        let value = world::with(|world| {
            at(world, address, |world, device, number, offset| {
                if let Some(value) = super::pci::read_table(world, device, number, offset) {
                    return Some(value);
                }
                with_model(world, device, |model, bus| {
                    model.read(bus, number, offset, width)
                })
            })
        });
        let ones = u64::MAX >> (64 - 8 * width.clamp(1, 8));
        value.unwrap_or(u64::MAX) & ones
    }

    fn write(address: usize, width: u32, value: u64) {
        world::with(|world| {
            at(world, address, |world, device, number, offset| {
                if super::pci::write_table(world, device, number, offset, value) {
                    return Some(());
                }
                with_model(world, device, |model, bus| {
                    model.write(bus, number, offset, width, value);
                })
            })
        });
    }
}
