//! Disks, block by block.
//!
//! ```no_run
//! # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
//! use rump::block::Block;
//!
//! let disk = Block::open(kernel, "vblk0")?;
//! let mut sector = vec![0; disk.block_size()];
//! disk.read_at(&mut sector, 0)?;
//! disk.write_at(&sector, 512)?;
//! disk.flush()?;
//! # Ok(()) }
//! ```
//!
//! With the component `disk`, files and block devices of the host become disks while the kernel runs (`Block::attach`);
//! with `md` there are disks in memory (`Block::in_memory`).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use dev::Dev;

use crate::{Kernel, Result};

/// A disk of a kernel.
#[derive(Clone)]
pub struct Block {
    kernel: Kernel,
    unit: Arc<dev::Block>,
}

/// The names of all disks, in the order they were found.
pub fn names(kernel: &Kernel) -> Result<Vec<String>> {
    kernel.enter(|lwp| Ok(lwp.state::<Dev>()?.block_names()))
}

impl Block {
    /// The disk of this name, such as `vblk0`, or the part of one, such as `vblk0p1`; `ENXIO` if there is none. What is
    /// still being looked at is waited for.
    pub fn open(kernel: &Kernel, name: &str) -> Result<Self> {
        let unit = kernel.enter(|lwp| lwp.state::<Dev>()?.find_block(lwp, name))?;
        let kernel = kernel.clone();
        Ok(Block { kernel, unit })
    }

    /// Makes a disk in memory, of `size` bytes in blocks of 512: `EINVAL` if they are not. It takes memory as it fills.
    #[cfg(feature = "md")]
    pub fn in_memory(kernel: &Kernel, size: u64) -> Result<Self> {
        let unit = kernel.enter(|lwp| lwp.state::<md::MemoryDisks>()?.add(lwp, size))?;
        let kernel = kernel.clone();
        Ok(Block { kernel, unit })
    }

    /// Makes what the host calls `name`, a file or a block device, a disk. Errors are the host's: `EBUSY` if somebody
    /// else has it open and one of the two writes.
    #[cfg(feature = "disk")]
    pub fn attach(kernel: &Kernel, name: &str, read_only: bool) -> Result<Self> {
        let unit = kernel.enter(|lwp| {
            let disks = lwp.state::<disk::Disks>()?;
            disks.attach(lwp, name, read_only)
        })?;
        let kernel = kernel.clone();
        Ok(Block { kernel, unit })
    }

    /// Gives a disk that was attached back to the host; whoever has it open gets `ENXIO` from now on. `ENXIO` if it is
    /// none that was.
    #[cfg(feature = "disk")]
    pub fn detach(self) -> Result<()> {
        self.kernel
            .enter(|lwp| lwp.state::<disk::Disks>()?.detach(lwp, self.unit.name()))
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.unit.name()
    }

    /// What people call it, as a table of partitions says: whatever stands there, and perhaps of several the same. Empty
    /// if nobody named it.
    pub fn label(&self) -> &str {
        self.unit.label()
    }

    /// Bytes it holds.
    pub fn size(&self) -> u64 {
        self.unit.size()
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> usize {
        self.unit.geometry().block_size as usize
    }

    /// Whether it cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.unit.geometry().read_only
    }

    /// Fills the buffer from byte `offset` on. `EINVAL` unless offset and length are multiples of the block
    /// size and inside.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.kernel
            .enter(|lwp| self.unit.read_at(lwp, offset, buffer))
    }

    /// Writes bytes from byte `offset` on; as for [`read_at`](Self::read_at). `EROFS` if it cannot be
    /// written, `EBUSY` if a part of it is mounted, or the disk that it is a part of.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.kernel.enter(|lwp| {
            self.unit.check_unclaimed()?;
            self.unit.write_at(lwp, offset, bytes)
        })
    }

    /// Has everything written so far survive a loss of power.
    pub fn flush(&self) -> Result<()> {
        self.kernel.enter(|lwp| self.unit.flush(lwp))
    }

    /// Says that nobody needs what is in `len` bytes from byte `offset` on, multiples of the block size: they may read as
    /// anything afterwards. `EOPNOTSUPP` of a disk that cannot make use of it, `EBUSY` as for
    /// [`write_at`](Self::write_at).
    pub fn discard(&self, offset: u64, len: u64) -> Result<()> {
        self.kernel.enter(|lwp| {
            self.unit.check_unclaimed()?;
            self.unit.discard(lwp, offset, len)
        })
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Block").field(&self.name()).finish()
    }
}
