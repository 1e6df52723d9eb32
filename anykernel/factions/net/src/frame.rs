//! Frames: packets in buffers that have room in front for the headers of lower layers.
//!
//! Buffers are recycled through a pool, an instance its own, by whoever is done with a frame:
//! [`FramePool::recycle`]. A frame that is merely dropped frees its buffer, so that no `Drop` takes
//! a lock. Every buffer is charged to the instance's memory limit, in the pool too.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::{Leaf, Parts};
use base::{Charge, Errno, Memory};

use crate::{Checksum, Segments};

/// Bytes in front of a new frame's content: enough for an Ethernet header with a tag, an IPv6
/// fragment header and whatever header a paravirtual device wants.
pub const HEADROOM: usize = 128;

/// The longest content of a frame: an IPv6 packet without jumbo option, and a link header.
pub const MAX_FRAME: usize = 65535 + 40 + 32;

/// A frame, or a packet on its way to become one.
pub struct Frame {
    buffer: Box<[u8]>,
    start: u32,
    end: u32,
    /// With a `start` that counts from the beginning of the buffer.
    checksum: Checksum,
    segments: Option<Segments>,
    charge: Charge,
}

/// Several frames, in order.
pub type Batch = Vec<Frame>;

impl Frame {
    /// The content.
    #[inline]
    pub fn payload(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// The content, to be changed.
    #[inline]
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start as usize..self.end as usize]
    }

    /// Length of the content in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there is no content.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Puts `n` bytes of unknown value in front of the content and returns them.
    ///
    /// # Panics
    ///
    /// If the headroom is used up, which takes headers of more than [`HEADROOM`] bytes.
    #[inline]
    pub fn prepend(&mut self, n: usize) -> &mut [u8] {
        let start = self.start as usize;
        self.start = u32::try_from(start.checked_sub(n).expect("a frame's headroom is used up"))
            .expect("shrinks");
        &mut self.buffer[start - n..start]
    }

    /// Takes `n` bytes off the front, or all there are.
    #[inline]
    pub fn trim_front(&mut self, n: usize) {
        self.start += n.min(self.len()) as u32;
    }

    /// Cuts the content off after `n` bytes, if it is longer.
    #[inline]
    pub fn truncate(&mut self, n: usize) {
        self.end = self.start + n.min(self.len()) as u32;
    }

    /// What is known of the checksum of the protocol above IP.
    #[inline]
    pub fn checksum(&self) -> Checksum {
        match self.checksum {
            Checksum::Partial { start, offset } => Checksum::Partial {
                start: start.saturating_sub(self.start),
                offset,
            },
            known => known,
        }
    }

    /// Says what is known of the checksum of the protocol above IP.
    #[inline]
    pub fn set_checksum(&mut self, checksum: Checksum) {
        self.checksum = match checksum {
            Checksum::Partial { start, offset } => Checksum::Partial {
                start: start + self.start,
                offset,
            },
            known => known,
        };
    }

    /// What the TCP segment in it is still to be cut up into.
    #[inline]
    pub fn segments(&self) -> Option<Segments> {
        self.segments
    }

    /// Says what the TCP segment in it is to be cut up into. Its checksum is left open as well.
    #[inline]
    pub fn set_segments(&mut self, segments: Option<Segments>) {
        self.segments = segments;
    }

    /// Bytes of memory behind the frame, used or not.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }
}

/// The sizes of buffers. A TCP segment without data, an Ethernet frame, a jumbo frame, a full packet.
const SIZES: [usize; 4] = [
    HEADROOM + 256,
    HEADROOM + 1920,
    HEADROOM + 16 * 1024,
    HEADROOM + MAX_FRAME,
];

/// How many buffers of each size are kept for everybody while nobody uses them.
const KEPT: [usize; 4] = [256, 512, 32, 16];

/// How many move at once between those and a processor's own, which are at most twice as many.
const MOVED: [usize; 4] = [16, 16, 4, 2];

/// A buffer at rest.
struct Spare {
    buffer: Box<[u8]>,
    charge: Charge,
}

/// Buffers of each size.
type Shelf = [Leaf<Vec<Spare>>; SIZES.len()];

fn empty_shelf() -> Shelf {
    core::array::from_fn(|_| Leaf::new(Vec::new()))
}

/// Buffers waiting to be used again: a few for each processor, so that they do not meet here for every frame, and the
/// rest. Among leaf locks, a processor's comes before the one for all.
pub struct FramePool {
    memory: Arc<Memory>,
    near: Parts<Shelf>,
    far: Shelf,
}

impl FramePool {
    /// An empty pool, whose buffers are charged to `memory`.
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        FramePool {
            memory,
            near: Parts::new(empty_shelf),
            far: empty_shelf(),
        }
    }

    /// A frame of `len` bytes of unknown value. `EMSGSIZE` beyond [`MAX_FRAME`]; `ENOMEM` when the
    /// host or the instance's limit has no more memory.
    pub fn get(&self, len: usize) -> Result<Frame, Errno> {
        let class = SIZES
            .iter()
            .position(|size| HEADROOM + len <= *size)
            .ok_or(Errno::EMSGSIZE)?;
        let spare = self.near.here()[class].with(|near| {
            near.pop().or_else(|| {
                self.far[class].with(|far| {
                    let least = far.len().saturating_sub(MOVED[class]);
                    near.extend(far.drain(least..));
                });
                near.pop()
            })
        });
        let spare = match spare {
            Some(spare) => spare,
            None => self.allocate(SIZES[class])?,
        };
        Ok(Frame {
            buffer: spare.buffer,
            start: HEADROOM as u32,
            end: (HEADROOM + len) as u32,
            checksum: Checksum::Present,
            segments: None,
            charge: spare.charge,
        })
    }

    #[cold]
    fn allocate(&self, size: usize) -> Result<Spare, Errno> {
        let charge = self.memory.charge(size)?;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
        buffer.resize(size, 0);
        Ok(Spare {
            buffer: buffer.into_boxed_slice(),
            charge,
        })
    }

    /// A frame with this content.
    pub fn copy_of(&self, bytes: &[u8]) -> Result<Frame, Errno> {
        let mut frame = self.get(bytes.len())?;
        frame.payload_mut().copy_from_slice(bytes);
        Ok(frame)
    }

    /// Another frame with the same content, of which the same is known.
    pub fn duplicate(&self, frame: &Frame) -> Result<Frame, Errno> {
        let mut other = self.copy_of(frame.payload())?;
        other.set_checksum(frame.checksum());
        other.set_segments(frame.segments());
        Ok(other)
    }

    /// Takes back the buffer of a frame nobody needs any more.
    pub fn recycle(&self, frame: Frame) {
        let Frame { buffer, charge, .. } = frame;
        let Some(class) = SIZES.iter().position(|size| buffer.len() == *size) else {
            return;
        };
        let spare = Spare { buffer, charge };
        // What does not fit is freed out here, not under the lock.
        let _full = self.near.here()[class].with(|near| {
            if near.len() == 2 * MOVED[class] {
                self.far[class].with(|far| {
                    let room = KEPT[class].saturating_sub(far.len());
                    let least = near.len() - MOVED[class].min(room);
                    far.extend(near.drain(least..));
                });
            }
            if near.len() < 2 * MOVED[class] && near.try_reserve(1).is_ok() {
                near.push(spare);
                None
            } else {
                Some(spare)
            }
        });
    }

    /// Takes back all buffers of a batch and leaves it empty.
    pub fn recycle_all(&self, batch: &mut Batch) {
        for frame in batch.drain(..) {
            self.recycle(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::boot;

    #[test]
    fn headers_come_and_go_in_front() {
        let host = boot();
        let pool = host.net.pool();
        let mut frame = pool.copy_of(b"payload").unwrap();
        frame.prepend(4).copy_from_slice(b"head");
        assert_eq!(frame.payload(), b"headpayload");
        frame.trim_front(4);
        frame.truncate(3);
        assert_eq!(frame.payload(), b"pay");
        frame.trim_front(100);
        assert!(frame.is_empty());
    }

    #[test]
    fn buffers_are_used_again_and_their_number_is_bounded() {
        let host = boot();
        let pool = host.net.pool();
        let frames: alloc::vec::Vec<_> = (0..40).map(|_| pool.get(60000).unwrap()).collect();
        let held = host.memory_used();
        for frame in frames {
            pool.recycle(frame);
        }
        let kept = host.memory_used();
        assert!(kept < held, "{kept} of {held} bytes kept");
        let frame = pool.get(50000).unwrap();
        assert_eq!(host.memory_used(), kept);
        pool.recycle(frame);
    }

    #[test]
    fn a_frame_longer_than_any_packet_is_refused() {
        let host = boot();
        let error = host.net.pool().get(super::MAX_FRAME + 1).err();
        assert_eq!(error, Some(base::Errno::EMSGSIZE));
    }
}
