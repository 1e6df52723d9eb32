//! Disks: files and block devices of the host.
//!
//! What the host's cache has is read in the call itself, and what is written goes there in the call too: that takes as
//! long as copying does, which is less than it takes to wake another thread. What has to wait for a device is left to
//! threads of the disks' own: reads of what is not cached to one with a ring, where the system has `io_uring`; flushes and
//! discards, and all of it where there is no ring, to threads that wait. (The system would have a thread of its own wait for
//! a flush in a ring, which would then have to wake ours.)

mod file;
mod ring;
mod workers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

use hypercall::{Bytes, DiskInfo, DiskNews, Errno, Upcall};

use crate::frames::Arrived;
use crate::{Platform, work};
use file::DiskFile;

/// The disks that are open.
static DISKS: RwLock<BTreeMap<u64, Arc<Disk>>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What a call says of an operation that has not ended.
const UNDER_WAY: i64 = 1;

/// An open disk.
struct Disk {
    state: Mutex<State>,
    /// Where whoever closes it waits for operations to end.
    ended: Condvar,
    arrived: Arrived,
    /// Whether reads that wait may go into a ring.
    has_ring: bool,
}

/// An operation under way.
struct Waiting {
    disk: Arc<Disk>,
    file: Arc<DiskFile>,
    number: u64,
    operation: Operation,
}

struct State {
    /// None once it is closed. Operations under way have it, too, and let go of it before they end.
    file: Option<Arc<DiskFile>>,
    under_way: usize,
    /// Operations that ended, and what came of them.
    news: VecDeque<(u64, i64)>,
}

/// An operation that may have to wait for the device.
#[derive(Clone, Copy)]
enum Operation {
    Read { offset: u64, memory: Memory },
    Write { offset: u64, memory: Memory },
    Flush,
    Discard { offset: u64, len: u64 },
}

/// Memory that a kernel lends until the operation has ended.
#[derive(Clone, Copy)]
struct Memory {
    address: usize,
    len: usize,
}

impl Operation {
    /// Does all of it that takes no waiting; the rest, if there is one.
    fn begin(self, file: &DiskFile) -> Result<Option<Operation>, Errno> {
        match self {
            Operation::Read { offset, memory } => {
                let done = file.read_cached(offset, memory)?;
                let rest = memory.after(done);
                let offset = offset + done as u64;
                let left = rest.map(|memory| Operation::Read { offset, memory });
                Ok(left)
            }
            Operation::Write { offset, memory } => {
                file.write(offset, memory)?;
                Ok(None)
            }
            other => Ok(Some(other)),
        }
    }

    /// Does it, however long that takes.
    fn finish(self, file: &DiskFile) -> Result<(), Errno> {
        match self {
            Operation::Read { offset, memory } => file.read(offset, memory),
            Operation::Write { offset, memory } => file.write(offset, memory),
            Operation::Flush => file.flush(),
            Operation::Discard { offset, len } => file.discard(offset, len),
        }
    }
}

impl Waiting {
    /// Has somebody else do it.
    fn begin(self) -> Result<(), Errno> {
        let left = match self.operation {
            Operation::Read { .. } if self.disk.has_ring => ring::begin(self),
            _ => Err(self),
        };
        left.or_else(workers::run).map_err(|(errno, _)| errno)
    }

    /// Does it, however long that takes.
    fn finish(self) {
        let result = self.operation.finish(&self.file);
        self.end(result);
    }

    /// Says what came of it.
    fn end(self, result: Result<(), Errno>) {
        drop(self.file);
        self.disk.end(self.number, result);
    }
}

impl Memory {
    /// What is left of it behind so many bytes; nothing if that is all.
    fn after(self, done: usize) -> Option<Memory> {
        (done < self.len).then(|| Memory {
            address: self.address + done,
            len: self.len - done,
        })
    }
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, number: u64, operation: Operation) -> Result<i64, Errno> {
        let mut state = self.state();
        let file = state.file.clone().ok_or(Errno::EBADF)?;
        state.under_way += 1;
        drop(state);
        let begun = self.begin_with(file, number, operation);
        if !matches!(begun, Ok(UNDER_WAY)) {
            self.ended(self.state());
        }
        begun
    }

    fn begin_with(
        self: &Arc<Self>,
        file: Arc<DiskFile>,
        number: u64,
        operation: Operation,
    ) -> Result<i64, Errno> {
        let Some(rest) = operation.begin(&file)? else {
            return Ok(0);
        };
        let waiting = Waiting {
            disk: self.clone(),
            file,
            number,
            operation: rest,
        };
        waiting.begin()?;
        Ok(UNDER_WAY)
    }

    /// Takes note of an operation's end, and tells the kernel, unless it has closed the disk by then.
    fn end(&self, number: u64, result: Result<(), Errno>) {
        let result = result.map_or_else(Errno::to_answer, |()| 0);
        let mut state = self.state();
        state.news.push_back((number, result));
        self.ended(state);
        work::bring(|| self.arrived.tell());
    }

    fn ended(&self, mut state: MutexGuard<'_, State>) {
        state.under_way -= 1;
        if state.file.is_none() {
            self.ended.notify_all();
        }
    }

    fn news(&self, news: &mut DiskNews) -> usize {
        let mut state = self.state();
        let places = news.operations.iter_mut().zip(&mut news.results);
        let mut count = 0;
        for (operation, result) in places {
            let Some(next) = state.news.pop_front() else {
                break;
            };
            (*operation, *result) = next;
            count += 1;
        }
        count
    }

    /// Ends it, after all that is under way.
    fn close(&self) {
        let mut state = self.state();
        state.file = None;
        if state.under_way > 0 {
            ring::leave();
        }
        while state.under_way > 0 {
            state = self
                .ended
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.arrived.silence();
    }
}

fn disks() -> RwLockWriteGuard<'static, BTreeMap<u64, Arc<Disk>>> {
    DISKS.write().unwrap_or_else(PoisonError::into_inner)
}

fn find(number: u64) -> Result<Arc<Disk>, Errno> {
    let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
    disks.get(&number).cloned().ok_or(Errno::EBADF)
}

fn begin(disk: u64, number: u64, operation: Operation) -> i64 {
    find(disk)
        .and_then(|disk| disk.begin(number, operation))
        .unwrap_or_else(Errno::to_answer)
}

/// Opens a disk, and gives its number.
fn open(
    name: &[u8],
    flags: u32,
    info: &mut DiskInfo,
    ended: Upcall,
    has_ring: bool,
) -> Result<u64, Errno> {
    let file = DiskFile::open(name, flags & DiskInfo::READ_ONLY == 0)?;
    *info = file.info();
    let number = NEXT.fetch_add(1, Relaxed);
    let disk = Disk {
        state: Mutex::new(State {
            file: Some(Arc::new(file)),
            under_way: 0,
            news: VecDeque::new(),
        }),
        ended: Condvar::new(),
        arrived: Arrived::new(ended),
        has_ring,
    };
    workers::disk_opened();
    disks().insert(number, Arc::new(disk));
    Ok(number)
}

impl hypercall::Block for Platform {
    fn open(name: Bytes<'_>, flags: u32, info: &mut DiskInfo, ended: Upcall) -> i64 {
        match open(name.as_slice(), flags, info, ended, true) {
            Ok(number) => number as i64,
            Err(errno) => errno.to_answer(),
        }
    }

    fn read(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64 {
        let memory = Memory { address, len };
        begin(disk, operation, Operation::Read { offset, memory })
    }

    fn write(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64 {
        let memory = Memory { address, len };
        begin(disk, operation, Operation::Write { offset, memory })
    }

    fn flush(disk: u64, operation: u64) -> i64 {
        begin(disk, operation, Operation::Flush)
    }

    fn discard(disk: u64, operation: u64, offset: u64, len: u64) -> i64 {
        begin(disk, operation, Operation::Discard { offset, len })
    }

    fn news(disk: u64, news: &mut DiskNews) -> usize {
        find(disk).map_or(0, |disk| disk.news(news))
    }

    fn close(disk: u64) {
        let disk = disks().remove(&disk);
        if let Some(disk) = disk {
            disk.close();
            drop(disk);
            workers::disk_closed();
        }
    }
}

#[cfg(test)]
mod tests;
