//! The state of a world, one a host thread.

use std::cell::RefCell;
use std::collections::BTreeMap;

use hypercall::Upcall;

use crate::devices::Hardware;
use crate::disks;
use crate::events::Events;
use crate::wire::Port;

/// The clock at the beginning: not zero, so that times before it exist.
const START: u64 = 1_000_000_000;

/// A kernel that is attached.
pub(crate) struct Kernel {
    pub(crate) run: Upcall,
    /// The event of its next call.
    pub(crate) due: Option<(u64, u64)>,
}

/// Everything there is.
pub(crate) struct World {
    pub(crate) now: u64,
    /// What kernels draw from.
    pub(crate) random: Random,
    /// What cables draw from: frames that get lost do not change what kernels draw.
    pub(crate) chance: Random,
    pub(crate) params: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) console: Vec<u8>,
    pub(crate) stirred: Vec<u8>,
    pub(crate) word: usize,
    pub(crate) events: Events,
    pub(crate) kernels: BTreeMap<u64, Kernel>,
    pub(crate) ports: BTreeMap<u64, Port>,
    pub(crate) hardware: Hardware,
    pub(crate) images: BTreeMap<String, disks::Stored>,
    pub(crate) disks: BTreeMap<u64, disks::Open>,
    next_handle: u64,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new(0, 0));
}

impl World {
    fn new(seed: u64, next_handle: u64) -> World {
        World {
            now: START,
            random: Random(seed),
            chance: Random(!seed),
            params: BTreeMap::new(),
            console: Vec::new(),
            stirred: Vec::new(),
            word: 0,
            events: Events::default(),
            kernels: BTreeMap::new(),
            ports: BTreeMap::new(),
            hardware: Hardware::default(),
            images: BTreeMap::new(),
            disks: BTreeMap::new(),
            next_handle,
        }
    }

    pub(crate) fn new_handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }
}

/// Something done with the world of this thread. No kernel is called from inside.
pub(crate) fn with<R>(f: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| f(&mut world.borrow_mut()))
}

/// The same, unless it is being done already, or the thread is at its end.
pub(crate) fn try_with<R>(f: impl FnOnce(&mut World) -> R) -> Option<R> {
    let attempt = WORLD.try_with(|world| world.try_borrow_mut().ok().map(|mut w| f(&mut w)));
    attempt.ok().flatten()
}

/// Begins a new world on this thread, with this seed: time, parameters, console, cables are as at
/// the beginning. Kernels and links of the old one are cut off.
pub fn reset(seed: u64) {
    with(|world| *world = World::new(seed, world.next_handle));
}

/// A generator of numbers (SplitMix64): good enough for everything but secrets.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
