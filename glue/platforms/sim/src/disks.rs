//! Disks: images in memory, by name. Operations end at once or, with a latency, as time passes.
// Memory that a kernel lends comes as numbers.
#![allow(unsafe_code)]

use std::collections::VecDeque;

use hypercall::{Bytes, DiskInfo, DiskNews, Errno, Upcall};

use crate::Platform;
use crate::events::Event;
use crate::world::{self, World};

const BLOCK: u32 = 512;

/// An image.
pub(crate) struct Stored {
    bytes: Vec<u8>,
    latency: u64,
    /// Operations until one fails.
    healthy: Option<u64>,
    read_only: bool,
    discarded: u64,
    flushes: u64,
    writers: usize,
    readers: usize,
}

/// An image that a kernel has open.
pub(crate) struct Open {
    name: String,
    writes: bool,
    ended: Upcall,
    under_way: Vec<(u64, Operation)>,
    news: VecDeque<(u64, i64)>,
}

#[derive(Clone, Copy)]
enum Operation {
    Read(u64, usize, usize),
    Write(u64, usize, usize),
    Flush,
    Discard(u64, u64),
}

/// The memory that a kernel lends, if it is any.
fn lent<'a>(address: usize, len: usize) -> &'a mut [u8] {
    // SAFETY: the group's contract: it is the host's until the operation has ended, and nobody keeps this longer.
    unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(address), len) }
}

impl Stored {
    fn range(&self, offset: u64, len: u64) -> Result<std::ops::Range<usize>, Errno> {
        let end = offset.checked_add(len).ok_or(Errno::EINVAL)?;
        let whole = (offset | len).is_multiple_of(BLOCK.into());
        let inside = end <= self.bytes.len() as u64;
        assert!(whole && inside, "sim: {len} bytes at {offset} of a disk");
        Ok(offset as usize..end as usize)
    }

    fn perform(&mut self, operation: Operation) -> Result<(), Errno> {
        if let Some(left) = &mut self.healthy {
            if *left == 0 {
                return Err(Errno::EIO);
            }
            *left -= 1;
        }
        match operation {
            Operation::Read(offset, address, len) => {
                let range = self.range(offset, len as u64)?;
                lent(address, len).copy_from_slice(&self.bytes[range]);
            }
            Operation::Write(offset, address, len) => {
                let range = self.range(offset, len as u64)?;
                self.bytes[range].copy_from_slice(lent(address, len));
            }
            Operation::Flush => self.flushes += 1,
            Operation::Discard(offset, len) => {
                let range = self.range(offset, len)?;
                self.bytes[range].fill(0);
                self.discarded += len;
            }
        }
        Ok(())
    }
}

impl World {
    fn open_disk(
        &mut self,
        name: &str,
        writes: bool,
        ended: Upcall,
    ) -> Result<(u64, DiskInfo), Errno> {
        let handle = self.new_handle();
        let stored = self.images.get_mut(name).ok_or(Errno::ENOENT)?;
        if writes && stored.read_only {
            return Err(Errno::EROFS);
        }
        if stored.writers > 0 || writes && stored.readers > 0 {
            return Err(Errno::EBUSY);
        }
        match writes {
            true => stored.writers += 1,
            false => stored.readers += 1,
        }
        let info = DiskInfo {
            size: stored.bytes.len() as u64,
            block_size: BLOCK,
            flags: match writes {
                true => DiskInfo::DISCARDS,
                false => DiskInfo::READ_ONLY,
            },
        };
        let open = Open {
            name: name.into(),
            writes,
            ended,
            under_way: Vec::new(),
            news: VecDeque::new(),
        };
        self.disks.insert(handle, open);
        Ok((handle, info))
    }

    fn begin(&mut self, disk: u64, number: u64, operation: Operation) -> Result<i64, Errno> {
        let open = self.disks.get_mut(&disk).ok_or(Errno::EBADF)?;
        let stored = self.images.get_mut(&open.name).ok_or(Errno::EIO)?;
        if stored.latency == 0 {
            return stored.perform(operation).map(|()| 0);
        }
        open.under_way.push((number, operation));
        let time = self.now + stored.latency;
        self.events.add(time, Event::DiskEnds { disk, number });
        Ok(1)
    }

    fn close_disk(&mut self, disk: u64) {
        let Some(open) = self.disks.remove(&disk) else {
            return;
        };
        let Some(stored) = self.images.get_mut(&open.name) else {
            return;
        };
        for (_, operation) in open.under_way {
            // Whoever has closed it does not hear of that.
            let _ = stored.perform(operation);
        }
        match open.writes {
            true => stored.writers -= 1,
            false => stored.readers -= 1,
        }
    }
}

/// Does what was put off; whom to tell.
pub(crate) fn ends(world: &mut World, disk: u64, number: u64) -> Option<Upcall> {
    let open = world.disks.get_mut(&disk)?;
    let at = open
        .under_way
        .iter()
        .position(|(other, _)| *other == number)?;
    let (_, operation) = open.under_way.remove(at);
    let result = match world.images.get_mut(&open.name) {
        Some(stored) => stored.perform(operation),
        None => Err(Errno::EIO),
    };
    let answer = result.map_or_else(Errno::to_answer, |()| 0);
    open.news.push_back((number, answer));
    Some(open.ended)
}

fn begin(disk: u64, number: u64, operation: Operation) -> i64 {
    world::with(|world| world.begin(disk, number, operation)).unwrap_or_else(Errno::to_answer)
}

impl hypercall::Block for Platform {
    fn open(name: Bytes<'_>, flags: u32, info: &mut DiskInfo, ended: Upcall) -> i64 {
        let name = String::from_utf8_lossy(name.as_slice());
        let writes = flags & DiskInfo::READ_ONLY == 0;
        match world::with(|world| world.open_disk(&name, writes, ended)) {
            Ok((handle, about)) => {
                *info = about;
                handle as i64
            }
            Err(errno) => errno.to_answer(),
        }
    }

    fn read(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64 {
        begin(disk, operation, Operation::Read(offset, address, len))
    }

    fn write(disk: u64, operation: u64, offset: u64, address: usize, len: usize) -> i64 {
        begin(disk, operation, Operation::Write(offset, address, len))
    }

    fn flush(disk: u64, operation: u64) -> i64 {
        begin(disk, operation, Operation::Flush)
    }

    fn discard(disk: u64, operation: u64, offset: u64, len: u64) -> i64 {
        begin(disk, operation, Operation::Discard(offset, len))
    }

    fn news(disk: u64, news: &mut DiskNews) -> usize {
        world::with(|world| {
            let Some(open) = world.disks.get_mut(&disk) else {
                return 0;
            };
            let places = news.operations.iter_mut().zip(&mut news.results);
            let mut count = 0;
            for (operation, result) in places {
                let Some(next) = open.news.pop_front() else {
                    break;
                };
                (*operation, *result) = next;
                count += 1;
            }
            count
        })
    }

    fn close(disk: u64) {
        world::with(|world| world.close_disk(disk));
    }
}

/// An image in the hands of a test, which kernels open by its name.
pub struct Image(String);

impl Image {
    /// An image of this name that holds these bytes, a multiple of 512. It lasts as long as the world.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn new(name: &str, bytes: Vec<u8>) -> Image {
        assert!(
            bytes.len().is_multiple_of(BLOCK as usize),
            "sim: {name}: half a block"
        );
        let stored = Stored {
            bytes,
            latency: 0,
            healthy: None,
            read_only: false,
            discarded: 0,
            flushes: 0,
            writers: 0,
            readers: 0,
        };
        world::with(|world| world.images.insert(name.into(), stored));
        Image(name.into())
    }

    /// Nobody may write it from now on.
    pub fn read_only(self) -> Image {
        self.with(|stored| stored.read_only = true);
        self
    }

    /// Operations take so many nanoseconds from now on.
    pub fn latency(self, nanoseconds: u64) -> Image {
        self.with(|stored| stored.latency = nanoseconds);
        self
    }

    /// After so many more operations, all fail with `EIO`.
    pub fn fail_after(&self, operations: u64) {
        self.with(|stored| stored.healthy = Some(operations));
    }

    /// What it holds.
    pub fn bytes(&self) -> Vec<u8> {
        self.with(|stored| stored.bytes.clone())
    }

    /// How many bytes were discarded, and how often it was flushed.
    pub fn counts(&self) -> (u64, u64) {
        self.with(|stored| (stored.discarded, stored.flushes))
    }

    /// Whether a kernel has it open.
    pub fn is_open(&self) -> bool {
        self.with(|stored| stored.writers + stored.readers > 0)
    }

    fn with<R>(&self, f: impl FnOnce(&mut Stored) -> R) -> R {
        world::with(|world| match world.images.get_mut(&self.0) {
            Some(stored) => f(stored),
            None => panic!("sim: the image {} is of another world", self.0),
        })
    }
}
