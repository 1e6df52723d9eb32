//! A disk in memory for tests of what stands on disks, with the feature `testing`. It needs no platform.
//!
//! It records what is written and when that is flushed. So a test does its work once, and then asks for each moment of
//! it what could be on the disk if the power had failed then ([`RecordingDisk::cut`]).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Leaf;
use base::{Errno, Lwp};

use crate::{Disk, Geometry, Operation, Request};

/// A disk that records.
pub struct RecordingDisk {
    block_size: u32,
    state: Leaf<State>,
}

struct State {
    /// What it held at the beginning.
    before: Vec<u8>,
    /// What it holds.
    now: Vec<u8>,
    records: Vec<Record>,
    /// Operations so far, reads as well.
    operations: u64,
    /// Which operations fail, by their numbers.
    faults: Vec<Range<u64>>,
}

enum Record {
    /// Bytes written from this one on.
    Written(usize, Vec<u8>),
    Flushed,
}

impl RecordingDisk {
    /// A disk that holds `bytes`, which are whole blocks.
    pub fn new(block_size: u32, bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(RecordingDisk {
            block_size,
            state: Leaf::new(State {
                now: bytes.clone(),
                before: bytes,
                records: Vec::new(),
                operations: 0,
                faults: Vec::new(),
            }),
        })
    }

    /// What it holds, flushed or not.
    pub fn bytes(&self) -> Vec<u8> {
        self.state.with(|state| state.now.clone())
    }

    /// How many operations there were, also those that failed.
    pub fn operations(&self) -> u64 {
        self.state.with(|state| state.operations)
    }

    /// Has the operation of this number, counted from zero since the disk was made, fail with `EIO`. It has no effect then.
    pub fn fail(&self, operation: u64) {
        self.fail_all(operation..operation + 1);
    }

    /// The same for all operations in a range.
    pub fn fail_all(&self, operations: Range<u64>) {
        self.state.with(|state| state.faults.push(operations));
    }

    /// How many moments there are at which the power may fail: one before each write and flush, and one after all.
    pub fn moments(&self) -> usize {
        self.state.with(|state| state.records.len() + 1)
    }

    /// The moments right before a flush: what was written since the last one is all under way then.
    pub fn flushes(&self) -> Vec<usize> {
        self.state.with(|state| {
            let records = state.records.iter().enumerate();
            let flushes = records.filter(|(_, record)| matches!(record, Record::Flushed));
            flushes.map(|(moment, _)| moment).collect()
        })
    }

    /// What the disk may hold if the power fails at this moment. What was flushed is there. What was written since
    /// may be there or not, block by block and in any order, as `seed` says: with zero nothing of it is, with one
    /// all of it.
    pub fn cut(&self, moment: usize, seed: u64) -> Vec<u8> {
        let block = self.block_size as usize;
        self.state.with(|state| {
            let records = &state.records[..moment];
            let flushed = |record: &Record| matches!(record, Record::Flushed);
            let sure = records.iter().rposition(flushed).unwrap_or(0);
            let mut bytes = state.before.clone();
            let mut chance = Chance(seed);
            for (index, record) in records.iter().enumerate() {
                let Record::Written(start, written) = record else {
                    continue;
                };
                let draw = chance.next();
                for (number, one) in written.chunks(block).enumerate() {
                    if index < sure || survives(seed, draw, &mut chance) {
                        let at = start + number * block;
                        bytes[at..at + one.len()].copy_from_slice(one);
                    }
                }
            }
            bytes
        })
    }
}

/// Whether a block of a write that was not flushed is there. Of the writes a third is, a third is not, and a third is
/// in part.
fn survives(seed: u64, write: u64, chance: &mut Chance) -> bool {
    match (seed, write % 3) {
        (0, _) => false,
        (1, _) | (_, 0) => true,
        (_, 1) => false,
        _ => chance.next().is_multiple_of(2),
    }
}

/// A generator of numbers (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl State {
    fn perform(&mut self, block_size: u32, request: &mut Request) -> Result<(), Errno> {
        let number = self.operations;
        self.operations += 1;
        if self.faults.iter().any(|faults| faults.contains(&number)) {
            return Err(Errno::EIO);
        }
        let start = request.first as usize * block_size as usize;
        match request.operation {
            Operation::Read => {
                let len = request.buffer.len();
                request
                    .buffer
                    .copy_from_slice(&self.now[start..start + len]);
            }
            Operation::Write => self.write(start, request.buffer.clone()),
            Operation::Flush => self.records.push(Record::Flushed),
            Operation::Discard { count } => {
                let len = count as usize * block_size as usize;
                self.write(start, alloc::vec![0; len]);
            }
        }
        Ok(())
    }

    fn write(&mut self, start: usize, bytes: Vec<u8>) {
        self.now[start..start + bytes.len()].copy_from_slice(&bytes);
        self.records.push(Record::Written(start, bytes));
    }
}

impl Disk for RecordingDisk {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: self.block_size,
            blocks: self.state.with(|state| state.now.len() as u64) / u64::from(self.block_size),
            read_only: false,
            largest: 1 << 20,
        }
    }

    fn most_discarded(&self) -> u64 {
        u64::MAX
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        let result = self
            .state
            .with(|state| state.perform(self.block_size, &mut request));
        request.complete(lwp, result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{dev_of, in_kernel};

    #[test]
    fn what_was_flushed_is_there_and_what_was_not_may_be() {
        in_kernel(|lwp| {
            let disk = RecordingDisk::new(512, alloc::vec![0; 64 * 512]);
            let block = dev_of(lwp).add_disk("test", disk.clone());
            block.write_at(lwp, 0, &[1; 512]).unwrap();
            block.flush(lwp).unwrap();
            block.write_at(lwp, 512, &[2; 16 * 512]).unwrap();
            block.write_at(lwp, 512, &[3; 512]).unwrap();
            assert_eq!((disk.moments(), disk.flushes()), (5, alloc::vec![1]));
            assert!(disk.cut(0, 1) == alloc::vec![0; 64 * 512]);
            assert_eq!(disk.cut(1, 0)[0], 0);
            assert!(disk.cut(4, 1) == disk.bytes());
            assert_eq!(disk.cut(4, 0)[..1024], [[1; 512], [0; 512]].concat());
            let torn = (2..50).map(|seed| disk.cut(4, seed)).filter(|bytes| {
                assert_eq!(bytes[0], 1);
                assert!(
                    bytes
                        .chunks(512)
                        .all(|sector| sector.iter().all(|it| *it == sector[0]))
                );
                bytes[1024] != bytes[16 * 512] || bytes[2048] != bytes[4096]
            });
            assert!(torn.count() > 5);
            let reordered = (2..50).any(|seed| {
                let bytes = disk.cut(4, seed);
                bytes[512] == 3 && bytes[1024..17 * 512].iter().all(|it| *it == 0)
            });
            assert!(reordered);
            assert!(disk.cut(3, 9) == disk.cut(3, 9));
        });
    }

    #[test]
    fn an_operation_that_fails_has_no_effect() {
        in_kernel(|lwp| {
            let disk = RecordingDisk::new(512, alloc::vec![0; 64 * 512]);
            let block = dev_of(lwp).add_disk("test", disk.clone());
            disk.fail(1);
            block.write_at(lwp, 0, &[1; 512]).unwrap();
            assert_eq!(block.write_at(lwp, 0, &[2; 512]), Err(Errno::EIO));
            block.discard(lwp, 0, 512).unwrap();
            assert_eq!((disk.operations(), disk.bytes()[0]), (3, 0));
            assert_eq!(disk.cut(1, 1)[0], 1);
        });
    }
}
