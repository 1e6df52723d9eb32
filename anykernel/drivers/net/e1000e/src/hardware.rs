//! The controller: reset, addresses, link, interrupts.

use ::hardware::{Registers, comes_true};
use base::{Errno, Failure};

use crate::registers::*;

/// How long a reset may take, in nanoseconds.
const RESET_TIME: u64 = 100_000_000;

/// What interrupts: by line, and by message, which has causes of its own.
const CAUSES: u32 = CAUSE_SENT
    | CAUSE_LINK
    | CAUSE_RECEIVE_LOW
    | CAUSE_OVERRUN
    | CAUSE_RECEIVED
    | CAUSE_RECEIVE_QUEUE
    | CAUSE_SEND_QUEUE
    | CAUSE_OTHER;

/// What interrupts while no frame waits to be sent.
const QUIET_CAUSES: u32 = CAUSES & !(CAUSE_SENT | CAUSE_SEND_QUEUE);

/// What all registers read as when nobody answers.
const GONE: u32 = u32::MAX;

/// The controller's registers.
#[derive(Clone, Copy)]
pub(crate) struct Hardware(Registers);

impl Hardware {
    pub(crate) fn new(registers: Registers) -> Result<Self, Failure> {
        match registers.size() >= SIZE {
            true => Ok(Hardware(registers)),
            false => Err(Failure::new(Errno::ENXIO, "its registers are too few")),
        }
    }

    pub(crate) fn read(self, register: usize) -> u32 {
        self.0.read32(register)
    }

    pub(crate) fn write(self, register: usize, value: u32) {
        self.0.write32(register, value);
    }

    /// Whether the card no longer answers.
    pub(crate) fn is_gone(self) -> bool {
        self.read(STATUS) == GONE
    }

    /// Resets the card (section 4.6.1): it lets its transfers end first. Whether it did.
    pub(crate) fn reset(self) -> bool {
        self.write(IMC, u32::MAX);
        self.write(RCTL, 0);
        self.write(TCTL, 0);
        self.write(CTRL, self.read(CTRL) | CTRL_MASTER_DISABLE);
        // Some cards have nothing under way and do not say so.
        comes_true(RESET_TIME, || self.read(STATUS) & STATUS_MASTER == 0);
        self.write(CTRL, self.read(CTRL) | CTRL_RESET);
        let reset = comes_true(RESET_TIME, || {
            let control = self.read(CTRL);
            control != GONE && control & CTRL_RESET == 0
        });
        self.write(IMC, u32::MAX);
        self.causes();
        reset && !self.is_gone()
    }

    /// The hardware address, if there is a good one: a reset has loaded it from the card's memory.
    pub(crate) fn address(self) -> Option<[u8; 6]> {
        let (low, high) = (self.read(RAL0), self.read(RAH0));
        let [a, b, c, d] = low.to_le_bytes();
        let [e, f, ..] = high.to_le_bytes();
        let address = [a, b, c, d, e, f];
        // That of one station, not of none and not of several.
        let good = high & RAH_VALID != 0 && a & 1 == 0 && address != [0; 6];
        good.then_some(address)
    }

    /// Has the card take frames for this address, for everybody and for any group.
    pub(crate) fn listen_to(self, address: [u8; 6]) {
        let [a, b, c, d, e, f] = address;
        self.write(RAL0, u32::from_le_bytes([a, b, c, d]));
        self.write(RAH0, u32::from_le_bytes([e, f, 0, 0]) | RAH_VALID);
        for word in 0..MTA_WORDS {
            self.write(MTA + 4 * word, 0);
        }
        self.write(RXCSUM, RXCSUM_ALL);
        let wanted = RCTL_BROADCAST | RCTL_ALL_MULTICAST;
        self.write(RCTL, RCTL_ENABLE | wanted | RCTL_STRIP_CRC);
        self.write(TIPG, TIPG_COPPER);
        self.write(TCTL, TCTL_ENABLE | TCTL_PAD | TCTL_COLLISIONS);
    }

    /// Sends all interrupts to the first vector, and has the link come up.
    pub(crate) fn begin(self) {
        self.write(IVAR, IVAR_ALL);
        self.write(CTRL, self.read(CTRL) | CTRL_AUTO_SPEED | CTRL_LINK_UP);
    }

    /// Why the card interrupted. It lets go of its line.
    pub(crate) fn causes(self) -> u32 {
        let causes = self.read(ICR);
        // Reading clears only what comes by the line.
        self.write(ICR, causes);
        causes
    }

    pub(crate) fn mask(self) {
        self.write(IMC, u32::MAX);
    }

    /// Lets the card interrupt; for frames that were sent too, if some wait for that.
    pub(crate) fn unmask(self, sent: bool) {
        self.write(IMS, if sent { CAUSES } else { QUIET_CAUSES });
    }

    pub(crate) fn is_link_up(self) -> bool {
        self.read(STATUS) & STATUS_LINK_UP != 0
    }

    /// Says where a ring is.
    pub(crate) fn set_ring(self, ring: usize, address: u64, length: usize) {
        self.write(ring + RING_LOW, address as u32);
        self.write(ring + RING_HIGH, (address >> 32) as u32);
        self.write(ring + RING_LENGTH, length as u32);
        self.write(ring + RING_HEAD, 0);
        self.write(ring + RING_TAIL, 0);
    }
}
