//! What a disk is like.

use alloc::format;

use base::{Errno, Failure};
use dev::Geometry;
use virtio::Device;

// Features (section 5.2.3).
const SIZE_MAX: u64 = 1 << 1;
const RO: u64 = 1 << 5;
const BLK_SIZE: u64 = 1 << 6;
const FLUSH: u64 = 1 << 9;
const DISCARD: u64 = 1 << 13;

// The configuration (section 5.2.4).
const CONFIG_CAPACITY: usize = 0;
const CONFIG_SIZE_MAX: usize = 8;
const CONFIG_BLK_SIZE: usize = 20;
const CONFIG_MAX_DISCARD_SECTORS: usize = 36;

/// What the standard counts in, whatever the block size, in bytes.
pub(crate) const SECTOR: u64 = 512;

/// The most bytes of a request.
const LARGEST: usize = 1 << 20;

/// Block sizes that make sense, in bytes.
const BLOCK_SIZES: core::ops::RangeInclusive<u32> = 512..=65536;

/// What was settled with a disk.
pub(crate) struct Layout {
    pub(crate) geometry: Geometry,
    /// Whether what was written may be lost until it is flushed.
    pub(crate) caches: bool,
    /// The most blocks that one request discards; zero if it cannot.
    pub(crate) most_discarded: u64,
}

impl Layout {
    pub(crate) fn negotiate(device: &mut Device) -> Result<Self, Failure> {
        let features = device.negotiate(|_| SIZE_MAX | RO | BLK_SIZE | FLUSH | DISCARD)?;
        let has = |feature| features & feature != 0;
        let capacity = u64::from_le_bytes(device.config(CONFIG_CAPACITY)?);
        let block_size = match has(BLK_SIZE) {
            true => u32::from_le_bytes(device.config(CONFIG_BLK_SIZE)?),
            false => SECTOR as u32,
        };
        if !block_size.is_power_of_two() || !BLOCK_SIZES.contains(&block_size) {
            return Err(nonsense(format!("blocks of {block_size} bytes")));
        }
        let Some(bytes) = capacity.checked_mul(SECTOR) else {
            return Err(nonsense(format!("{capacity} sectors")));
        };
        let size_max = match has(SIZE_MAX) {
            true => u32::from_le_bytes(device.config(CONFIG_SIZE_MAX)?) as usize,
            false => LARGEST,
        };
        let largest = size_max.min(LARGEST) & !(block_size as usize - 1);
        if largest == 0 {
            return Err(nonsense(format!("requests of at most {size_max} bytes")));
        }
        let most_discarded = match has(DISCARD) {
            true => u32::from_le_bytes(device.config(CONFIG_MAX_DISCARD_SECTORS)?),
            false => 0,
        };
        Ok(Layout {
            geometry: Geometry {
                block_size,
                blocks: bytes / u64::from(block_size),
                read_only: has(RO),
                largest,
            },
            caches: has(FLUSH),
            most_discarded: u64::from(most_discarded) * SECTOR / u64::from(block_size),
        })
    }
}

fn nonsense(what: alloc::string::String) -> Failure {
    Failure::new(Errno::EINVAL, format!("it says that it has {what}"))
}
