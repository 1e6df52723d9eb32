//! A PCI function (section 4.1): its registers are in parts, and capabilities say where.

use alloc::format;

use base::{Errno, Failure};
use hardware::Registers;
use hardware::pci::Function;

use super::{Bell, Wire};

/// The capability of what vendors define.
const VENDOR_SPECIFIC: u8 = 0x09;

// Parts (section 4.1.4).
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const CONFIG: u8 = 4;

// The common part (section 4.1.4.3).
const OFFERED_HALF: usize = 0x00;
const OFFERED: usize = 0x04;
const ACCEPTED_HALF: usize = 0x08;
const ACCEPTED: usize = 0x0c;
const CONFIG_VECTOR: usize = 0x10;
const STATUS: usize = 0x14;
const GENERATION: usize = 0x15;
const QUEUE: usize = 0x16;
const QUEUE_SIZE: usize = 0x18;
const QUEUE_VECTOR: usize = 0x1a;
const QUEUE_READY: usize = 0x1c;
const QUEUE_NOTIFY: usize = 0x1e;
const QUEUE_AREAS: [usize; 3] = [0x20, 0x28, 0x30];
const COMMON_SIZE: usize = 0x38;

pub(crate) struct FunctionWire {
    common: Registers,
    notify: Registers,
    notify_step: usize,
    isr: Registers,
    config: Option<Registers>,
}

/// The type of device that a function is (section 4.1.2.1), if it is one.
pub(crate) fn kind(function: &Function) -> Option<u32> {
    match function.device() {
        // Transitional devices say it elsewhere.
        0x1000..=0x103f => Some(function.subsystem().into()),
        device @ 0x1040..=0x107f => Some(u32::from(device) - 0x1040),
        _ => None,
    }
}

impl FunctionWire {
    /// The registers and the type of the device.
    pub(crate) fn new(function: &Function) -> Result<(Self, u32), Failure> {
        let kind = kind(function)
            .ok_or_else(|| Failure::new(Errno::ENODEV, "the function is no virtio device"))?;
        let (notify, at) = part(function, NOTIFY, "notification")?;
        let wire = FunctionWire {
            common: part(function, COMMON, "common")?.0,
            notify,
            notify_step: function.read(at + 16) as usize,
            isr: part(function, ISR, "interrupt")?.0,
            config: part(function, CONFIG, "configuration").ok().map(|it| it.0),
        };
        if wire.common.size() < COMMON_SIZE || wire.isr.size() == 0 {
            return Err(Failure::new(
                Errno::ENXIO,
                "its registers are shorter than the standard has them",
            ));
        }
        Ok((wire, kind))
    }

    fn select(&self, queue: u16) {
        self.common.write(QUEUE, 2, queue.into());
    }
}

/// A part of the registers, and the capability that describes it: the first that makes sense.
fn part(function: &Function, wanted: u8, name: &str) -> Result<(Registers, u32), Failure> {
    let described = function
        .capabilities(VENDOR_SPECIFIC)
        .filter(|at| (function.read(*at) >> 24) as u8 == wanted);
    for at in described {
        let bar = function.read(at + 4) & 0xff;
        let offset = function.read(at + 8) as usize;
        let length = function.read(at + 12) as usize;
        let Ok(registers) = function.bar(bar) else {
            continue;
        };
        if let Some(part) = registers.part(offset, length) {
            return Ok((part, at));
        }
    }
    let message = format!(
        "no {name} registers that are inside of a BAR; if the machine is QEMU, \
                           -device virtio-…-pci,disable-modern=on is not supported"
    );
    Err(Failure::new(Errno::ENXIO, message))
}

impl Wire for FunctionWire {
    fn status(&self) -> u32 {
        self.common.read(STATUS, 1) as u32
    }

    fn set_status(&self, status: u32) {
        self.common.write(STATUS, 1, status.into());
    }

    fn offered(&self, half: u32) -> u32 {
        self.common.write32(OFFERED_HALF, half);
        self.common.read32(OFFERED)
    }

    fn accept(&self, half: u32, features: u32) {
        self.common.write32(ACCEPTED_HALF, half);
        self.common.write32(ACCEPTED, features);
    }

    fn queue_size(&self, queue: u16) -> u16 {
        self.select(queue);
        self.common.read(QUEUE_SIZE, 2) as u16
    }

    fn set_queue(&self, queue: u16, size: u16, areas: [u64; 3]) {
        self.select(queue);
        self.common.write(QUEUE_SIZE, 2, size.into());
        for (register, area) in QUEUE_AREAS.into_iter().zip(areas) {
            self.common.write32(register, area as u32);
            self.common.write32(register + 4, (area >> 32) as u32);
        }
        self.common.write(QUEUE_READY, 2, 1);
    }

    fn queue_ready(&self, queue: u16) -> bool {
        self.select(queue);
        self.common.read(QUEUE_READY, 2) != 0
    }

    fn bell(&self, queue: u16) -> Option<Bell> {
        self.select(queue);
        let units = self.common.read(QUEUE_NOTIFY, 2) as usize;
        let offset = units.checked_mul(self.notify_step)?;
        Some(Bell {
            register: self.notify.part(offset, 2)?,
            width: 2,
            queue,
        })
    }

    fn route(&self, queue: Option<u16>, vector: u16) -> bool {
        let register = match queue {
            Some(queue) => {
                self.select(queue);
                QUEUE_VECTOR
            }
            None => CONFIG_VECTOR,
        };
        self.common.write(register, 2, vector.into());
        self.common.read(register, 2) == u64::from(vector)
    }

    fn take_interrupt(&self) -> u32 {
        self.isr.read(0, 1) as u32
    }

    fn generation(&self) -> u32 {
        self.common.read(GENERATION, 1) as u32
    }

    fn config(&self) -> Option<Registers> {
        self.config
    }
}
