//! A window of registers (section 4.2).

use base::{Errno, Failure};
use hardware::Registers;

use super::{Bell, Wire};

const MAGIC: usize = 0x000;
const VERSION: usize = 0x004;
const DEVICE: usize = 0x008;
const OFFERED: usize = 0x010;
const OFFERED_HALF: usize = 0x014;
const ACCEPTED: usize = 0x020;
const ACCEPTED_HALF: usize = 0x024;
const QUEUE: usize = 0x030;
const QUEUE_MAX: usize = 0x034;
const QUEUE_SIZE: usize = 0x038;
const QUEUE_READY: usize = 0x044;
const NOTIFY: usize = 0x050;
const INTERRUPT: usize = 0x060;
const INTERRUPT_TAKEN: usize = 0x064;
const STATUS: usize = 0x070;
const QUEUE_AREAS: [usize; 3] = [0x080, 0x090, 0x0a0];
const GENERATION: usize = 0x0fc;
const CONFIG: usize = 0x100;

pub(crate) struct WindowWire {
    registers: Registers,
    bell: Registers,
    config: Registers,
}

impl WindowWire {
    /// The registers and the type of the device, if there is one in the window.
    pub(crate) fn new(registers: Registers) -> Result<Option<(Self, u32)>, Failure> {
        let parts = registers.part(NOTIFY, 4).zip(
            registers
                .size()
                .checked_sub(CONFIG)
                .and_then(|size| registers.part(CONFIG, size)),
        );
        let Some((bell, config)) = parts else {
            return Ok(None);
        };
        let kind = registers.read32(DEVICE);
        if registers.read32(MAGIC) != u32::from_le_bytes(*b"virt") || kind == 0 {
            return Ok(None);
        }
        if registers.read32(VERSION) != 2 {
            return Err(Failure::new(
                Errno::ENODEV,
                "the device follows a draft of the standard; start QEMU with \
                 -global virtio-mmio.force-legacy=false",
            ));
        }
        let wire = WindowWire {
            registers,
            bell,
            config,
        };
        Ok(Some((wire, kind)))
    }
}

impl Wire for WindowWire {
    fn status(&self) -> u32 {
        self.registers.read32(STATUS)
    }

    fn set_status(&self, status: u32) {
        self.registers.write32(STATUS, status);
    }

    fn offered(&self, half: u32) -> u32 {
        self.registers.write32(OFFERED_HALF, half);
        self.registers.read32(OFFERED)
    }

    fn accept(&self, half: u32, features: u32) {
        self.registers.write32(ACCEPTED_HALF, half);
        self.registers.write32(ACCEPTED, features);
    }

    fn queue_size(&self, queue: u16) -> u16 {
        self.registers.write32(QUEUE, queue.into());
        let most = self.registers.read32(QUEUE_MAX);
        u16::try_from(most).unwrap_or(u16::MAX)
    }

    fn set_queue(&self, queue: u16, size: u16, areas: [u64; 3]) {
        self.registers.write32(QUEUE, queue.into());
        self.registers.write32(QUEUE_SIZE, size.into());
        for (register, area) in QUEUE_AREAS.into_iter().zip(areas) {
            self.registers.write32(register, area as u32);
            self.registers.write32(register + 4, (area >> 32) as u32);
        }
        self.registers.write32(QUEUE_READY, 1);
    }

    fn queue_ready(&self, queue: u16) -> bool {
        self.registers.write32(QUEUE, queue.into());
        self.registers.read32(QUEUE_READY) != 0
    }

    fn bell(&self, queue: u16) -> Option<Bell> {
        Some(Bell {
            register: self.bell,
            width: 4,
            queue,
        })
    }

    fn route(&self, _queue: Option<u16>, _vector: u16) -> bool {
        false
    }

    fn take_interrupt(&self) -> u32 {
        let why = self.registers.read32(INTERRUPT);
        self.registers.write32(INTERRUPT_TAKEN, why);
        why
    }

    fn generation(&self) -> u32 {
        self.registers.read32(GENERATION)
    }

    fn config(&self) -> Option<Registers> {
        Some(self.config)
    }
}
