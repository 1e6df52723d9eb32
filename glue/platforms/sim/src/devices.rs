//! Devices that are programs: what a kernel's drivers find in the world, and a test decides how it behaves.
//!
//! A [`Model`] answers reads and writes of registers. It is plugged in as a window that no bus enumerates
//! ([`plug`]) or as a PCI function ([`pci::Function`]). It reads and writes the memory the kernel has
//! given it, and only that: anything else is a panic which says so. It interrupts, at once or later.
//! [`virtio`] has the device's side of that standard, honest or not.

mod interrupts;
mod memory;
pub mod pci;
mod registers;
pub mod virtio;

use hypercall::Upcall;

use crate::events::Event;
use crate::world::{self, World};

use interrupts::Interrupts;
use memory::Lent;
pub use memory::lent;
use registers::Region;

/// A device.
pub trait Model {
    /// The value of the register of `width` bytes at `offset`; `region` is the PCI BAR, or 0.
    fn read(&mut self, bus: &mut Bus<'_>, region: usize, offset: u64, width: u32) -> u64;

    /// Writes it.
    fn write(&mut self, bus: &mut Bus<'_>, region: usize, offset: u64, width: u32, value: u64);

    /// Goes on with what was put off ([`Bus::later`]).
    fn elapsed(&mut self, bus: &mut Bus<'_>, what: u64) {
        let _ = (bus, what);
    }
}

/// How a device outside of PCI interrupts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// By an edge.
    Edge,
    /// By a level, until it lets go.
    Level,
}

/// The devices of a world, and what connects them with kernels.
#[derive(Default)]
pub(crate) struct Hardware {
    devices: Vec<Device>,
    regions: Vec<Region>,
    functions: Vec<pci::Space>,
    interrupts: Interrupts,
    lent: Lent,
    /// Bus addresses below are given away, from the first one there is.
    placed: u64,
}

struct Device {
    /// None while it is at work.
    model: Option<Box<dyn Model>>,
    line: u32,
    /// Its place among the PCI functions.
    function: Option<usize>,
}

impl Hardware {
    fn add(&mut self, model: impl Model + 'static, function: Option<usize>) -> usize {
        let number = self.devices.len();
        self.devices.push(Device {
            model: Some(Box::new(model)),
            line: interrupts::FIRST_LINE + number as u32,
            function,
        });
        number
    }
}

/// Plugs a device in where no bus enumerates it, with `size` bytes of registers.
pub fn plug(size: u64, line: Line, model: impl Model + 'static) {
    world::with(|world| {
        let device = world.hardware.add(model, None);
        registers::add_window(&mut world.hardware, device, size, line);
    });
}

/// What a device sees of the machine.
pub struct Bus<'a> {
    world: &'a mut World,
    device: usize,
}

impl Bus<'_> {
    /// Reads memory of the kernel.
    ///
    /// # Panics
    ///
    /// If the kernel did not give it to devices.
    pub fn load(&self, address: u64, bytes: &mut [u8]) {
        self.world.hardware.lent.load(address, bytes);
    }

    /// Writes memory of the kernel.
    ///
    /// # Panics
    ///
    /// If the kernel did not give it to devices.
    pub fn store(&mut self, address: u64, bytes: &[u8]) {
        self.world.hardware.lent.store(address, bytes);
    }

    /// Interrupts by an edge of its line.
    pub fn pulse(&mut self) {
        let line = self.world.hardware.devices[self.device].line;
        interrupts::pulse(self.world, line);
    }

    /// Asserts its level-triggered line, or lets go of it.
    pub fn level(&mut self, asserted: bool) {
        let line = self.world.hardware.devices[self.device].line;
        interrupts::level(self.world, line, asserted);
    }

    /// Interrupts by a message of its MSI-X table; whether that is switched on.
    pub fn message(&mut self, vector: usize) -> bool {
        let function = self.world.hardware.devices[self.device].function;
        let Some(function) = function else {
            return false;
        };
        let space = &self.world.hardware.functions[function];
        if !space.messages_enabled() {
            return false;
        }
        if let Some(handle) = space.message(vector) {
            let now = self.world.now;
            self.world.events.add(now, Event::Interrupt(handle));
        }
        true
    }

    /// Has [`Model::elapsed`] called with `what` after `span` nanoseconds.
    pub fn later(&mut self, span: u64, what: u64) {
        let time = self.world.now.saturating_add(span);
        let device = self.device;
        self.world.events.add(time, Event::Device { device, what });
    }
}

/// Has a device work, with the world at its disposal.
fn with_model<R>(
    world: &mut World,
    device: usize,
    f: impl FnOnce(&mut dyn Model, &mut Bus<'_>) -> R,
) -> Option<R> {
    let mut model = world.hardware.devices.get_mut(device)?.model.take()?;
    let result = f(&mut *model, &mut Bus { world, device });
    world.hardware.devices[device].model = Some(model);
    Some(result)
}

pub(crate) fn elapsed(world: &mut World, device: usize, what: u64) {
    with_model(world, device, |model, bus| model.elapsed(bus, what));
}

/// Whom an interrupt that is due is for.
pub(crate) fn arrived(world: &World, handle: u64) -> Option<Upcall> {
    world.hardware.interrupts.upcall(handle)
}

#[cfg(test)]
mod tests;
