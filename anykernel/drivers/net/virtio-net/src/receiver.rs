//! What comes in.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use base::{Errno, Failure};
use hypercall::Offload;
use net::{Batch, Frame, FramePool, MAX_FRAME, Reason};
use virtio::{Chain, Device, Queue, Quiet};

use crate::features::{Features, GUEST_CSUM, MRG_RXBUF};
use crate::header;

/// The receive queue's number.
const QUEUE: u16 = 0;

/// Buffers that wait for frames.
const BUFFERS: usize = 256;

/// Bytes of each: a frame of usual length with its header, in the size that the network's pool has.
const ROOM: usize = 1920;

/// Buffers that are looked at before others have their turn.
const BATCH: usize = 64;

/// A buffer for a frame, or a part of one.
pub(crate) struct Room(Frame);

impl Chain for Room {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[], &mut [self.0.payload_mut()])
    }
}

/// The queue, and how to read what is in it.
pub(crate) struct Receiver {
    queue: Box<Queue<Room, BUFFERS>>,
    /// Whether headers say anything about frames, and whether a frame may be several buffers.
    informed: bool,
    joined: bool,
    /// Memory of the last batch.
    spare: Batch,
}

/// What a look at the queue gave.
#[derive(Default)]
pub(crate) struct Received {
    /// Good frames.
    pub(crate) frames: Batch,
    /// Frames that went no further.
    pub(crate) dropped: Vec<(Reason, usize)>,
    /// Whether there is more.
    pub(crate) more: bool,
}

impl Received {
    fn count(&mut self, reason: Reason) {
        match self.dropped.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, count)) => *count += 1,
            None => self.dropped.push((reason, 1)),
        }
    }
}

impl Receiver {
    pub(crate) fn new(
        device: &mut Device,
        features: &Features,
        pool: &FramePool,
    ) -> Result<Self, Failure> {
        let mut receiver = Receiver {
            queue: device.queue(QUEUE)?,
            informed: features.has(GUEST_CSUM),
            joined: features.has(MRG_RXBUF),
            spare: Batch::new(),
        };
        if receiver.refill(pool) == 0 {
            return Err(Failure::new(Errno::ENOMEM, "no memory for received frames"));
        }
        Ok(receiver)
    }

    /// Offers buffers until enough of them wait, and returns how many do.
    pub(crate) fn refill(&mut self, pool: &FramePool) -> usize {
        while self.queue.under_way() < BUFFERS
            && let Ok(frame) = pool.get(ROOM)
        {
            if let Err(Room(frame)) = self.queue.add(Room(frame)) {
                pool.recycle(frame);
                break;
            }
        }
        self.queue.under_way()
    }

    /// Tells the device of the buffers it was offered.
    pub(crate) fn kick(&mut self) {
        self.queue.kick();
    }

    /// Takes what came in, within a budget, and replaces its buffers. `Err` says what the device did that
    /// it must not.
    pub(crate) fn take(&mut self, pool: &FramePool) -> Result<Received, String> {
        self.queue.interrupt(false);
        let mut received = Received {
            frames: mem::take(&mut self.spare),
            ..Received::default()
        };
        let mut looked = 0;
        while looked < BATCH
            && let Some((frame, len)) = self.next()?
        {
            looked += self.frame(pool, frame, len, &mut received)?;
        }
        received.more = self.queue.has_used();
        self.refill(pool);
        self.kick();
        Ok(received)
    }

    /// Gives back the batch, for its memory, and has the device interrupt again. Whether something came
    /// meanwhile.
    pub(crate) fn rest(&mut self, spare: Batch) -> bool {
        self.spare = spare;
        self.queue.interrupt(true);
        self.queue.has_used()
    }

    /// The next buffer and how much of it is used.
    fn next(&mut self) -> Result<Option<(Frame, usize)>, String> {
        let used = self.queue.pop().map_err(|broken| broken.to_string())?;
        Ok(used.map(|(room, len)| (room.0, len)))
    }

    /// Takes a frame that begins in a buffer, and says of how many it was.
    fn frame(
        &mut self,
        pool: &FramePool,
        mut first: Frame,
        len: usize,
        received: &mut Received,
    ) -> Result<usize, String> {
        let Some(head) = first
            .payload()
            .first_chunk()
            .filter(|_| len >= header::LENGTH)
        else {
            return Err(format!("it received {len} bytes, less than a header"));
        };
        let (offload, count) = header::read(head);
        let count = if self.joined { count } else { 1 };
        if !(1..=BUFFERS).contains(&count) {
            return Err(format!("it received a frame of {count} buffers"));
        }
        first.truncate(len);
        first.trim_front(header::LENGTH);
        let frame = match count {
            1 => Ok(first),
            _ => self.join(pool, first, count)?,
        };
        let offload = if self.informed {
            offload
        } else {
            Offload::default()
        };
        let known = frame.and_then(|mut frame| match frame.set_offload(&offload) {
            Ok(()) => Ok(frame),
            Err(reason) => {
                pool.recycle(frame);
                Err(reason)
            }
        });
        match known {
            Ok(frame) => received.frames.push(frame),
            Err(reason) => received.count(reason),
        }
        Ok(count)
    }

    /// Makes one frame of `count` buffers. All of them are there, or the device has broken its word.
    fn join(
        &mut self,
        pool: &FramePool,
        first: Frame,
        count: usize,
    ) -> Result<Result<Frame, Reason>, String> {
        let mut parts = Vec::with_capacity(count);
        parts.push(first);
        while parts.len() < count {
            let Some((mut frame, len)) = self.next()? else {
                let there = parts.len();
                return Err(format!(
                    "it received a frame of {count} buffers and gave {there}"
                ));
            };
            frame.truncate(len);
            parts.push(frame);
        }
        let total: usize = parts.iter().map(Frame::len).sum();
        let whole = match total {
            0..=MAX_FRAME => pool.get(total).map_err(|_| Reason::NoMemory),
            _ => Err(Reason::Malformed),
        };
        let whole = whole.map(|mut whole| {
            let mut rest = whole.payload_mut();
            for part in &parts {
                let (place, after) = rest.split_at_mut(part.len());
                place.copy_from_slice(part.payload());
                rest = after;
            }
            whole
        });
        pool.recycle_all(&mut parts);
        Ok(whole)
    }

    /// Ends the queue of a device that was reset.
    pub(crate) fn end(self, pool: &FramePool, quiet: Quiet) {
        for room in self.queue.end(quiet) {
            pool.recycle(room.0);
        }
    }
}
