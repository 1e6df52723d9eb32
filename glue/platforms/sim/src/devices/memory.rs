//! Memory between kernels and devices: the group `dma`.
//!
//! Devices call memory by another name than kernels, and reach nothing that was not given to them.
// A device's reads and writes have no borrow.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::BTreeMap;

use crate::Platform;
use crate::world;

/// What a device's name for memory differs by from the kernel's.
const BUS: u64 = 0x0d00_0000_0000_0000;

const PAGE: usize = 4096;

/// What devices may reach: how many bytes from an address of the kernel, and how often it was given.
#[derive(Default)]
pub(super) struct Lent(BTreeMap<usize, Vec<usize>>);

impl Lent {
    fn add(&mut self, address: usize, size: usize) -> u64 {
        self.0.entry(address).or_default().push(size);
        address as u64 + BUS
    }

    fn remove(&mut self, address: usize, size: usize) {
        let sizes = self.0.get_mut(&address);
        let at = sizes
            .as_ref()
            .and_then(|all| all.iter().position(|it| *it == size));
        let (Some(sizes), Some(at)) = (sizes, at) else {
            panic!(
                "sim: {size} bytes at {address:#x} are taken back, and were not given to devices"
            );
        };
        sizes.swap_remove(at);
        if sizes.is_empty() {
            self.0.remove(&address);
        }
    }

    /// The kernel's address of what a device calls by `device`.
    fn reach(&self, device: u64, len: usize) -> *mut u8 {
        let address = device.wrapping_sub(BUS) as usize;
        let end = address.checked_add(len);
        let covered = self.0.range(..=address).any(|(start, sizes)| {
            let mut ends = sizes.iter().map(|size| start + size);
            ends.any(|last| end.is_some_and(|end| end <= last))
        });
        assert!(
            covered,
            "sim: a device reaches for {len} bytes at {device:#x}, which the kernel did not give it"
        );
        address as *mut u8
    }

    pub(super) fn load(&self, address: u64, bytes: &mut [u8]) {
        let from = self.reach(address, bytes.len());
        // SAFETY: given to devices and not taken back, so it is there; a world is one thread's, and the
        // kernel holds no reference to what it gave away.
        unsafe { core::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), bytes.len()) }
    }

    pub(super) fn store(&mut self, address: u64, bytes: &[u8]) {
        let to = self.reach(address, bytes.len());
        // SAFETY: as above.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    }
}

fn layout(size: usize) -> Option<Layout> {
    let layout = Layout::from_size_align(size, PAGE).ok()?;
    (size > 0).then_some(layout)
}

impl hypercall::Dma for Platform {
    fn allocate(size: usize, device: &mut u64) -> usize {
        let Some(layout) = layout(size) else {
            return 0;
        };
        // SAFETY: the size is not zero.
        let address = unsafe { alloc_zeroed(layout) } as usize;
        if address != 0 {
            *device = world::with(|world| world.hardware.lent.add(address, size));
        }
        address
    }

    fn release(address: usize, size: usize) {
        let Some(layout) = layout(size) else {
            return;
        };
        world::with(|world| world.hardware.lent.remove(address, size));
        // SAFETY: allocated above with the same layout, or the removal had panicked.
        unsafe { dealloc(address as *mut u8, layout) }
    }

    fn share(address: usize, size: usize) -> u64 {
        world::with(|world| world.hardware.lent.add(address, size))
    }

    fn unshare(_device: u64, address: usize, size: usize) {
        world::with(|world| world.hardware.lent.remove(address, size));
    }
}

/// How many pieces of memory devices can reach: none, once all drivers have let go.
pub fn lent() -> usize {
    world::with(|world| world.hardware.lent.0.values().map(Vec::len).sum())
}
