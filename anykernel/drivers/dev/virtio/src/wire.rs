//! The two ways to a device's registers.

mod function;
mod window;

use base::Errno;
use hardware::Registers;

pub(crate) use function::FunctionWire;
pub(crate) use window::WindowWire;

/// Registers that every device has, wherever they are.
pub(crate) trait Wire: Send + Sync {
    fn status(&self) -> u32;
    fn set_status(&self, status: u32);
    /// 32 of the features offered: the lower half (0) or the higher (1).
    fn offered(&self, half: u32) -> u32;
    fn accept(&self, half: u32, features: u32);
    /// The most entries of a queue; zero if there is no such queue.
    fn queue_size(&self, queue: u16) -> u16;
    /// Hands over a queue: descriptors, driver's area and device's area.
    fn set_queue(&self, queue: u16, size: u16, areas: [u64; 3]);
    fn queue_ready(&self, queue: u16) -> bool;
    /// Where a queue is notified. None if that is outside of the device.
    fn bell(&self, queue: u16) -> Option<Bell>;
    /// Has a queue, or changes of the configuration, interrupt by a message vector; whether they will.
    fn route(&self, queue: Option<u16>, vector: u16) -> bool;
    /// Why the device interrupted; reading lets it go of its line.
    fn take_interrupt(&self) -> u32;
    fn generation(&self) -> u32;
    fn config(&self) -> Option<Registers>;
}

/// How the device hears that a queue has something for it.
#[derive(Clone, Copy)]
pub(crate) struct Bell {
    register: Registers,
    width: u32,
    queue: u16,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.register.write(0, self.width, self.queue.into());
    }
}

/// Reads bytes of the configuration space, in accesses of the width that fields of that length have.
pub(crate) fn read_config(wire: &dyn Wire, offset: usize, bytes: &mut [u8]) -> Result<(), Errno> {
    let config = wire.config().ok_or(Errno::ENXIO)?;
    config.part(offset, bytes.len()).ok_or(Errno::ENXIO)?;
    let width = width(bytes.len());
    for (at, part) in bytes.chunks_exact_mut(width).enumerate() {
        let value = config.read(offset + at * width, width as u32);
        part.copy_from_slice(&value.to_le_bytes()[..width]);
    }
    Ok(())
}

/// Writes bytes of the configuration space, likewise.
pub(crate) fn write_config(wire: &dyn Wire, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
    let config = wire.config().ok_or(Errno::ENXIO)?;
    config.part(offset, bytes.len()).ok_or(Errno::ENXIO)?;
    let width = width(bytes.len());
    for (at, part) in bytes.chunks_exact(width).enumerate() {
        let mut value = [0; 8];
        value[..width].copy_from_slice(part);
        config.write(offset + at * width, width as u32, u64::from_le_bytes(value));
    }
    Ok(())
}

/// How a field of this length is accessed (section 4.2.2.2): a field of 64 bits in halves, others bytewise.
fn width(len: usize) -> usize {
    match len {
        2 | 4 => len,
        8 => 4,
        _ => 1,
    }
}
