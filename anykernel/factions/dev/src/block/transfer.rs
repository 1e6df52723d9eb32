//! Reading and writing for whoever waits: the system call's side of a block unit.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Leaf;
use base::{Blocking, Errno, Events, Lwp, Readiness, Wait, Wakes, block};

use crate::{Block, Done, Operation, Request};

/// Bytes of one request, at most: what a transfer copies before the device can begin.
const PIECE: usize = 128 * 1024;

/// Requests under way at a time.
const WINDOW: usize = 8;

/// Where requests of one transfer end.
struct Ends {
    readiness: Readiness,
    done: Leaf<Vec<(usize, Done)>>,
}

impl Ends {
    fn new() -> Arc<Self> {
        Arc::new(Ends {
            readiness: Readiness::new(Events::NONE),
            done: Leaf::new(Vec::new()),
        })
    }

    /// Takes the end of the `index`th request.
    fn add(&self, lwp: &Lwp<'_>, index: usize, done: Done) {
        self.done.with(|all| all.push((index, done)));
        Wakes::deliver_after(lwp, |wakes| {
            self.readiness.update(Events::IN, Events::IN, wakes);
        });
    }

    /// The next end, if one has come.
    fn take(&self) -> Option<(usize, Done)> {
        self.done.with(Vec::pop)
    }

    /// Waits for the next end.
    fn next(&self, lwp: &Lwp<'_>) -> Result<(usize, Done), Errno> {
        block(lwp, &self.readiness, Blocking::to_the_end(), || {
            self.take().ok_or(Wait::For(Events::IN))
        })
    }
}

impl Block {
    /// Fills `buffer` from byte `offset` on; both the offset and the length are multiples of the block size
    /// (`EINVAL`). Waits.
    pub fn read_at(&self, lwp: &Lwp<'_>, offset: u64, buffer: &mut [u8]) -> Result<(), Errno> {
        self.read_pieces(lwp, offset, &mut [buffer])
    }

    /// As [`read_at`](Self::read_at), into pieces one behind the other: their length together is a multiple of the block
    /// size.
    pub fn read_pieces(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<(), Errno> {
        let len = to.iter().map(|piece| piece.len()).sum();
        let make = |piece: Range<usize>, mut room: Vec<u8>| {
            reserve(&mut room, piece.len())?;
            room.resize(piece.len(), 0);
            Ok(room)
        };
        self.transfer(lwp, Operation::Read, offset, len, make, |piece, data| {
            if let Some(data) = data.get(..piece.len()) {
                scatter(data, to, piece.start);
            }
        })
    }

    /// Writes `bytes` from byte `offset` on; as for [`read_at`](Self::read_at). `EROFS` if the disk cannot
    /// be written. What is written survives a loss of power after a [`flush`](Self::flush). Waits.
    pub fn write_at(&self, lwp: &Lwp<'_>, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let make = |piece: Range<usize>, mut room: Vec<u8>| {
            room.clear();
            reserve(&mut room, piece.len())?;
            room.extend_from_slice(&bytes[piece]);
            Ok(room)
        };
        let len = bytes.len();
        self.transfer(lwp, Operation::Write, offset, len, make, |_, _| ())
    }

    /// Has everything written so far survive a loss of power. Waits.
    pub fn flush(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let ends = Ends::new();
        self.begin(lwp, &ends, 0, Operation::Flush, 0, Vec::new());
        ends.next(lwp)?.1.result
    }

    /// Says that nobody needs what is in `len` bytes from byte `offset` on, both multiples of the block size
    /// (`EINVAL`): they may read as anything afterwards. `EOPNOTSUPP` of a disk that cannot make use of it. Waits.
    pub fn discard(&self, lwp: &Lwp<'_>, offset: u64, len: u64) -> Result<(), Errno> {
        let size = u64::from(self.geometry.block_size);
        let end = offset.checked_add(len);
        let inside = end.is_some_and(|end| end <= self.size());
        if !inside || !(offset | len).is_multiple_of(size) {
            return Err(Errno::EINVAL);
        }
        let (mut first, end) = (offset / size, (offset + len) / size);
        while first < end {
            // Of a disk that cannot, one request to be told so.
            let count = (end - first).min(self.most_discarded().max(1));
            let ends = Ends::new();
            self.begin(
                lwp,
                &ends,
                0,
                Operation::Discard { count },
                first,
                Vec::new(),
            );
            ends.next(lwp)?.1.result?;
            first += count;
        }
        Ok(())
    }

    /// Does a transfer in pieces, several at a time where they do not end at once. The first error ends it, when the
    /// pieces under way have ended. `make` makes the buffer of a piece, of one that is no longer in use.
    fn transfer(
        &self,
        lwp: &Lwp<'_>,
        operation: Operation,
        offset: u64,
        len: usize,
        mut make: impl FnMut(Range<usize>, Vec<u8>) -> Result<Vec<u8>, Errno>,
        mut take: impl FnMut(Range<usize>, &[u8]),
    ) -> Result<(), Errno> {
        let size = u64::from(self.geometry.block_size);
        let end = offset.checked_add(len as u64);
        let inside = end.is_some_and(|end| end <= self.size());
        let whole = (offset | len as u64).is_multiple_of(size);
        if !inside || !whole {
            return Err(Errno::EINVAL);
        }
        let step = self.geometry.largest.min(PIECE.max(size as usize));
        let piece = |index: usize| index * step..len.min((index + 1) * step);
        let count = len.div_ceil(step);
        let ends = Ends::new();
        let (mut begun, mut ended) = (0, 0);
        let mut spare = Vec::new();
        let mut result = Ok(());
        while ended < begun || (begun < count && result.is_ok()) {
            let may_begin = begun < count && begun - ended < WINDOW && result.is_ok();
            let next = match ends.take() {
                None if !may_begin => Some(ends.next(lwp)?),
                next => next,
            };
            if let Some((index, done)) = next {
                ended += 1;
                match done.result {
                    Ok(()) => take(piece(index), &done.buffer),
                    Err(errno) => result = result.and(Err(errno)),
                }
                spare = done.buffer;
                continue;
            }
            match make(piece(begun), core::mem::take(&mut spare)) {
                Ok(buffer) => {
                    let first = (offset + (begun * step) as u64) / size;
                    self.begin(lwp, &ends, begun, operation, first, buffer);
                    begun += 1;
                }
                Err(errno) => result = Err(errno),
            }
        }
        result
    }

    fn begin(
        &self,
        lwp: &Lwp<'_>,
        ends: &Arc<Ends>,
        index: usize,
        operation: Operation,
        first: u64,
        buffer: Vec<u8>,
    ) {
        let ends = ends.clone();
        let end = move |lwp: &Lwp<'_>, done| ends.add(lwp, index, done);
        self.submit(lwp, Request::new(operation, first, buffer, end));
    }
}

/// Copies to pieces one behind the other, from a byte of theirs on.
fn scatter(mut from: &[u8], to: &mut [&mut [u8]], mut start: usize) {
    for piece in to {
        let here = start.min(piece.len());
        let room = &mut piece[here..];
        let (bytes, rest) = from.split_at(room.len().min(from.len()));
        room[..bytes.len()].copy_from_slice(bytes);
        from = rest;
        start -= here;
    }
}

fn reserve(buffer: &mut Vec<u8>, len: usize) -> Result<(), Errno> {
    let more = len.saturating_sub(buffer.len());
    let room = buffer.try_reserve_exact(more);
    room.map_err(|_| Errno::ENOMEM)
}
