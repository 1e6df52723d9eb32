//! Registers of devices, in memory.

use crate::group;

/// Where a device may be that no bus enumerates, and how it interrupts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Physical address of its registers.
    pub physical: u64,
    /// Bytes of them.
    pub size: u64,
    /// The interrupt line, as [`irq::attach`](crate::irq::attach) takes it.
    pub line: u32,
    /// Whether the line is level-triggered (1) or edge-triggered (0).
    pub level: u32,
}

group! {
    /// Registers of devices, in memory.
    pub trait Mmio as mmio {
        /// Makes `size` bytes of device memory at `physical` reachable, uncached, and returns their
        /// address; zero if that cannot be. What is reachable stays so.
        fn map(physical: u64, size: usize) -> usize;
        /// Fills in the `index`th window where a virtio device may be; false after the last.
        fn window(index: usize, window: &mut Window) -> bool;
        /// Reads the register of `width` bytes (1, 2, 4 or 8) at `address`, in what
        /// [`map`](Self::map) made reachable.
        fn read(address: usize, width: u32) -> u64;
        /// Writes it.
        fn write(address: usize, width: u32, value: u64);
    }
}
