//! The device's side of virtio (version 1.2 of the standard), over PCI or a window of registers, with split
//! queues.
//!
//! A [`Backend`] is what makes it a disk or a network card, and decides how honest it is.

mod function;
mod queue;
mod window;

use crate::devices::{Bus, Line, Model, pci, plug};

pub use queue::{Chain, Queue};

/// What a device of a kind does.
pub trait Backend {
    /// The driver has put something into a queue.
    fn notified(&mut self, port: &mut Port<'_, '_>, queue: usize);

    /// Goes on with what was put off ([`Port::later`]).
    fn elapsed(&mut self, port: &mut Port<'_, '_>, what: u64) {
        let _ = (port, what);
    }
}

/// What the standard says of every device, and how this one follows it.
pub struct Device {
    /// Its kind.
    pub kind: u32,
    /// What it offers, bit by bit; bit 32 says that it follows the standard.
    pub features: u64,
    /// Its configuration space.
    pub config: Vec<u8>,
    /// The most entries of each queue.
    pub queues: Vec<u16>,
    /// How often it gets to the end of a reset.
    pub resets_left: u32,
    /// Which generation its configuration is said to be of: the second of two numbers is added with every look.
    pub generation: (u32, u32),
    /// Where, in units of 4 bytes, queues are notified over PCI.
    pub notify_offset: u16,
}

impl Device {
    /// An honest device.
    pub fn new(kind: u32, features: u64, config: &[u8], queues: &[u16]) -> Self {
        Device {
            kind,
            features: features | 1 << 32,
            config: config.to_vec(),
            queues: queues.to_vec(),
            resets_left: u32::MAX,
            generation: (0, 0),
            notify_offset: 0,
        }
    }

    /// Plugs it in as a window of registers.
    pub fn plug(self, line: Line, backend: impl Backend + 'static) {
        let way = Way::Window(line);
        plug(0x200, line, Virtio::new(self, way, backend));
    }

    /// Plugs it in as a PCI function, with so many message vectors.
    pub fn plug_pci(self, vectors: u16, backend: impl Backend + 'static) {
        let config = self.config.len() as u32;
        let kind = self.kind as u16;
        let part = |what: u8, offset: u32, length: u32, more: &[u8]| {
            let mut bytes = vec![16 + more.len() as u8, what, 0, 0, 0, 0];
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(more);
            bytes
        };
        let mut function = pci::Function::new(0x1af4, 0x1040 + kind)
            .bar(0, 0x4000)
            .capability(9, &part(1, COMMON as u32, 56, &[]))
            .capability(9, &part(2, NOTIFY as u32, 0x100, &4u32.to_le_bytes()))
            .capability(9, &part(3, ISR as u32, 1, &[]));
        if config > 0 {
            function = function.capability(9, &part(4, CONFIG as u32, config, &[]));
        }
        if vectors > 0 {
            function = function.messages(vectors);
        }
        function.plug(Virtio::new(self, Way::Pci, backend));
    }
}

// The parts of the PCI function's BAR.
const COMMON: u64 = 0;
const ISR: u64 = 0x1000;
const CONFIG: u64 = 0x2000;
const NOTIFY: u64 = 0x3000;

const NO_VECTOR: u16 = 0xffff;

#[derive(Clone, Copy)]
enum Way {
    Window(Line),
    Pci,
}

/// The registers' state.
struct State {
    device: Device,
    way: Way,
    status: u32,
    driver_features: u64,
    feature_select: (u32, u32),
    queue_select: usize,
    queues: Vec<Queue>,
    vectors: Vec<u16>,
    config_vector: u16,
    isr: u32,
}

struct Virtio<B> {
    state: State,
    backend: B,
}

/// What a backend works with.
pub struct Port<'a, 'b> {
    state: &'a mut State,
    /// The machine.
    pub bus: &'a mut Bus<'b>,
}

impl<'b> Port<'_, 'b> {
    /// What the driver took of the features offered.
    pub fn features(&self) -> u64 {
        self.state.driver_features
    }

    /// The next chain of buffers that the driver has put into a queue.
    pub fn next(&mut self, queue: usize) -> Option<Chain> {
        self.state.queues[queue].next(self.bus)
    }

    /// Gives a chain back, with so many bytes written, and interrupts unless the driver wants none.
    pub fn used(&mut self, queue: usize, head: u32, len: u32) {
        self.state.queues[queue].used(self.bus, head, len);
        if self.state.queues[queue].wants_interrupt(self.bus) {
            self.state.interrupt(self.bus, Some(queue));
        }
    }

    /// Says that the configuration has changed.
    pub fn configure(&mut self, config: &[u8]) {
        self.state.device.config = config.to_vec();
        self.state.interrupt(self.bus, None);
    }

    /// Says that only a reset can help.
    pub fn fail(&mut self) {
        self.state.status |= 0x40;
        self.state.interrupt(self.bus, None);
    }

    /// A queue and the machine, for what no honest device does.
    pub fn queue(&mut self, queue: usize) -> (&mut Queue, &mut Bus<'b>) {
        (&mut self.state.queues[queue], self.bus)
    }

    /// Interrupts for a queue, whatever the driver wants.
    pub fn interrupt(&mut self, queue: usize) {
        self.state.interrupt(self.bus, Some(queue));
    }

    /// Has [`Backend::elapsed`] called with `what` after `span` nanoseconds.
    pub fn later(&mut self, span: u64, what: u64) {
        self.bus.later(span, what);
    }
}

impl<B: Backend> Virtio<B> {
    fn new(device: Device, way: Way, backend: B) -> Self {
        let queues: Vec<_> = device.queues.iter().map(|size| Queue::new(*size)).collect();
        Virtio {
            state: State {
                vectors: vec![NO_VECTOR; queues.len()],
                device,
                way,
                // Somebody has left it at work: a reset is not done from the start.
                status: 15,
                driver_features: 0,
                feature_select: (0, 0),
                queue_select: 0,
                queues,
                config_vector: NO_VECTOR,
                isr: 0,
            },
            backend,
        }
    }

    fn notified(&mut self, bus: &mut Bus<'_>, queue: usize) {
        let ready = self.state.queues.get(queue).is_some_and(|it| it.ready);
        if ready && self.state.status & 4 != 0 {
            let state = &mut self.state;
            self.backend.notified(&mut Port { state, bus }, queue);
        }
    }
}

impl State {
    fn interrupt(&mut self, bus: &mut Bus<'_>, queue: Option<usize>) {
        let bit = if queue.is_some() { 1 } else { 2 };
        match self.way {
            Way::Window(Line::Edge) => {
                self.isr |= bit;
                bus.pulse();
            }
            Way::Window(Line::Level) => {
                self.isr |= bit;
                bus.level(true);
            }
            Way::Pci => {
                let vector = queue.map_or(self.config_vector, |queue| self.vectors[queue]);
                if !bus.message(vector.into()) {
                    self.isr |= bit;
                    bus.level(true);
                }
            }
        }
    }

    fn set_status(&mut self, bus: &mut Bus<'_>, status: u32) {
        if status != 0 {
            self.status |= status;
            return;
        }
        match self.device.resets_left.checked_sub(1) {
            Some(left) => self.device.resets_left = left,
            None => return,
        }
        self.status = 0;
        self.isr = 0;
        self.driver_features = 0;
        for (queue, size) in self.queues.iter_mut().zip(&self.device.queues) {
            *queue = Queue::new(*size);
        }
        if !matches!(self.way, Way::Window(Line::Edge)) {
            bus.level(false);
        }
    }

    fn generation(&mut self) -> u32 {
        let (now, step) = self.device.generation;
        self.device.generation.0 = now.wrapping_add(step);
        now & 0xff
    }

    fn offered(&self, select: u32) -> u32 {
        (self.device.features.checked_shr(32 * select).unwrap_or(0)) as u32
    }

    fn accept(&mut self, select: u32, value: u32) {
        if select < 2 {
            self.driver_features |= u64::from(value) << (32 * select);
        }
    }

    fn config(&self, offset: u64, width: u32) -> u64 {
        let bytes = (0..u64::from(width)).map(|at| {
            let byte = self.device.config.get((offset + at) as usize);
            u64::from(byte.copied().unwrap_or(0)) << (8 * at)
        });
        bytes.sum()
    }

    fn set_config(&mut self, offset: u64, width: u32, value: u64) {
        for at in 0..u64::from(width) {
            if let Some(byte) = self.device.config.get_mut((offset + at) as usize) {
                *byte = (value >> (8 * at)) as u8;
            }
        }
    }

    fn selected(&mut self) -> Option<&mut Queue> {
        self.queues.get_mut(self.queue_select)
    }

    fn take_isr(&mut self, bus: &mut Bus<'_>, bits: u32) {
        self.isr &= !bits;
        if self.isr == 0 && !matches!(self.way, Way::Window(Line::Edge)) {
            bus.level(false);
        }
    }
}

impl<B: Backend> Model for Virtio<B> {
    fn read(&mut self, bus: &mut Bus<'_>, region: usize, offset: u64, width: u32) -> u64 {
        let state = &mut self.state;
        match state.way {
            Way::Window(_) => window::read(state, offset, width),
            Way::Pci if region == 0 => function::read(state, bus, offset, width),
            Way::Pci => u64::MAX,
        }
    }

    fn write(&mut self, bus: &mut Bus<'_>, region: usize, offset: u64, width: u32, value: u64) {
        let state = &mut self.state;
        let notified = match state.way {
            Way::Window(_) => window::write(state, bus, offset, width, value),
            Way::Pci if region == 0 => function::write(state, bus, offset, width, value),
            Way::Pci => None,
        };
        if let Some(queue) = notified {
            self.notified(bus, queue);
        }
    }

    fn elapsed(&mut self, bus: &mut Bus<'_>, what: u64) {
        let state = &mut self.state;
        self.backend.elapsed(&mut Port { state, bus }, what);
    }
}
