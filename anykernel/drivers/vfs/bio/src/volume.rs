//! A block unit as bytes.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Mutex;
use base::{Errno, Exclusive, Lwp};
use dev::{Block, Claim, Dev};

use crate::Bio;
use crate::cache::Cache;

/// Bytes of a piece, unless a block is larger.
const PIECE: u32 = 4096;

/// From so many bytes on what is not in memory passes by the cache.
const LARGE: usize = 64 * 1024;

/// Bytes that are written at once.
const RUN: usize = 1024 * 1024;

/// Bytes that are looked at, at once, for what is not zero.
const LOOK: usize = 128 * 1024;

/// A block unit as bytes, through a cache of its blocks.
///
/// Any number of threads read and write at once. Who finds what it needs in memory never waits for the disk.
pub struct Volume {
    unit: Arc<Block>,
    read_only: bool,
    /// What others write, the cache does not know of.
    _claim: Claim,
    /// Bytes of a piece.
    piece: usize,
    cache: Mutex<Cache>,
    /// The right to have buffers come and go, and so to have the disk read and written: what is in memory stays there for
    /// whoever has it, and what is not does not appear.
    disk: Exclusive<()>,
}

/// Where bytes of a volume are, as far as one piece has them.
struct Part {
    number: u64,
    start: usize,
    len: usize,
}

impl Volume {
    /// Opens a unit by its name, as in a mount's source: `disk0p1`, or `/dev/disk0p1`. `ENXIO` if there is none, else as
    /// [`over`](Self::over).
    pub fn open(lwp: &Lwp<'_>, source: &[u8], read_only: bool) -> Result<Arc<Volume>, Errno> {
        let name = source.strip_prefix(b"/dev/").unwrap_or(source);
        let name = str::from_utf8(name).map_err(|_| Errno::ENXIO)?;
        let unit = lwp.state::<Dev>()?.find_block(lwp, name)?;
        Volume::over(lwp, unit, read_only)
    }

    /// Opens a unit. `EROFS` if it is to be written and cannot be, `EBUSY` if it is open, or a part of it is, or what it is a
    /// part of, and somebody is to write.
    pub fn over(lwp: &Lwp<'_>, unit: Arc<Block>, read_only: bool) -> Result<Arc<Volume>, Errno> {
        let bio = lwp.state::<Bio>()?;
        let geometry = unit.geometry();
        if geometry.read_only && !read_only {
            return Err(Errno::EROFS);
        }
        let piece = geometry.block_size.max(PIECE) as usize;
        let memory = lwp.instance().memory().clone();
        let claim = unit.claim(!read_only)?;
        Ok(Arc::new(Volume {
            unit,
            read_only,
            _claim: claim,
            piece,
            cache: Mutex::new(Cache::new(piece, bio.bytes, memory)),
            disk: Exclusive::new(()),
        }))
    }

    /// Bytes it holds.
    pub fn size(&self) -> u64 {
        self.unit.size()
    }

    /// Bytes of the unit's blocks, a power of two.
    pub fn block_size(&self) -> u32 {
        self.unit.geometry().block_size
    }

    /// Whether nothing can be written.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Fills `to` from byte `offset` on. `EIO` beyond the end, and what the disk says. Waits.
    pub fn read_at(&self, lwp: &Lwp<'_>, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        self.check(offset, to.len() as u64)?;
        let mut done = self.find(lwp, offset, to);
        while done < to.len() {
            let (at, rest) = (offset + done as u64, &mut to[done..]);
            done += self.disk.with(lwp, |()| self.fetch(lwp, at, rest))??;
            done += self.find(lwp, offset + done as u64, &mut to[done..]);
        }
        Ok(())
    }

    /// As [`read_at`](Self::read_at), into pieces one behind the other. What is long and not in memory comes from the disk
    /// to where it is wanted.
    pub fn read_pieces(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<(), Errno> {
        let (mut offset, mut rest) = (offset, to);
        self.check(offset, bytes_in(rest) as u64)?;
        while !rest.is_empty() {
            let count = self
                .disk
                .with(lwp, |()| self.fetch_pieces(lwp, offset, rest))??;
            let (done, others) = rest.split_at_mut(count.max(1));
            if count == 0 {
                self.read_at(lwp, offset, done[0])?;
            }
            offset += bytes_in(done) as u64;
            rest = others;
        }
        Ok(())
    }

    /// Writes `from` from byte `offset` on: to memory, as a rule. `EROFS`, `EIO` beyond the end, and what the disk says
    /// where it has to be read or written first. Waits.
    pub fn write_at(&self, lwp: &Lwp<'_>, offset: u64, from: &[u8]) -> Result<(), Errno> {
        self.check_write(offset, from.len() as u64)?;
        let mut done = self.replace(lwp, offset, from);
        while done < from.len() {
            let (at, rest) = (offset + done as u64, &from[done..]);
            done += self.disk.with(lwp, |()| self.store(lwp, at, rest))??;
            done += self.replace(lwp, offset + done as u64, &from[done..]);
        }
        if self.cache.lock(lwp).is_crowded() {
            // What the disk does not take stays, and whoever flushes hears of it.
            let _ = self.disk.with(lwp, |()| self.write_back(lwp))?;
        }
        Ok(())
    }

    /// Has everything written so far survive a loss of power. What cannot be written stays in memory, for the next one to
    /// try. Waits.
    pub fn flush(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.read_only {
            return Ok(());
        }
        self.disk.with(lwp, |()| self.write_back(lwp))??;
        self.unit.flush(lwp)
    }

    /// Says that nobody needs what is in `len` bytes from byte `offset` on: whole blocks of them may read as anything
    /// afterwards. `EROFS`, `EOPNOTSUPP` of a disk that cannot make use of it, `EIO` beyond the end. Waits.
    pub fn discard(&self, lwp: &Lwp<'_>, offset: u64, len: u64) -> Result<(), Errno> {
        self.check_write(offset, len)?;
        if self.unit.most_discarded() == 0 {
            return Err(Errno::EOPNOTSUPP);
        }
        let whole = |size: u64| offset.next_multiple_of(size)..(offset + len) / size * size;
        let (blocks, pieces) = (whole(self.block_size().into()), whole(self.piece as u64));
        if blocks.is_empty() {
            return Ok(());
        }
        self.disk.with(lwp, |()| {
            let piece = self.piece as u64;
            let pieces = pieces.start / piece..pieces.end / piece;
            self.cache.lock(lwp).forget(pieces);
            let len = blocks.end - blocks.start;
            self.unit.discard(lwp, blocks.start, len)
        })?
    }

    /// Has `len` bytes from byte `offset` on be zeros. Only what is none yet is written, so that a disk that has holes keeps
    /// them. As [`write_at`](Self::write_at). Waits.
    pub fn clear(&self, lwp: &Lwp<'_>, offset: u64, len: u64) -> Result<(), Errno> {
        self.check_write(offset, len)?;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(LOOK);
        room.map_err(|_| Errno::ENOMEM)?;
        let (mut at, end) = (offset, offset + len);
        while at < end {
            bytes.resize((end - at).min(LOOK as u64) as usize, 0);
            self.read_at(lwp, at, &mut bytes)?;
            if bytes.iter().any(|byte| *byte != 0) {
                bytes.fill(0);
                self.write_at(lwp, at, &bytes)?;
            }
            at += bytes.len() as u64;
        }
        Ok(())
    }

    // ---- in memory ----

    /// Copies from memory until something is not there: how much.
    fn find(&self, lwp: &Lwp<'_>, offset: u64, to: &mut [u8]) -> usize {
        let mut cache = self.cache.lock(lwp);
        let mut done = 0;
        while done < to.len() {
            let part = self.part(offset + done as u64, to.len() - done);
            if !cache.read(part.number, part.start, &mut to[done..done + part.len]) {
                break;
            }
            done += part.len;
        }
        done
    }

    /// Copies to memory until something is not there: how much.
    fn replace(&self, lwp: &Lwp<'_>, offset: u64, from: &[u8]) -> usize {
        let mut cache = self.cache.lock(lwp);
        let mut done = 0;
        while done < from.len() {
            let part = self.part(offset + done as u64, from.len() - done);
            if !cache.write(part.number, part.start, &from[done..done + part.len]) {
                break;
            }
            done += part.len;
        }
        done
    }

    // ---- on the disk ----

    /// Reads what is not in memory: how much of `to`. Nothing, if it has come meanwhile.
    fn fetch(&self, lwp: &Lwp<'_>, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let absent = self.absent(lwp, offset, to.len());
        if absent.is_empty() {
            return Ok(0);
        }
        let whole = self.whole(offset, to.len(), &absent);
        if whole >= LARGE {
            self.unit.read_at(lwp, offset, &mut to[..whole])?;
            return Ok(whole);
        }
        // Of what is large, the piece before its first whole one.
        let few = match absent.end - absent.start {
            count if count as usize * self.piece > LARGE => 1,
            count => count,
        };
        let bytes = self.load(lwp, absent.start..absent.start + few)?;
        let mut done = 0;
        for (number, bytes) in (absent.start..).zip(bytes.chunks(self.piece)) {
            let part = self.part(offset + done as u64, to.len() - done);
            let from = &bytes[part.start..part.start + part.len];
            to[done..done + part.len].copy_from_slice(from);
            done += part.len;
            let mut cache = self.cache.lock(lwp);
            // Where everything is dirty, this is not kept.
            if let Some(buffer) = cache.room() {
                cache.put(buffer, number, bytes);
            }
        }
        Ok(done)
    }

    /// Reads the first of these pieces past the memory, if they are long: how many.
    fn fetch_pieces(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<usize, Errno> {
        let len = bytes_in(to);
        let absent = self.absent(lwp, offset, len);
        let whole = self.whole(offset, len, &absent);
        let (mut count, mut bytes, mut end) = (0, 0, 0);
        for (index, piece) in to.iter().enumerate() {
            end += piece.len();
            if end > whole {
                break;
            }
            if end.is_multiple_of(self.piece) {
                (count, bytes) = (index + 1, end);
            }
        }
        if bytes < LARGE {
            return Ok(0);
        }
        self.unit.read_pieces(lwp, offset, &mut to[..count])?;
        Ok(count)
    }

    /// Writes what is not in memory, to memory or to the disk: how much of `from`.
    fn store(&self, lwp: &Lwp<'_>, offset: u64, from: &[u8]) -> Result<usize, Errno> {
        let absent = self.absent(lwp, offset, from.len());
        if absent.is_empty() {
            return Ok(0);
        }
        let whole = self.whole(offset, from.len(), &absent);
        if whole >= LARGE {
            self.unit.write_at(lwp, offset, &from[..whole])?;
            return Ok(whole);
        }
        let part = self.part(offset, from.len());
        let new = &from[..part.len];
        let loaded;
        let old = match self.bytes_of(absent.start..absent.start + 1) == part.len {
            true => new,
            false => {
                loaded = self.load(lwp, absent.start..absent.start + 1)?;
                &loaded
            }
        };
        let room = self.cache.lock(lwp).room();
        let buffer = match room {
            Some(buffer) => buffer,
            None => {
                self.write_back(lwp)?;
                self.cache.lock(lwp).room().ok_or(Errno::ENOMEM)?
            }
        };
        let mut cache = self.cache.lock(lwp);
        cache.put(buffer, absent.start, old);
        cache.write(part.number, part.start, new);
        Ok(part.len)
    }

    /// Writes all that the disk does not have. What fails is tried again next time, and the first error is told.
    fn write_back(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let (mut from, mut result) = (0, Ok(()));
        loop {
            let run = self
                .cache
                .lock(lwp)
                .next_run(from, (RUN / self.piece) as u64);
            let Some(run) = run? else {
                return result;
            };
            from = run.pieces.end;
            let offset = run.pieces.start * self.piece as u64;
            if let Err(errno) = self.unit.write_at(lwp, offset, &run.bytes) {
                self.cache.lock(lwp).spoil(run.pieces);
                result = result.and(Err(errno));
            }
        }
    }

    /// Reads neighbouring pieces from the disk.
    fn load(&self, lwp: &Lwp<'_>, pieces: Range<u64>) -> Result<Vec<u8>, Errno> {
        let len = self.bytes_of(pieces.clone());
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(len);
        room.map_err(|_| Errno::ENOMEM)?;
        bytes.resize(len, 0);
        let offset = pieces.start * self.piece as u64;
        self.unit.read_at(lwp, offset, &mut bytes)?;
        Ok(bytes)
    }

    // ---- where things are ----

    /// The first of so many bytes, as far as they are in one piece.
    fn part(&self, offset: u64, len: usize) -> Part {
        let start = (offset % self.piece as u64) as usize;
        Part {
            number: offset / self.piece as u64,
            start,
            len: len.min(self.piece - start),
        }
    }

    /// The pieces that these bytes begin with and that are not in memory.
    fn absent(&self, lwp: &Lwp<'_>, offset: u64, len: usize) -> Range<u64> {
        let piece = self.piece as u64;
        let first = offset / piece;
        let end = (offset + len as u64).div_ceil(piece);
        first..first + self.cache.lock(lwp).absent(first..end)
    }

    /// How many bytes begin with whole pieces among these.
    fn whole(&self, offset: u64, len: usize, pieces: &Range<u64>) -> usize {
        match offset.is_multiple_of(self.piece as u64) {
            true => (len / self.piece).min((pieces.end - pieces.start) as usize) * self.piece,
            false => 0,
        }
    }

    /// How many bytes pieces have.
    fn bytes_of(&self, pieces: Range<u64>) -> usize {
        let piece = self.piece as u64;
        ((pieces.end * piece).min(self.size()) - pieces.start * piece) as usize
    }

    fn check_write(&self, offset: u64, len: u64) -> Result<(), Errno> {
        match self.read_only {
            true => Err(Errno::EROFS),
            false => self.check(offset, len),
        }
    }

    fn check(&self, offset: u64, len: u64) -> Result<(), Errno> {
        let end = offset.checked_add(len);
        match end.is_some_and(|end| end <= self.size()) {
            true => Ok(()),
            false => Err(Errno::EIO),
        }
    }
}

fn bytes_in(pieces: &[&mut [u8]]) -> usize {
    pieces.iter().map(|piece| piece.len()).sum()
}
