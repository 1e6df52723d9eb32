//! A model of the card, as far as the driver uses it.

extern crate std;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::vec::Vec;

use sim::devices::pci::Function;
use sim::devices::{Bus, Model};

use crate::registers::*;

/// How a card behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Manner {
    Honest,
    /// It sends nothing.
    Stuck,
    /// It never ends a reset.
    NoReset,
    /// Nobody answers.
    Gone,
    /// It says that received frames have this length.
    Length(u16),
    /// It says this of received frames.
    Status(u32),
}

const ADDRESS: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x57];

/// Nanoseconds between two looks at the inbox.
const TURN: u64 = 50_000;

struct Inner {
    manner: Manner,
    inbox: VecDeque<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    link: bool,
    link_changed: bool,
}

/// The network behind a card.
pub(super) struct Network(Rc<RefCell<Inner>>);

struct Card {
    inner: Rc<RefCell<Inner>>,
    messages: bool,
    registers: BTreeMap<usize, u32>,
    icr: u32,
    mask: u32,
    turning: bool,
}

impl Network {
    pub(super) fn plug(messages: bool, manner: Manner) -> Self {
        let inner = Rc::new(RefCell::new(Inner {
            manner,
            inbox: VecDeque::new(),
            sent: Vec::new(),
            link: true,
            link_changed: false,
        }));
        let mut function = Function::new(0x8086, 0x10d3).bar(0, 0x2_0000);
        if messages {
            function = function.messages(5);
        }
        function.plug(Card {
            inner: inner.clone(),
            messages,
            registers: BTreeMap::new(),
            icr: 0,
            mask: 0,
            turning: false,
        });
        Network(inner)
    }

    pub(super) fn deliver(&self, frame: &[u8]) {
        self.0.borrow_mut().inbox.push_back(frame.to_vec());
    }

    pub(super) fn sent(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.borrow_mut().sent)
    }

    pub(super) fn behave(&self, manner: Manner) {
        self.0.borrow_mut().manner = manner;
    }

    pub(super) fn set_link(&self, up: bool) {
        let mut inner = self.0.borrow_mut();
        inner.link = up;
        inner.link_changed = true;
    }
}

impl Model for Card {
    fn read(&mut self, bus: &mut Bus<'_>, _: usize, offset: u64, _: u32) -> u64 {
        if self.manner() == Manner::Gone {
            return u64::MAX;
        }
        let value = match offset as usize {
            STATUS => u32::from(self.inner.borrow().link) << 1,
            ICR => {
                let causes = self.icr;
                if !self.messages {
                    self.icr = 0;
                    bus.level(false);
                }
                causes
            }
            register => self.register(register),
        };
        value.into()
    }

    fn write(&mut self, bus: &mut Bus<'_>, _: usize, offset: u64, _: u32, value: u64) {
        let value = value as u32;
        match offset as usize {
            CTRL if value & CTRL_RESET != 0 => self.reset(bus),
            ICR => self.icr &= !value,
            IMS => {
                self.mask |= value;
                self.interrupt(bus, 0);
            }
            IMC => self.mask &= !value,
            register => {
                self.registers.insert(register, value);
            }
        }
        if offset as usize == SEND_RING + RING_TAIL {
            self.send(bus);
        }
        if offset as usize == RECEIVE_RING + RING_TAIL && !self.turning {
            self.turning = true;
            bus.later(TURN, 0);
        }
    }

    fn elapsed(&mut self, bus: &mut Bus<'_>, _: u64) {
        bus.later(TURN, 0);
        if std::mem::take(&mut self.inner.borrow_mut().link_changed) {
            self.interrupt(bus, CAUSE_LINK | CAUSE_OTHER);
        }
        if self.manner() == Manner::Gone {
            // A last sign of life.
            self.interrupt(bus, CAUSE_OTHER);
            return;
        }
        self.send(bus);
        while self.receive(bus) {}
    }
}

impl Card {
    fn manner(&self) -> Manner {
        self.inner.borrow().manner
    }

    fn register(&self, register: usize) -> u32 {
        self.registers.get(&register).copied().unwrap_or(0)
    }

    fn reset(&mut self, bus: &mut Bus<'_>) {
        self.registers.clear();
        self.mask = 0;
        self.icr = 0;
        bus.level(false);
        if self.manner() == Manner::NoReset {
            self.registers.insert(CTRL, CTRL_RESET);
        }
        let [a, b, c, d, e, f] = ADDRESS;
        self.registers
            .insert(RAL0, u32::from_le_bytes([a, b, c, d]));
        self.registers
            .insert(RAH0, u32::from_le_bytes([e, f, 0, 0]) | RAH_VALID);
    }

    fn interrupt(&mut self, bus: &mut Bus<'_>, causes: u32) {
        self.icr |= causes;
        if self.icr & self.mask == 0 {
            return;
        }
        if self.messages {
            assert_eq!(self.register(IVAR), IVAR_ALL);
            bus.message(0);
        } else {
            bus.level(true);
        }
    }

    /// Address and number of entries of a ring, its head and its tail.
    fn ring(&self, ring: usize) -> (u64, u32, u32, u32) {
        let address = u64::from(self.register(ring + RING_LOW))
            | u64::from(self.register(ring + RING_HIGH)) << 32;
        let entries = self.register(ring + RING_LENGTH) / 16;
        let (head, tail) = (ring + RING_HEAD, ring + RING_TAIL);
        (address, entries, self.register(head), self.register(tail))
    }

    fn send(&mut self, bus: &mut Bus<'_>) {
        let silent = matches!(self.manner(), Manner::Stuck | Manner::Gone);
        if silent || !self.inner.borrow().link || self.register(TCTL) & TCTL_ENABLE == 0 {
            return;
        }
        let mut any = false;
        loop {
            let (ring, entries, head, tail) = self.ring(SEND_RING);
            if head == tail {
                break;
            }
            let place = ring + 16 * u64::from(head);
            let mut entry = [0; 16];
            bus.load(place, &mut entry);
            let buffer = u64::from_le_bytes(entry[..8].try_into().unwrap());
            let length = u16::from_le_bytes([entry[8], entry[9]]);
            assert_eq!(entry[11], 0b1011, "end, checksum, report");
            let mut frame = std::vec![0; length.into()];
            bus.load(buffer, &mut frame);
            self.inner.borrow_mut().sent.push(frame);
            bus.store(place + 12, &[1]);
            self.registers
                .insert(SEND_RING + RING_HEAD, (head + 1) % entries);
            any = true;
        }
        if any {
            self.interrupt(bus, CAUSE_SENT | CAUSE_SEND_QUEUE);
        }
    }

    fn receive(&mut self, bus: &mut Bus<'_>) -> bool {
        let (ring, entries, head, tail) = self.ring(RECEIVE_RING);
        if head == tail || self.register(RCTL) & RCTL_ENABLE == 0 {
            return false;
        }
        let Some(frame) = self.inner.borrow_mut().inbox.pop_front() else {
            return false;
        };
        let place = ring + 16 * u64::from(head);
        let mut entry = [0; 16];
        bus.load(place, &mut entry);
        bus.store(u64::from_le_bytes(entry[..8].try_into().unwrap()), &frame);
        let length = match self.manner() {
            Manner::Length(length) => length,
            _ => frame.len() as u16,
        };
        let status = match self.manner() {
            Manner::Status(status) => status,
            // Done, the end, and both checksums are good.
            _ => 0b0110_0011,
        };
        bus.store(place + 8, &length.to_le_bytes());
        bus.store(place + 12, &status.to_le_bytes());
        self.registers
            .insert(RECEIVE_RING + RING_HEAD, (head + 1) % entries);
        self.interrupt(bus, CAUSE_RECEIVED | CAUSE_RECEIVE_QUEUE);
        true
    }
}
