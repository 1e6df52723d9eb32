//! Volumes over a disk in memory, which keeps a list of what it was asked.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Block, Dev, Disk, Geometry, Operation, Request};

use crate::Volume;

const KIB: usize = 1024;

static PARAMS: &[ParamSpec] = &[
    ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "64MiB",
        doc: "",
    },
    ParamSpec {
        component: "bio",
        name: "buffer-cache",
        kind: ParamKind::Bytes,
        default: "256KiB",
        doc: "",
    },
];

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

/// What the disk was asked: the operation, the first byte, how many.
type Asked = (Operation, usize, usize);

struct Memory {
    bytes: Leaf<Vec<u8>>,
    asked: Leaf<Vec<Asked>>,
    /// From this byte on nothing can be read or written.
    broken: Leaf<usize>,
    block_size: u32,
    discards: u64,
}

impl Disk for Memory {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: self.block_size,
            blocks: self.bytes.with(|bytes| bytes.len()) as u64 / u64::from(self.block_size),
            read_only: false,
            largest: 1 << 20,
        }
    }

    fn most_discarded(&self) -> u64 {
        self.discards
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        let first = request.first as usize * self.block_size as usize;
        let len = match request.operation {
            Operation::Discard { count } => count as usize * self.block_size as usize,
            _ => request.buffer.len(),
        };
        let asked = (request.operation, first, len);
        self.asked.with(|all| all.push(asked));
        let result = match first + len > self.broken.with(|broken| *broken) {
            true => Err(Errno::EIO),
            false => {
                self.bytes.with(|bytes| {
                    let place = &mut bytes[first..first + len];
                    match request.operation {
                        Operation::Read => request.buffer.copy_from_slice(place),
                        Operation::Write => place.copy_from_slice(&request.buffer),
                        Operation::Discard { .. } => place.fill(0xee),
                        Operation::Flush => {}
                    }
                });
                Ok(())
            }
        };
        request.complete(lwp, result);
    }
}

impl Memory {
    fn asked(&self) -> Vec<Asked> {
        self.asked.with(core::mem::take)
    }
}

fn in_kernel(config: &Config, f: impl FnOnce(&Lwp<'_>)) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, config).unwrap();
    enter(kernel.process(), |lwp| {
        f(lwp);
        Ok(())
    })
    .unwrap();
}

/// A disk whose bytes all differ from their neighbours.
fn disk(lwp: &Lwp<'_>, block_size: u32, size: usize) -> (Arc<Memory>, Arc<Block>) {
    let disk = Arc::new(Memory {
        bytes: Leaf::new((0..size).map(value).collect()),
        asked: Leaf::new(Vec::new()),
        broken: Leaf::new(usize::MAX),
        block_size,
        discards: 1000,
    });
    let unit = lwp.state::<Dev>().unwrap().add_disk("mem", disk.clone());
    (disk, unit)
}

fn value(at: usize) -> u8 {
    (at ^ (at >> 8) ^ (at >> 16)) as u8
}

fn read(lwp: &Lwp<'_>, volume: &Volume, offset: usize, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    volume.read_at(lwp, offset as u64, &mut bytes).unwrap();
    bytes
}

use Operation::{Flush, Read, Write};

#[test]
fn what_is_small_is_read_once_and_what_is_large_does_not_drive_it_out() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 2 << 20);
        let volume = Volume::over(lwp, unit, true).unwrap();
        for _ in 0..2 {
            let bytes = read(lwp, &volume, 5000, 100);
            assert!((5000..).zip(bytes).all(|(at, byte)| byte == value(at)));
        }
        assert_eq!(disk.asked(), [(Read, 4096, 4096)]);
        // Around the piece that is there.
        let bytes = read(lwp, &volume, 0, 1 << 20);
        assert!((0..).zip(bytes).all(|(at, byte)| byte == value(at)));
        let asked = disk.asked();
        assert_eq!(asked[0], (Read, 0, 4096));
        assert!(
            asked.iter().all(|(_, first, _)| *first != 4096),
            "{asked:?}"
        );
        read(lwp, &volume, 5000, 100);
        read(lwp, &volume, 100, 3);
        assert_eq!(disk.asked(), []);
        // It was not kept; several pieces are read at once.
        read(lwp, &volume, 40_000, 10_000);
        assert_eq!(disk.asked(), [(Read, 36_864, 16_384)]);
    });
}

#[test]
fn long_runs_of_pieces_come_from_the_disk_and_others_from_memory() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 2 << 20);
        let volume = Volume::over(lwp, unit, false).unwrap();
        volume.write_at(lwp, 200_000, &[7; 100]).unwrap();
        disk.asked();
        let mut bytes = vec![0; 400_000];
        let mut pieces: Vec<_> = bytes.chunks_mut(4096).collect();
        volume.read_pieces(lwp, 4096, &mut pieces).unwrap();
        for (at, byte) in (4096..).zip(bytes) {
            let expected = match at {
                200_000..200_100 => 7,
                _ => value(at),
            };
            assert_eq!(byte, expected, "{at}");
        }
        // Not the piece that is there, and the last, which is not whole, by itself.
        let asked = disk.asked();
        let longest = asked.iter().map(|(_, _, len)| *len).max();
        assert_eq!(longest, Some(128 * KIB));
        assert!(
            asked.iter().all(|(operation, first, len)| {
                *operation == Read && !(*first..first + len).contains(&200_000)
            }),
            "{asked:?}"
        );
        assert_eq!(asked.len(), 5, "{asked:?}");
        let beyond = volume.read_pieces(lwp, (2 << 20) - 4096, &mut [&mut [0; 8192]]);
        assert_eq!(beyond, Err(Errno::EIO));
    });
}

#[test]
fn what_is_written_waits_and_goes_out_in_long_pieces() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 1 << 20);
        let volume = Volume::over(lwp, unit, false).unwrap();
        // Whole pieces are not read first, parts are; the order does not matter.
        volume.write_at(lwp, 8192, &[1; 4096]).unwrap();
        volume.write_at(lwp, 4096, &[2; 4096]).unwrap();
        volume.write_at(lwp, 12_288 + 7, &[3; 5]).unwrap();
        volume.write_at(lwp, 65_536, &[4; 4096]).unwrap();
        assert_eq!(disk.asked(), [(Read, 12_288, 4096)]);
        let mut bytes: Vec<u8> = (12_287..12_301).map(value).collect();
        bytes[0] = 1;
        bytes[8..13].fill(3);
        assert_eq!(read(lwp, &volume, 12_287, 14), bytes);
        volume.flush(lwp).unwrap();
        assert_eq!(
            disk.asked(),
            [(Write, 4096, 12_288), (Write, 65_536, 4096), (Flush, 0, 0)]
        );
        volume.flush(lwp).unwrap();
        assert_eq!(disk.asked(), [(Flush, 0, 0)]);
        // Large: past the cache, but not past what is in it.
        volume.write_at(lwp, 0, &[9; 512 * KIB]).unwrap();
        let asked = disk.asked();
        assert!(
            asked
                .iter()
                .all(|(operation, first, _)| (*operation, *first >= 69_632) == (Write, true)),
            "{asked:?}"
        );
        let written: usize = asked.iter().map(|(_, _, len)| len).sum();
        assert_eq!(written, 512 * KIB - 69_632);
        assert!(
            read(lwp, &volume, 0, 512 * KIB)
                .iter()
                .all(|byte| *byte == 9)
        );
        volume.flush(lwp).unwrap();
        disk.bytes.with(|bytes| {
            assert!(bytes[..512 * KIB].iter().all(|byte| *byte == 9));
            assert_eq!(bytes[512 * KIB], value(512 * KIB));
        });
    });
}

#[test]
fn memory_is_bounded_and_given_back() {
    in_kernel(&Config::new(), |lwp| {
        let before = lwp.instance().memory().used();
        let used = || lwp.instance().memory().used() - before;
        let (disk, unit) = disk(lwp, 512, 4 << 20);
        let volume = Volume::over(lwp, unit, false).unwrap();
        for piece in 0..1024 {
            volume
                .write_at(lwp, piece * 4096 + 1, &[piece as u8; 9])
                .unwrap();
            assert!(used() <= 256 * KIB + 64 * 128, "{}", used());
        }
        // It began to write on its own, and can evict.
        assert!(
            disk.asked()
                .iter()
                .any(|(operation, _, _)| *operation == Write)
        );
        for piece in 0..1024 {
            let bytes = read(lwp, &volume, piece * 4096, 11);
            assert_eq!(bytes[0], value(piece * 4096));
            assert_eq!(bytes[1..10], [piece as u8; 9]);
        }
        drop(volume);
        assert_eq!(used(), 0);
    });
}

#[test]
fn a_kernel_that_is_out_of_memory_still_reads_and_writes() {
    let config = Config::new().param("memory-limit", "256KiB");
    in_kernel(&config, |lwp| {
        let (_, unit) = disk(lwp, 512, 1 << 20);
        let memory = lwp.instance().memory();
        let _bulk = memory.charge_bulk(memory.left_for_bulk()).unwrap();
        let _almost_all = memory.charge(16 * KIB).unwrap();
        let volume = Volume::over(lwp, unit, false).unwrap();
        for piece in 0..256 {
            volume
                .write_at(lwp, piece * 4096 + 1, &[piece as u8; 9])
                .unwrap();
        }
        for piece in 0..256 {
            assert_eq!(read(lwp, &volume, piece * 4096 + 1, 9), [piece as u8; 9]);
        }
    });
}

#[test]
fn what_cannot_be_written_is_told_and_tried_again() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 1 << 20);
        let volume = Volume::over(lwp, unit, false).unwrap();
        disk.broken.with(|broken| *broken = 8192);
        volume.write_at(lwp, 4096, &[1; 4096]).unwrap();
        volume.write_at(lwp, 16_384, &[2; 4096]).unwrap();
        assert_eq!(volume.flush(lwp), Err(Errno::EIO));
        assert_eq!(volume.write_at(lwp, 20_481, &[3]), Err(Errno::EIO));
        // No more than fits into memory, where it is until the disk is well.
        let fill =
            |byte| (5..256).try_for_each(|piece| volume.write_at(lwp, piece * 4096, &[byte; 4096]));
        assert_eq!(fill(4), Err(Errno::EIO));
        assert_eq!(read(lwp, &volume, 16_384, 1), [2]);
        disk.broken.with(|broken| *broken = usize::MAX);
        assert_eq!(fill(5), Ok(()));
        volume.flush(lwp).unwrap();
        disk.bytes.with(|bytes| {
            assert_eq!([bytes[4096], bytes[16_384], bytes[20_480]], [1, 2, 5]);
        });
    });
}

#[test]
fn the_end_is_where_the_disk_ends() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 128 * KIB + 1536);
        let volume = Volume::over(lwp, unit, false).unwrap();
        assert_eq!(volume.size(), 132_608);
        let last = read(lwp, &volume, 132_600, 8);
        assert!((132_600..).zip(last).all(|(at, byte)| byte == value(at)));
        volume.write_at(lwp, 131_072, &[7; 1536]).unwrap();
        volume.write_at(lwp, 132_607, &[8]).unwrap();
        for (offset, len) in [(132_600, 9), (132_609, 0), (u64::MAX, 2), (1 << 60, 1)] {
            let mut bytes = vec![0; len];
            assert_eq!(volume.read_at(lwp, offset, &mut bytes), Err(Errno::EIO));
            assert_eq!(volume.write_at(lwp, offset, &bytes), Err(Errno::EIO));
        }
        read(lwp, &volume, 0, 132_608);
        volume.flush(lwp).unwrap();
        disk.bytes
            .with(|bytes| assert_eq!(bytes[132_606..], [7, 8]));
    });
}

#[test]
fn blocks_may_be_large() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 8192, 64 * KIB);
        let volume = Volume::over(lwp, unit, false).unwrap();
        assert_eq!(volume.block_size(), 8192);
        volume.write_at(lwp, 10_000, &[1]).unwrap();
        volume.flush(lwp).unwrap();
        let asked = [(Read, 8192, 8192), (Write, 8192, 8192), (Flush, 0, 0)];
        assert_eq!(disk.asked(), asked);
    });
}

#[test]
fn what_is_discarded_is_not_written_any_more() {
    in_kernel(&Config::new(), |lwp| {
        let (disk, unit) = disk(lwp, 512, 1 << 20);
        let volume = Volume::over(lwp, unit, false).unwrap();
        volume.write_at(lwp, 0, &[1; 32 * KIB]).unwrap();
        disk.asked();
        volume.discard(lwp, 6001, 10_000).unwrap();
        volume.flush(lwp).unwrap();
        let asked = [
            (Operation::Discard { count: 19 }, 6144, 9728),
            (Write, 0, 8192),
            (Write, 12_288, 20_480),
            (Flush, 0, 0),
        ];
        assert_eq!(disk.asked(), asked);
        assert_eq!(read(lwp, &volume, 8192, 1), [0xee]);
        assert_eq!(read(lwp, &volume, 6000, 1), [1]);
        volume.discard(lwp, 6001, 100).unwrap();
        assert_eq!(disk.asked().len(), 1);
    });
}

#[test]
fn who_writes_is_alone() {
    in_kernel(&Config::new(), |lwp| {
        let (_, unit) = disk(lwp, 512, 1 << 20);
        let open = |read_only| {
            Volume::open(lwp, b"/dev/mem0", read_only).map(|volume| (volume.read_only(), volume))
        };
        let first = Volume::open(lwp, b"mem0", true).unwrap();
        let second = open(true).unwrap();
        assert_eq!(open(false).err(), Some(Errno::EBUSY));
        assert_eq!(first.write_at(lwp, 0, &[1]), Err(Errno::EROFS));
        assert_eq!(first.discard(lwp, 0, 512), Err(Errno::EROFS));
        first.flush(lwp).unwrap();
        drop((first, second));
        let first = open(false).unwrap();
        assert_eq!(open(true).err(), Some(Errno::EBUSY));
        drop(first);
        assert!(Volume::over(lwp, unit, false).is_ok());
        for absent in [&b"mem1"[..], b"", b"/dev/", b"\xff"] {
            assert_eq!(Volume::open(lwp, absent, true).err(), Some(Errno::ENXIO));
        }
    });
}
