use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Lwp, Work};

use super::{Block, Disk, Geometry, Operation, Request};
use crate::tests::{dev_of, in_kernel};

const MOST_DISCARDED: u64 = 100;

/// A disk that does what is asked later, the last first; every third request of `fails` fails.
struct Memory {
    bytes: Leaf<Vec<u8>>,
    waiting: Leaf<Vec<Request>>,
    most: Leaf<usize>,
    flushes: Leaf<usize>,
    fails: bool,
    work: Leaf<Option<Arc<Work>>>,
}

impl Disk for Memory {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: 512,
            blocks: self.bytes.with(|bytes| bytes.len()) as u64 / 512,
            read_only: self.fails,
            largest: 64 * 1024,
        }
    }

    fn most_discarded(&self) -> u64 {
        MOST_DISCARDED
    }

    fn submit(&self, _: &Lwp<'_>, request: Request) {
        let waiting = self.waiting.with(|waiting| {
            waiting.push(request);
            waiting.len()
        });
        self.most.with(|most| *most = waiting.max(*most));
        self.work.with(|work| work.clone()).unwrap().schedule();
    }
}

impl Memory {
    fn work(&self, lwp: &Lwp<'_>) {
        while let Some(mut request) = self.waiting.with(Vec::pop) {
            let start = request.first as usize * 512;
            let result = self.bytes.with(|bytes| match request.operation {
                Operation::Flush => {
                    self.flushes.with(|flushes| *flushes += 1);
                    Ok(())
                }
                _ if self.fails && request.first >= 1024 => Err(Errno::EIO),
                Operation::Read => {
                    let len = request.buffer.len();
                    request.buffer.copy_from_slice(&bytes[start..start + len]);
                    Ok(())
                }
                Operation::Discard { count } => {
                    assert!(count <= MOST_DISCARDED);
                    bytes[start..start + count as usize * 512].fill(0);
                    Ok(())
                }
                Operation::Write => {
                    let len = request.buffer.len();
                    bytes[start..start + len].copy_from_slice(&request.buffer);
                    Ok(())
                }
            });
            request.complete(lwp, result);
        }
    }
}

fn disk(lwp: &Lwp<'_>, fails: bool) -> (Arc<Memory>, Arc<Block>) {
    let disk = Arc::new(Memory {
        bytes: Leaf::new(alloc::vec![0; 1 << 20]),
        waiting: Leaf::new(Vec::new()),
        most: Leaf::new(0),
        flushes: Leaf::new(0),
        fails,
        work: Leaf::new(None),
    });
    let weak = Arc::downgrade(&disk);
    let work = Work::new(lwp.instance(), move |lwp| {
        if let Some(disk) = weak.upgrade() {
            disk.work(lwp);
        }
    });
    disk.work.with(|place| *place = Some(work));
    let block = dev_of(lwp).add_disk("mem", disk.clone());
    (disk, block)
}

#[test]
fn long_transfers_are_pieces_under_way_together_in_any_order() {
    in_kernel(|lwp| {
        let (disk, block) = disk(lwp, false);
        assert_eq!((block.name(), block.size()), ("mem0", 1 << 20));
        let bytes: Vec<u8> = (0..900 * 1024).map(|at| (at / 512 % 251) as u8).collect();
        block.write_at(lwp, 1024, &bytes).unwrap();
        block.flush(lwp).unwrap();
        let mut back = alloc::vec![0; bytes.len()];
        block.read_at(lwp, 1024, &mut back).unwrap();
        assert!(back == bytes);
        back.fill(0);
        let (first, rest) = back.split_at_mut(300);
        let (second, rest) = rest.split_at_mut(200_000);
        let mut pieces = [first, second, &mut [], rest];
        block.read_pieces(lwp, 1024, &mut pieces).unwrap();
        assert!(back == bytes);
        assert_eq!(disk.most.with(|most| *most), 8);
        assert_eq!(disk.flushes.with(|flushes| *flushes), 1);
        block.read_at(lwp, 1 << 20, &mut []).unwrap();
    });
}

#[test]
fn what_makes_no_sense_never_gets_to_the_disk() {
    in_kernel(|lwp| {
        let (_, block) = disk(lwp, false);
        let mut bytes = [0; 1024];
        for (offset, len) in [(1, 512), (0, 511), (1 << 20, 512), (u64::MAX - 511, 512)] {
            let read = block.read_at(lwp, offset, &mut bytes[..len]);
            assert_eq!(read, Err(Errno::EINVAL), "{offset} {len}");
        }
        let answer = Arc::new(Leaf::new(None));
        for (first, len) in [(0, 0), (0, 128 * 1024), (2048, 512), (u64::MAX, 512)] {
            let place = answer.clone();
            let end = move |_: &Lwp<'_>, done: crate::Done| {
                place.with(|place| *place = Some((done.result, done.buffer.len())));
            };
            let buffer = alloc::vec![0; len];
            block.submit(lwp, Request::new(Operation::Read, first, buffer, end));
            let answer = answer.with(Option::take);
            assert_eq!(answer, Some((Err(Errno::EINVAL), len)), "{first} {len}");
        }
    });
}

#[test]
fn what_is_discarded_is_so_in_pieces() {
    in_kernel(|lwp| {
        let (disk, block) = disk(lwp, false);
        block.write_at(lwp, 0, &[7; 512 * 300]).unwrap();
        block.discard(lwp, 512, 512 * 250).unwrap();
        let left = |bytes: &mut Vec<u8>| bytes.iter().filter(|byte| **byte == 7).count();
        assert_eq!(disk.bytes.with(left), 512 * 50);
        for (offset, len) in [(1, 512), (0, 1), (1 << 20, 512), (512, u64::MAX - 511)] {
            let discarded = block.discard(lwp, offset, len);
            assert_eq!(discarded, Err(Errno::EINVAL), "{offset} {len}");
        }
        block.discard(lwp, 512, 0).unwrap();
    });
}

#[test]
fn who_asks_for_a_unit_waits_for_those_who_look() {
    use crate::{Geometry, Watch};
    /// A disk that is the other half of another.
    struct Half(Arc<Block>);
    impl Disk for Half {
        fn geometry(&self) -> Geometry {
            let whole = self.0.geometry();
            Geometry {
                blocks: whole.blocks / 2,
                ..whole
            }
        }
        fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
            request.first += self.geometry().blocks;
            self.0.submit(lwp, request);
        }
    }
    in_kernel(|lwp| {
        let dev = dev_of(lwp);
        let place: Arc<Leaf<Option<Arc<Watch>>>> = Arc::new(Leaf::new(None));
        let (faction, of_work) = (dev.clone(), place.clone());
        let work = Work::new(lwp.instance(), move |lwp| {
            let Some(watch) = of_work.with(|watch| watch.clone()) else {
                return;
            };
            let look = watch.look();
            if let Ok(whole) = faction.block("mem0") {
                // There is one already when the unit that it made is looked at.
                let _ = faction.add_disk_as("mem0half", Arc::new(Half(whole)));
            }
            watch.looked(lwp, look);
        });
        place.with(|place| *place = Some(dev.watch_disks(&work)));
        assert_eq!(dev.find_block(lwp, "mem0half").err(), Some(Errno::ENXIO));
        let (_, whole) = disk(lwp, false);
        assert_eq!(dev.block("mem0half").err(), Some(Errno::ENXIO));
        let half = dev.find_block(lwp, "mem0half").unwrap();
        half.write_at(lwp, 0, &[9; 512]).unwrap();
        let mut bytes = [0; 512];
        whole.read_at(lwp, 1 << 19, &mut bytes).unwrap();
        assert_eq!(bytes, [9; 512]);
        assert_eq!(
            dev.add_disk_as("mem0", whole_of(&half)).err(),
            Some(Errno::EEXIST)
        );
        place.with(Option::take);
        // Nobody is left who looks.
        dev.stop();
        assert_eq!(dev.find_block(lwp, "mem0").err(), Some(Errno::ENXIO));
    });

    fn whole_of(half: &Arc<Block>) -> Arc<dyn Disk> {
        Arc::new(Half(half.clone()))
    }
}

#[test]
fn errors_come_back_and_the_rest_is_waited_for() {
    in_kernel(|lwp| {
        let (disk, block) = disk(lwp, true);
        let mut bytes = alloc::vec![0; 1 << 20];
        assert_eq!(block.read_at(lwp, 0, &mut bytes), Err(Errno::EIO));
        assert_eq!(disk.waiting.with(|waiting| waiting.len()), 0);
        assert_eq!(block.write_at(lwp, 0, &bytes[..512]), Err(Errno::EROFS));
        block.read_at(lwp, 0, &mut bytes[..512]).unwrap();
    });
}

#[test]
fn a_disk_that_is_gone_says_so() {
    in_kernel(|lwp| {
        let (_, first) = disk(lwp, false);
        let (_, second) = disk(lwp, false);
        let dev = dev_of(lwp);
        assert_eq!(dev.block_names(), ["mem0", "mem1"]);
        dev.remove_disk(&first);
        assert_eq!(first.flush(lwp), Err(Errno::ENXIO));
        assert_eq!(dev.block("mem0").err(), Some(Errno::ENXIO));
        assert!(Arc::ptr_eq(&dev.block("mem1").unwrap(), &second));
    });
}
