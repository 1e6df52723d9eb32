//! Functions on PCI: the group `pci`.

use crate::Platform;
use crate::devices::interrupts::MESSAGES;
use crate::devices::{Hardware, Model, registers};
use crate::world::{self, World};

/// Bus addresses for BARs without one.
const PLACES: u64 = 0xe000_0000;

/// The BAR with the MSI-X table, in functions that have one.
pub const TABLE_BAR: usize = 5;

const TABLE_SIZE: u64 = 4096;

/// Where capabilities are put in configuration space.
const CAPABILITIES: usize = 0x40;

/// What a function looks like before it is plugged in.
pub struct Function {
    space: Space,
    /// Where the next capability goes, and where its place is to be written.
    end: usize,
    link: usize,
}

/// A configuration space.
pub(crate) struct Space {
    device: usize,
    bytes: [u8; 256],
    /// Bytes of each BAR; zero where there is none.
    sizes: [u64; 6],
    /// Where its MSI-X capability is.
    msix: Option<usize>,
    /// The table: address, data, control of each vector.
    table: Vec<u32>,
    /// What a write to `bytes` changes.
    writable: [u8; 256],
}

impl Function {
    /// A function with these ids, without registers.
    pub fn new(vendor: u16, device: u16) -> Self {
        let mut space = Space {
            device: 0,
            bytes: [0; 256],
            sizes: [0; 6],
            msix: None,
            table: Vec::new(),
            writable: [0; 256],
        };
        space.bytes[0..2].copy_from_slice(&vendor.to_le_bytes());
        space.bytes[2..4].copy_from_slice(&device.to_le_bytes());
        space.bytes[0x3d] = 1;
        // Memory space, bus mastering, interrupt disable.
        space.writable[4] = 6;
        space.writable[5] = 4;
        Function {
            space,
            end: CAPABILITIES,
            link: 0x34,
        }
    }

    /// Sets a byte of configuration space.
    pub fn byte(mut self, offset: usize, value: u8) -> Self {
        self.space.bytes[offset] = value;
        self
    }

    /// Gives it a BAR of 32 bits with `size` bytes of registers: the region of this number.
    pub fn bar(mut self, number: usize, size: u64) -> Self {
        self.space.sizes[number] = size;
        self
    }

    /// Adds a capability: its identity, and what follows the pointer to the next.
    pub fn capability(mut self, id: u8, rest: &[u8]) -> Self {
        let at = self.end;
        self.space.bytes[self.link] = at as u8;
        self.space.bytes[6] |= 0x10;
        self.space.bytes[at] = id;
        self.space.bytes[at + 2..at + 2 + rest.len()].copy_from_slice(rest);
        self.link = at + 1;
        self.end = (at + 2 + rest.len()).next_multiple_of(4);
        self
    }

    /// Lets it interrupt by so many messages.
    pub fn messages(mut self, count: u16) -> Self {
        let at = self.end;
        self.space.msix = Some(at);
        self.space.table = [0, 0, 0, 1].repeat(count.into());
        self.space.writable[at + 3] = 0xc0;
        let [low, high] = (count - 1).to_le_bytes();
        let bar = TABLE_BAR as u8;
        let pending = (TABLE_SIZE / 2) as u16;
        let [p_low, p_high] = (pending | u16::from(bar)).to_le_bytes();
        self.capability(0x11, &[low, high, bar, 0, 0, 0, p_low, p_high, 0, 0])
            .bar(TABLE_BAR, TABLE_SIZE)
    }

    /// Plugs it in, at the next device number of bus 0.
    pub fn plug(self, model: impl Model + 'static) {
        world::with(|world| {
            let number = world.hardware.functions.len();
            let device = world.hardware.add(model, Some(number));
            let mut space = self.space;
            space.device = device;
            world.hardware.functions.push(space);
        });
    }
}

impl Space {
    fn word(&self, offset: usize) -> u32 {
        let bytes = self.bytes.get(offset..offset + 4);
        bytes.map_or(u32::MAX, |bytes| {
            u32::from_le_bytes(bytes.try_into().expect("four bytes"))
        })
    }

    pub(super) fn messages_enabled(&self) -> bool {
        self.msix
            .is_some_and(|at| self.bytes[at + 3] & 0xc0 == 0x80)
    }

    /// Whom a vector's message is for.
    pub(super) fn message(&self, vector: usize) -> Option<u64> {
        let entry = self.table.get(4 * vector..4 * vector + 4)?;
        let unmasked = entry[3] & 1 == 0;
        (unmasked && u64::from(entry[0]) == MESSAGES).then_some(entry[2].into())
    }
}

fn write(hardware: &mut Hardware, function: usize, offset: usize, value: u32) {
    let Some(space) = hardware.functions.get_mut(function) else {
        return;
    };
    if (0x10..0x28).contains(&offset) {
        let number = (offset - 0x10) / 4;
        let size = space.sizes[number];
        if size > 0 {
            let address = value & !(size as u32 - 1);
            space.bytes[offset..offset + 4].copy_from_slice(&address.to_le_bytes());
        }
    } else {
        for (at, byte) in value.to_le_bytes().into_iter().enumerate() {
            if let Some(mask) = space.writable.get(offset + at) {
                let kept = space.bytes[offset + at] & !mask;
                space.bytes[offset + at] = kept | byte & mask;
            }
        }
    }
    place(hardware, function);
}

/// Has the registers where the BARs say, or nowhere while memory space is off.
fn place(hardware: &mut Hardware, function: usize) {
    let space = &hardware.functions[function];
    let on = space.bytes[4] & 2 != 0;
    let bars: Vec<_> = (0..6)
        .map(|number| {
            let address = u64::from(space.word(0x10 + 4 * number));
            let size = space.sizes[number];
            (on && size > 0 && address > 0).then_some((address, size))
        })
        .collect();
    let device = space.device;
    for (number, bar) in bars.into_iter().enumerate() {
        registers::move_bar(hardware, device, number, bar);
    }
}

/// The MSI-X table entry's field at an offset of a BAR, if that is one.
fn entry(world: &mut World, device: usize, bar: usize, offset: u64) -> Option<&mut u32> {
    let mut functions = world.hardware.functions.iter_mut();
    let space = functions.find(|space| space.device == device)?;
    space.msix.filter(|_| bar == TABLE_BAR)?;
    space.table.get_mut((offset / 4) as usize)
}

pub(super) fn read_table(world: &mut World, device: usize, bar: usize, offset: u64) -> Option<u64> {
    entry(world, device, bar, offset).map(|field| u64::from(*field))
}

pub(super) fn write_table(
    world: &mut World,
    device: usize,
    bar: usize,
    offset: u64,
    value: u64,
) -> bool {
    let field = entry(world, device, bar, offset);
    field.map(|field| *field = value as u32).is_some()
}

/// The place among the functions: they have bus 0, and a device number each.
fn index(function: u32) -> Option<usize> {
    (function & 7 == 0).then_some((function >> 3) as usize)
}

impl hypercall::Pci for Platform {
    fn buses() -> u32 {
        world::with(|world| u32::from(!world.hardware.functions.is_empty()))
    }

    fn read(function: u32, offset: u32) -> u32 {
        let word = world::with(|world| {
            let space = world.hardware.functions.get(index(function)?)?;
            Some(space.word(offset as usize))
        });
        word.unwrap_or(u32::MAX)
    }

    fn write(function: u32, offset: u32, value: u32) {
        world::with(|world| {
            if let Some(function) = index(function) {
                write(&mut world.hardware, function, offset as usize, value);
            }
        });
    }

    fn line(function: u32, _pin: u32) -> i64 {
        let line = world::with(|world| {
            let space = world.hardware.functions.get(index(function)?)?;
            Some(world.hardware.devices[space.device].line)
        });
        line.map_or(hypercall::Errno::ENODEV.to_answer(), i64::from)
    }

    fn place(size: u64) -> u64 {
        world::with(|world| {
            let start = world
                .hardware
                .placed
                .max(PLACES)
                .next_multiple_of(size.max(4096));
            world.hardware.placed = start + size;
            start
        })
    }
}
