//! Buffers for what arrives on a link: a batch that is offered to the platform, and what came back in it.

use alloc::vec::Vec;
use core::mem;
use core::ops::RangeInclusive;

use base::Errno;
use hypercall::{Offload, Segment};
use net::{Batch, Frame, FramePool, Reason};

/// Frames taken in one hypercall: few on a link with little traffic, so that it ties up little memory.
const BATCH: RangeInclusive<usize> = 8..=64;

/// The same on a link that delivers long frames, each of which is many.
const LONG_BATCH: RangeInclusive<usize> = 4..=16;

/// Bytes of an Ethernet header with a VLAN tag: what a frame has beyond the packet in it.
const HEADER: usize = 18;

/// What the next frames go into.
pub(crate) struct Rooms {
    /// Left over from the last batch.
    left: Batch,
    /// How many to offer.
    wanted: usize,
    batch: RangeInclusive<usize>,
    /// The longest frame of the link's MTU, and the longest of all.
    usual: usize,
    longest: usize,
}

/// What came of an offer.
#[derive(Default)]
pub(crate) struct Arrived {
    /// Good frames.
    pub(crate) frames: Batch,
    /// How many were dropped, since what the link said of them cannot be true.
    pub(crate) malformed: usize,
    /// Whether the link filled all it was offered, so that there may be more.
    pub(crate) all: bool,
}

impl Rooms {
    /// For a link with packets of up to `mtu` bytes that delivers some as long as `longest`.
    pub(crate) fn new(mtu: usize, longest: usize) -> Self {
        let batch = if longest > mtu { LONG_BATCH } else { BATCH };
        Rooms {
            left: Batch::new(),
            wanted: *batch.start(),
            batch,
            usual: mtu + HEADER,
            longest: longest + HEADER,
        }
    }

    /// Offers a batch of buffers to `receive`, which fills some and says how many. `None` if there is no
    /// memory for even one.
    pub(crate) fn offer(
        &mut self,
        pool: &FramePool,
        receive: impl FnOnce(&mut [Segment<'_>]) -> usize,
    ) -> Option<Arrived> {
        let mut rooms = mem::take(&mut self.left);
        while rooms.len() < self.wanted
            && let Ok(room) = self.room(pool)
        {
            rooms.push(room);
        }
        let offered = rooms.len();
        if offered == 0 {
            return None;
        }
        let mut segments: Vec<Segment<'_>> = rooms
            .iter_mut()
            .map(|room| Segment::empty(room.payload_mut()))
            .collect();
        let filled = receive(&mut segments).min(offered);
        let said: Vec<(usize, Offload)> = segments[..filled]
            .iter()
            .map(|segment| (segment.len(), segment.offload()))
            .collect();
        self.left = rooms.split_off(filled);
        let mut arrived = Arrived {
            all: filled == offered,
            ..Arrived::default()
        };
        for (mut frame, (len, offload)) in rooms.into_iter().zip(said) {
            frame.truncate(len);
            match self.adopt(pool, &mut frame, &offload) {
                Ok(()) => arrived.frames.push(frame),
                Err(_) => {
                    arrived.malformed += 1;
                    pool.recycle(frame);
                }
            }
        }
        self.adapt(pool, arrived.all);
        Some(arrived)
    }

    /// A buffer; one for a frame of usual length if there is no memory for a long one.
    fn room(&self, pool: &FramePool) -> Result<Frame, Errno> {
        pool.get(self.longest).or_else(|_| pool.get(self.usual))
    }

    /// Makes what the link put into a buffer a frame of the network. One of usual length leaves a buffer for
    /// long ones at once: it may have to wait somewhere.
    fn adopt(&self, pool: &FramePool, frame: &mut Frame, offload: &Offload) -> Result<(), Reason> {
        if self.longest > self.usual
            && frame.len() <= self.usual
            && let Ok(copy) = pool.copy_of(frame.payload())
        {
            pool.recycle(mem::replace(frame, copy));
        }
        frame.set_offload(offload)
    }

    /// Offers more as long as all are filled.
    fn adapt(&mut self, pool: &FramePool, all: bool) {
        self.wanted = match all {
            true => (self.wanted * 2).min(*self.batch.end()),
            false => *self.batch.start(),
        };
        while self.left.len() > self.wanted
            && let Some(room) = self.left.pop()
        {
            pool.recycle(room);
        }
    }

    /// Gives back what is left.
    pub(crate) fn clear(&mut self, pool: &FramePool) {
        pool.recycle_all(&mut self.left);
    }
}
