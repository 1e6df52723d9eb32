//! Registers of a device, in memory that the platform has made reachable.

use base::Errno;
use hypercall::mmio;

/// A range of registers. Outside of it there is nothing: reads give all ones and writes go nowhere, as on
/// a bus where nobody answers.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    address: usize,
    size: usize,
}

impl Registers {
    /// `size` bytes of registers at a physical address. `ENXIO` if the platform cannot reach that.
    pub fn map(physical: u64, size: usize) -> Result<Self, Errno> {
        match mmio::map(physical, size) {
            0 => Err(Errno::ENXIO),
            address => Ok(Registers { address, size }),
        }
    }

    /// Bytes of registers.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A part of the range, if it is one.
    pub fn part(&self, offset: usize, size: usize) -> Option<Registers> {
        let end = offset.checked_add(size)?;
        (end <= self.size).then_some(Registers {
            address: self.address + offset,
            size,
        })
    }

    /// Reads the register of `width` bytes (1, 2, 4 or 8) at `offset`.
    #[inline]
    pub fn read(&self, offset: usize, width: u32) -> u64 {
        match self.part(offset, width as usize) {
            Some(_) => mmio::read(self.address + offset, width),
            None => u64::MAX >> (64 - 8 * width),
        }
    }

    /// Writes the register of `width` bytes (1, 2, 4 or 8) at `offset`.
    #[inline]
    pub fn write(&self, offset: usize, width: u32, value: u64) {
        if self.part(offset, width as usize).is_some() {
            mmio::write(self.address + offset, width, value);
        }
    }

    /// Reads a register of 32 bits.
    #[inline]
    pub fn read32(&self, offset: usize) -> u32 {
        self.read(offset, 4) as u32
    }

    /// Writes a register of 32 bits.
    #[inline]
    pub fn write32(&self, offset: usize, value: u32) {
        self.write(offset, 4, value.into());
    }
}
