//! Tables of partitions, on a small disk that a kernel looks at.
//!
//! An input is a list of patches: a block, a place in it, how many bytes, the bytes. If the first byte says so, the
//! checksums of both GPTs are put right in the end: no fuzzer guesses them.

use base::{Config, Kernel, System, enter};
use dev::Dev;
use dev::testing::RecordingDisk;

use crate::bytes::Bytes;

static SYSTEM: System = System {
    name: "fuzz",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &part::COMPONENT],
    params: &[],
};

const BLOCK: usize = 512;
const BLOCKS: usize = 128;

/// More units than a disk may have partitions.
const MOST: usize = 257;

pub(crate) fn partitions(bytes: &[u8]) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let done = enter(kernel.process(), |lwp| {
        let dev = lwp.state::<Dev>()?;
        let whole = dev.add_disk("disk", RecordingDisk::new(BLOCK as u32, disk(bytes)));
        let _ = dev.find_block(lwp, "nothing");
        let units = dev.blocks();
        assert!(units.len() <= MOST);
        for unit in &units {
            let mut block = [0; BLOCK];
            let last = unit.size() - BLOCK as u64;
            assert!(last < (BLOCKS * BLOCK) as u64);
            unit.read_at(lwp, 0, &mut block)?;
            unit.read_at(lwp, last, &mut block)?;
            let beyond = unit.read_at(lwp, unit.size(), &mut block);
            assert!(beyond.is_err());
        }
        dev.remove_disk(&whole);
        let _ = dev.find_block(lwp, "nothing");
        assert!(dev.blocks().is_empty());
        Ok(())
    });
    assert_eq!(done, Ok(()));
    assert!(!kernel.instance().is_dead());
}

fn disk(bytes: &[u8]) -> Vec<u8> {
    let mut disk = vec![0; BLOCKS * BLOCK];
    let mut bytes = Bytes(bytes);
    let put_right = bytes.byte() & 1 != 0;
    while !bytes.is_empty() {
        let at = usize::from(bytes.byte()) % BLOCKS * BLOCK + usize::from(bytes.short()) % BLOCK;
        let patch = bytes.counted();
        let len = patch.len().min(disk.len() - at);
        disk[at..at + len].copy_from_slice(&patch[..len]);
    }
    if put_right {
        for header in [1, BLOCKS - 1] {
            put_checksums_right(&mut disk, header * BLOCK);
        }
    }
    disk
}

fn put_checksums_right(disk: &mut [u8], at: usize) {
    let number = |disk: &[u8], offset: usize| {
        let bytes = disk[at + offset..at + offset + 4].try_into();
        u32::from_le_bytes(bytes.unwrap()) as usize
    };
    let start = number(disk, 72).saturating_mul(BLOCK);
    let len = number(disk, 80).saturating_mul(number(disk, 84));
    if let Some(entries) = disk.get(start..start.saturating_add(len)) {
        let crc = crc32(entries);
        disk[at + 88..at + 92].copy_from_slice(&crc.to_le_bytes());
    }
    disk[at + 16..at + 20].fill(0);
    let size = number(disk, 12).min(BLOCK);
    let crc = crc32(&disk[at..at + size]);
    disk[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            0 => crc >> 1,
            _ => crc >> 1 ^ 0xedb8_8320,
        })
    });
    !crc
}
