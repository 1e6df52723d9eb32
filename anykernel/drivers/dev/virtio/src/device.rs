//! A device on its way to work: features, queues, interrupts (section 3.1).

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Failure, Work};
use dev::Handle;
use hardware::pci::Function;
use hardware::{Interrupt, Window};
use virtio_drivers::transport::DeviceType;

use crate::port::{Port, reset};
use crate::queue::{Chain, Queue};
use crate::wire::{FunctionWire, WindowWire, Wire, read_config};

// Bits of the status (section 2.1).
pub(crate) const ACKNOWLEDGE: u32 = 1;
pub(crate) const DRIVER: u32 = 2;
pub(crate) const DRIVER_OK: u32 = 4;
pub(crate) const FEATURES_OK: u32 = 8;
pub(crate) const NEEDS_RESET: u32 = 64;
pub(crate) const FAILED: u32 = 128;

/// The feature of following the standard (section 6).
const VERSION_1: u64 = 1 << 32;

/// How often the configuration is read before it is taken to never rest.
const READS: usize = 16;

/// The vectors for changes of the configuration, and for all queues.
const VECTORS: [u16; 2] = [0, 1];

/// What interrupts the kernel on behalf of a device.
enum Source {
    Function(Function),
    Window(Window),
}

/// A device, for its driver.
pub struct Device {
    wire: Arc<dyn Wire>,
    source: Source,
    kind: u32,
    /// The queues that were made.
    queues: Vec<u16>,
}

impl Handle for Device {
    const BUS: &'static str = "virtio";
}

impl Device {
    pub(crate) fn of_function(function: Function) -> Result<Self, Failure> {
        let (wire, kind) = FunctionWire::new(&function)?;
        Ok(Device {
            wire: Arc::new(wire),
            source: Source::Function(function),
            kind,
            queues: Vec::new(),
        })
    }

    pub(crate) fn of_window(window: Window) -> Result<Option<Self>, Failure> {
        let found = WindowWire::new(window.registers()?)?;
        Ok(found.map(|(wire, kind)| Device {
            wire: Arc::new(wire),
            source: Source::Window(window),
            kind,
            queues: Vec::new(),
        }))
    }

    /// Its type (section 5).
    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// Resets the device and settles features: of those that it offers those that `choose` returns, which are
    /// returned.
    pub fn negotiate(&mut self, choose: impl FnOnce(u64) -> u64) -> Result<u64, Failure> {
        if !reset(&*self.wire) {
            return Err(Failure::new(Errno::EIO, "the device does not reset"));
        }
        self.wire.set_status(ACKNOWLEDGE | DRIVER);
        let offered = u64::from(self.wire.offered(0)) | u64::from(self.wire.offered(1)) << 32;
        if offered & VERSION_1 == 0 {
            return Err(self.refuse("the device follows a draft of the standard"));
        }
        let features = offered & (choose(offered) | VERSION_1);
        self.wire.accept(0, features as u32);
        self.wire.accept(1, (features >> 32) as u32);
        self.wire.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if self.wire.status() & FEATURES_OK == 0 {
            return Err(self.refuse("the device does not work with the features that it offers"));
        }
        Ok(features)
    }

    /// Says to the device that it is given up.
    fn refuse(&self, why: &str) -> Failure {
        self.wire.set_status(FAILED);
        Failure::new(Errno::ENODEV, why)
    }

    /// Bytes of the configuration space, all of one moment.
    pub fn config<const N: usize>(&self, offset: usize) -> Result<[u8; N], Failure> {
        config(&*self.wire, offset)
    }

    /// Makes a queue of `N` entries, a power of two; fewer buffers than that may be under way in it.
    pub fn queue<T: Chain, const N: usize>(
        &mut self,
        index: u16,
    ) -> Result<Box<Queue<T, N>>, Failure> {
        let kind = DeviceType::try_from(self.kind)
            .map_err(|_| Failure::new(Errno::ENODEV, "devices of this type have no queues"))?;
        let queue = Queue::new(&*self.wire, kind, index)?;
        self.queues.push(index);
        Ok(queue)
    }

    /// Has the device begin. `queues` is scheduled when it has used buffers of any queue, or a line has
    /// interrupted: the work begins with [`Port::acknowledge`]. `changed` is scheduled when its
    /// configuration has changed, or it has failed.
    pub fn start(self, queues: &Arc<Work>, changed: &Arc<Work>) -> Result<Port, Failure> {
        let (interrupts, line) = match &self.source {
            Source::Function(function) => {
                function.master();
                match self.messages(function, queues, changed)? {
                    Some(interrupts) => (interrupts, false),
                    None => (Vec::from([function.line(queues)?]), true),
                }
            }
            Source::Window(window) => (Vec::from([window.interrupt(queues)?]), true),
        };
        let working = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;
        self.wire.set_status(working);
        Ok(Port {
            wire: self.wire,
            line,
            interrupts: Leaf::new(interrupts),
            changed: changed.clone(),
        })
    }

    /// Interrupts by messages, if the function has them.
    fn messages(
        &self,
        function: &Function,
        queues: &Arc<Work>,
        changed: &Arc<Work>,
    ) -> Result<Option<Vec<Interrupt>>, Failure> {
        let Some(messages) = function.messages(VECTORS.len() as u16) else {
            return Ok(None);
        };
        let interrupts = [
            messages.attach(VECTORS[0], changed)?,
            messages.attach(VECTORS[1], queues)?,
        ];
        let mut routes = self.queues.iter().map(|queue| (Some(*queue), VECTORS[1]));
        let routed = self.wire.route(None, VECTORS[0])
            && routes.all(|(queue, vector)| self.wire.route(queue, vector));
        if !routed {
            let why = "the device has no room for its interrupts";
            return Err(Failure::new(Errno::ENOSPC, why));
        }
        Ok(Some(interrupts.into()))
    }
}

/// Reads bytes of the configuration space in one generation.
pub(crate) fn config<const N: usize>(wire: &dyn Wire, offset: usize) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    for _ in 0..READS {
        let before = wire.generation();
        if read_config(wire, offset, &mut bytes).is_err() {
            let why = format!("its configuration has no {N} bytes at {offset}");
            return Err(Failure::new(Errno::ENXIO, why));
        }
        if wire.generation() == before {
            return Ok(bytes);
        }
    }
    Err(Failure::new(
        Errno::EIO,
        "its configuration never comes to rest",
    ))
}
