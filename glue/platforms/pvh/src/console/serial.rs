//! A serial port of the 16550 kind, written to and never read.

use x86_64::instructions::port::Port;

use super::each_byte;

/// The first serial port of a PC.
const BASE: u16 = 0x3f8;
/// Bytes its queue takes at once.
const QUEUE: usize = 16;
/// Looks at the status before a port counts as one that nobody listens to: tens of milliseconds.
const PATIENCE: u32 = 1 << 16;

/// Registers, from the base on.
const DATA: u16 = 0;
const INTERRUPTS: u16 = 1;
const QUEUES: u16 = 2;
const LINE: u16 = 3;
const MODEM: u16 = 4;
const STATUS: u16 = 5;
const SCRATCH: u16 = 7;

/// Status: the queue for writing is empty.
const EMPTY: u8 = 1 << 5;

/// The port.
pub(super) struct Serial {
    present: bool,
    /// Nobody took the last bytes. What comes then is dropped until somebody does.
    stuck: bool,
}

fn read(register: u16) -> u8 {
    // SAFETY: reading these registers changes nothing that anybody relies on.
    unsafe { Port::new(BASE + register).read() }
}

fn write(register: u16, value: u8) {
    // SAFETY: the port is this module's, and does nothing to memory.
    unsafe { Port::new(BASE + register).write(value) }
}

impl Serial {
    pub(super) const fn new() -> Serial {
        Serial {
            present: false,
            stuck: false,
        }
    }

    /// Looks whether there is a port, and sets it up: 115200 8N1, with queues, without interrupts.
    pub(super) fn start() -> Serial {
        const PATTERN: u8 = 0x5a;
        write(SCRATCH, PATTERN);
        let present = read(SCRATCH) == PATTERN;
        if present {
            write(INTERRUPTS, 0);
            // The divisor is reached through the other bank.
            write(LINE, 0x80);
            write(DATA, 1);
            write(INTERRUPTS, 0);
            write(LINE, 3);
            write(QUEUES, 7);
            write(MODEM, 3);
        }
        Serial {
            present,
            stuck: false,
        }
    }

    /// Writes bytes, as far as somebody takes them.
    pub(super) fn write(&mut self, text: &[u8]) {
        let mut room = 0;
        each_byte(text, &mut |byte| {
            if room == 0 {
                if !self.wait() {
                    return false;
                }
                room = QUEUE;
            }
            write(DATA, byte);
            room -= 1;
            true
        });
    }

    /// Waits for the queue to be empty. False if it does not become so.
    fn wait(&mut self) -> bool {
        if !self.present {
            return false;
        }
        let patience = if self.stuck { 1 } else { PATIENCE };
        self.stuck = !(0..patience).any(|_| read(STATUS) & EMPTY != 0);
        !self.stuck
    }
}
