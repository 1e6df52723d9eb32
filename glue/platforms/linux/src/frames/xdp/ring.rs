//! Rings that are shared with the system: one side puts entries in, the other takes them out.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use hypercall::Errno;

use super::interface;
use super::memory::Mapping;

/// One of them, as the side that is ours. Both sides count on without end.
pub(super) struct Ring<T> {
    mapping: Mapping,
    producer: usize,
    consumer: usize,
    flags: usize,
    entries: usize,
    mask: u32,
    kind: PhantomData<T>,
}

/// All that a socket has.
pub(super) struct Rings {
    pub(super) arrived: Ring<libc::xdp_desc>,
    pub(super) leaving: Ring<libc::xdp_desc>,
    pub(super) places: Ring<u64>,
    pub(super) sent: Ring<u64>,
}

impl Rings {
    /// Has the system make them, for so many entries each, a power of two.
    pub(super) fn of(socket: &OwnedFd, count: usize) -> Result<Rings, Errno> {
        for ring in [
            libc::XDP_UMEM_FILL_RING,
            libc::XDP_UMEM_COMPLETION_RING,
            libc::XDP_RX_RING,
            libc::XDP_TX_RING,
        ] {
            interface::set(socket, libc::SOL_XDP, ring, &(count as c_int))?;
        }
        let offsets = offsets(socket)?;
        Ok(Rings {
            arrived: Ring::map(socket, &offsets.rx, libc::XDP_PGOFF_RX_RING, count)?,
            leaving: Ring::map(socket, &offsets.tx, libc::XDP_PGOFF_TX_RING, count)?,
            places: Ring::map(
                socket,
                &offsets.fr,
                libc::XDP_UMEM_PGOFF_FILL_RING as _,
                count,
            )?,
            sent: Ring::map(
                socket,
                &offsets.cr,
                libc::XDP_UMEM_PGOFF_COMPLETION_RING as _,
                count,
            )?,
        })
    }
}

/// Where in a ring's memory its parts are.
fn offsets(socket: &OwnedFd) -> Result<libc::xdp_mmap_offsets, Errno> {
    let mut offsets = MaybeUninit::<libc::xdp_mmap_offsets>::zeroed();
    let mut len = mem::size_of_val(&offsets) as libc::socklen_t;
    let place = offsets.as_mut_ptr().cast();
    // SAFETY: there is room for as many bytes as it says; all zeros are good for what is not written.
    unsafe {
        let (level, name) = (libc::SOL_XDP, libc::XDP_MMAP_OFFSETS);
        match libc::getsockopt(socket.as_raw_fd(), level, name, place, &raw mut len) {
            // Systems before Linux 5.4 have no flags in it, and lack more that is needed.
            0 if len as usize == mem::size_of_val(&offsets) => Ok(offsets.assume_init()),
            0 => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::from_number(crate::last_errno())),
        }
    }
}

impl<T: Copy> Ring<T> {
    fn map(
        socket: &OwnedFd,
        offset: &libc::xdp_ring_offset,
        page: libc::off_t,
        count: usize,
    ) -> Result<Ring<T>, Errno> {
        let entries = offset.desc as usize;
        let len = entries + count * mem::size_of::<T>();
        Ok(Ring {
            mapping: Mapping::new(len, Some((socket, page)))?,
            producer: offset.producer as usize,
            consumer: offset.consumer as usize,
            flags: offset.flags as usize,
            entries,
            mask: count as u32 - 1,
            kind: PhantomData,
        })
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: a word at a place that the system named, aligned, in memory that lives as long as the ring.
        unsafe { self.mapping.at(offset).cast().as_ref() }
    }

    fn entry(&self, position: u32) -> *mut T {
        let at = (position & self.mask) as usize;
        let entry = self.mapping.at(self.entries + at * mem::size_of::<T>());
        entry.cast().as_ptr()
    }

    /// How many entries there are.
    pub(super) fn waiting(&self) -> u32 {
        let producer = self.word(self.producer).load(Ordering::Acquire);
        producer.wrapping_sub(self.word(self.consumer).load(Ordering::Acquire))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Whether the system waits to be called.
    pub(super) fn needs_wakeup(&self) -> bool {
        self.word(self.flags).load(Ordering::Relaxed) & libc::XDP_RING_NEED_WAKEUP != 0
    }

    /// Puts an entry in, of a ring that we fill. There is room: no more places exist than it has.
    pub(super) fn push(&mut self, entry: T) {
        let position = self.word(self.producer).load(Ordering::Relaxed);
        // SAFETY: in the memory of entries, and the system reads it once the position has moved.
        unsafe { self.entry(position).write(entry) };
        let next = position.wrapping_add(1);
        self.word(self.producer).store(next, Ordering::Release);
    }

    /// Takes an entry out, of a ring that the system fills.
    pub(super) fn pop(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let position = self.word(self.consumer).load(Ordering::Relaxed);
        // SAFETY: in the memory of entries, and the system writes it again once the position has moved.
        let entry = unsafe { self.entry(position).read() };
        let next = position.wrapping_add(1);
        self.word(self.consumer).store(next, Ordering::Release);
        Some(entry)
    }
}
