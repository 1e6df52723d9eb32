//! The file that members share: where everything is in it, and who has which place.
//!
//! A file of zeros is a segment without members, so nobody has to make one. Each place is held by a lock on a
//! byte of the file, which the system takes back when its holder ends, however it does. All positions are made
//! here from numbers of places, and cut to the range; nothing that stands in the file is one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hypercall::Errno;

use super::super::super::errno;

/// Members that a segment has room for: one bit each in a word.
pub(super) const PLACES: usize = 32;
/// Bytes that may wait between one member and another.
pub(super) const RING: usize = 512 * 1024;

/// What such a file begins with; a later layout will begin with something else.
const MAGIC: u64 = u64::from_ne_bytes(*b"rumpbus1");

/// Words that different members write are this far from each other: twice a line of the cache.
const APART: usize = 128;
const STATES: usize = 4096;
const PENDING: usize = STATES + PLACES * APART;
const BELLS: usize = PENDING + PLACES * APART;
const TAILS: usize = BELLS + PLACES * APART;
const HEADS: usize = TAILS + PLACES * PLACES * APART;
const RINGS: usize = HEADS + PLACES * PLACES * APART;
const SIZE: usize = RINGS + PLACES * PLACES * RING;

/// The bit of a state that says that somebody is there. The rest counts who was.
const PRESENT: u32 = 1;

/// A file, in memory.
pub(super) struct Region {
    file: File,
    memory: NonNull<u8>,
}

// SAFETY: the memory stays where it is, and all of it is used as what others write at the same time: words by
// atomic operations, the rest by copies through pointers.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Opens the file, which is made if there is none. `EINVAL` if it is something else.
    pub(super) fn open(path: &str) -> std::result::Result<Region, Errno> {
        let region = Region::map(path).map_err(|error| errno(&error))?;
        let magic = region.magic();
        match magic.compare_exchange(0, MAGIC, Ordering::AcqRel, Ordering::Acquire) {
            Err(other) if other != MAGIC => Err(Errno::EINVAL),
            _ => Ok(region),
        }
    }

    fn map(path: &str) -> Result<Region> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match options.open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => options.create(true).open(path)?,
            opened => opened?,
        };
        let metadata = file.metadata()?;
        match metadata.len() {
            0 if metadata.is_file() => file.set_len(SIZE as u64)?,
            len if len == SIZE as u64 => {}
            _ => return Err(std::io::Error::from_raw_os_error(libc::EINVAL)),
        }
        // A file in memory that takes seals cannot be cut off under its users' feet any more.
        // SAFETY: the call takes its argument as a number.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_SHRINK) };
        allocate(&file, 0, RINGS)?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_NORESERVE;
        // SAFETY: new memory, at a place of the system's choice.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                SIZE,
                protection,
                flags,
                file.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or(ErrorKind::OutOfMemory)?;
        Ok(Region { file, memory })
    }

    fn magic(&self) -> &AtomicU64 {
        // SAFETY: the first word of the memory, which lives as long as the borrow, and is aligned to a page.
        unsafe { self.memory.cast().as_ref() }
    }

    fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at < RINGS && at.is_multiple_of(APART));
        // SAFETY: inside the memory, which lives as long as the borrow, and aligned.
        unsafe { self.memory.add(at).cast().as_ref() }
    }

    fn state(&self, place: usize) -> &AtomicU32 {
        self.word(STATES + place % PLACES * APART)
    }

    /// From whom something came that the member in a place did not look at yet: a bit each.
    pub(super) fn pending(&self, place: usize) -> &AtomicU32 {
        self.word(PENDING + place % PLACES * APART)
    }

    /// What the member in a place sleeps at.
    pub(super) fn bell(&self, place: usize) -> &AtomicU32 {
        self.word(BELLS + place % PLACES * APART)
    }

    /// How many bytes were put into a ring so far.
    pub(super) fn tail(&self, from: usize, to: usize) -> &AtomicU32 {
        self.word(TAILS + (from % PLACES * PLACES + to % PLACES) * APART)
    }

    /// How many bytes were taken out of a ring so far.
    pub(super) fn head(&self, from: usize, to: usize) -> &AtomicU32 {
        self.word(HEADS + (from % PLACES * PLACES + to % PLACES) * APART)
    }

    fn ring(from: usize, to: usize) -> usize {
        RINGS + (from % PLACES * PLACES + to % PLACES) * RING
    }

    /// Has the system find memory for a ring, rather than kill who uses it when there is none.
    pub(super) fn allocate(&self, from: usize, to: usize) -> bool {
        allocate(&self.file, Region::ring(from, to), RING).is_ok()
    }

    /// Copies bytes into a ring, from a position on that counts all bytes ever put there.
    pub(super) fn write(&self, from: usize, to: usize, position: u32, bytes: &[u8]) {
        let at = position as usize % RING;
        let (first, second) = bytes.split_at(bytes.len().min(RING - at));
        let second = &second[..second.len().min(RING)];
        // SAFETY: both parts end inside the ring. Nothing else of ours is there, and others may see any bytes.
        unsafe {
            let ring = self.memory.add(Region::ring(from, to)).as_ptr();
            ptr::copy_nonoverlapping(first.as_ptr(), ring.add(at), first.len());
            ptr::copy_nonoverlapping(second.as_ptr(), ring, second.len());
        }
    }

    /// Copies bytes out of a ring, from a position on. They may be any, and change while they are copied.
    pub(super) fn read(&self, from: usize, to: usize, position: u32, bytes: &mut [u8]) {
        let at = position as usize % RING;
        let first = bytes.len().min(RING - at);
        let (first, second) = bytes.split_at_mut(first);
        let second_len = second.len().min(RING);
        // SAFETY: both parts end inside the ring, and the places they go to are as long.
        unsafe {
            let ring = self.memory.add(Region::ring(from, to)).as_ptr();
            ptr::copy_nonoverlapping(ring.add(at), first.as_mut_ptr(), first.len());
            ptr::copy_nonoverlapping(ring, second.as_mut_ptr(), second_len);
        }
    }

    /// Takes a place that nobody has; what was sent to whoever had it before is gone. `ENOSPC`: all are taken.
    pub(super) fn claim(&self) -> std::result::Result<usize, Errno> {
        let place = (0..PLACES).find_map(|place| match self.lock(libc::F_OFD_SETLK, place) {
            Ok(_) => Some(Ok(place)),
            Err(Errno::EAGAIN | Errno::EACCES) => None,
            Err(other) => Some(Err(other)),
        });
        let place = place.unwrap_or(Err(Errno::ENOSPC))?;
        self.pending(place).store(0, Ordering::Relaxed);
        for other in 0..PLACES {
            let tail = self.tail(other, place).load(Ordering::Acquire);
            self.head(other, place).store(tail, Ordering::Release);
        }
        let state = self.state(place).load(Ordering::Relaxed) | PRESENT;
        self.state(place)
            .store(state.wrapping_add(2), Ordering::Release);
        Ok(place)
    }

    /// Who is in a place: a number that nobody had there before, as good as. `None`: nobody.
    pub(super) fn present(&self, place: usize) -> Option<u32> {
        let state = self.state(place).load(Ordering::Acquire);
        (state & PRESENT != 0).then_some(state)
    }

    /// Nobody is in a place any more.
    pub(super) fn leave(&self, place: usize) {
        self.state(place).fetch_and(!PRESENT, Ordering::AcqRel);
    }

    /// Looks whether a member ended without a word.
    pub(super) fn bury(&self, place: usize) {
        let Some(state) = self.present(place) else {
            return;
        };
        if let Ok(libc::F_UNLCK) = self.lock(libc::F_OFD_GETLK, place) {
            // Unless somebody has come meanwhile.
            let (now, order) = (state & !PRESENT, Ordering::AcqRel);
            let _ = self
                .state(place)
                .compare_exchange(state, now, order, Ordering::Relaxed);
        }
    }

    /// Takes the lock of a place, or asks who has it: the kind of lock that is in the way.
    fn lock(&self, operation: i32, place: usize) -> std::result::Result<i32, Errno> {
        // SAFETY: the structure is plain data for which zeros are good.
        let mut lock: libc::flock = unsafe { std::mem::zeroed() };
        lock.l_type = libc::F_WRLCK as libc::c_short;
        lock.l_whence = libc::SEEK_SET as libc::c_short;
        lock.l_start = place as libc::off_t;
        lock.l_len = 1;
        // SAFETY: the structure is of the kind these calls read and write.
        match unsafe { libc::fcntl(self.file.as_raw_fd(), operation, &raw mut lock) } {
            0 => Ok(i32::from(lock.l_type)),
            _ => Err(Errno::from_number(crate::last_errno())),
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: what was mapped, of which no borrow is left.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), SIZE) };
    }
}

/// Has the system find memory for a part of a file. A file system that cannot say gets the benefit of the doubt.
fn allocate(file: &File, start: usize, len: usize) -> Result<()> {
    // SAFETY: the call touches no memory.
    let answer = unsafe {
        libc::fallocate(
            file.as_raw_fd(),
            0,
            start as libc::off_t,
            len as libc::off_t,
        )
    };
    match answer {
        0 => Ok(()),
        _ => match std::io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(()),
            error => Err(error),
        },
    }
}
