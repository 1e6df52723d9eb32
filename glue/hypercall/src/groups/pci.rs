//! The configuration space of PCI.

use crate::group;

group! {
    /// The configuration space of PCI, segment 0. A function is named by its bus (bits 8 to 15), device
    /// (3 to 7) and function (0 to 2).
    pub trait Pci as pci {
        /// How many buses there may be; zero where there is no PCI.
        fn buses() -> u32;
        /// Reads the aligned 32-bit register at `offset` (below 4096, or 256 where that is all there
        /// is); all ones where there is none.
        fn read(function: u32, offset: u32) -> u32;
        /// Writes it.
        fn write(function: u32, offset: u32, value: u32);
        /// The interrupt line of a function's pin (1: INTA), as [`irq::attach`](crate::irq::attach)
        /// takes it, level-triggered; a negated error number if that is not known.
        fn line(function: u32, pin: u32) -> i64;
        /// A bus address range of `size` bytes (a power of two), aligned to it, for a device whose
        /// firmware gave it none; zero if there is none.
        fn place(size: u64) -> u64;
    }
}
