//! The device's side of a card, and the network behind it.

extern crate std;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::vec::Vec;

use sim::devices::Line;
use sim::devices::virtio::{Backend, Device, Port};

/// All ways to a card.
pub(super) const WAYS: [Way; 4] = [Way::Edge, Way::Level, Way::Line, Way::Messages];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    Edge,
    Level,
    Line,
    Messages,
}

/// How a card behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Manner {
    Honest,
    /// It takes no frames to send, until told otherwise.
    Stuck,
    /// Returns a receive buffer that it does not have.
    UnknownBuffer,
    /// Claims to have written so many bytes into a buffer.
    Length(u32),
    /// Claims that each frame has so many buffers.
    Buffers(u16),
    /// Returns a sent frame twice.
    Twice,
}

/// The address of the card.
pub(super) const ADDRESS: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

/// Nanoseconds between two looks at the inbox.
const TURN: u64 = 50_000;

struct Inner {
    manner: Manner,
    /// Frames on their way in, with their headers.
    inbox: VecDeque<([u8; 10], Vec<u8>)>,
    /// Frames that were sent, with their headers.
    sent: Vec<([u8; 12], Vec<u8>)>,
    config: Option<Vec<u8>>,
    fails: bool,
}

/// The network behind a card.
pub(super) struct Network(Rc<RefCell<Inner>>);

struct Card {
    inner: Rc<RefCell<Inner>>,
    turning: bool,
    merging: bool,
}

pub(super) fn config(address: [u8; 6], up: bool) -> Vec<u8> {
    let mut config = address.to_vec();
    config.extend([u8::from(up), 0, 1, 0, 0xdc, 5]);
    config
}

impl Network {
    pub(super) fn plug(features: u64, way: Way, manner: Manner) -> Self {
        let config = config(ADDRESS, true);
        Network::plug_with(features, way, manner, &config)
    }

    pub(super) fn plug_with(features: u64, way: Way, manner: Manner, config: &[u8]) -> Self {
        let inner = Rc::new(RefCell::new(Inner {
            manner,
            inbox: VecDeque::new(),
            sent: Vec::new(),
            config: None,
            fails: false,
        }));
        let device = Device::new(1, features, config, &[256, 256]);
        let card = Card {
            inner: inner.clone(),
            turning: false,
            merging: features & 1 << 15 != 0,
        };
        match way {
            Way::Edge => device.plug(Line::Edge, card),
            Way::Level => device.plug(Line::Level, card),
            Way::Line => device.plug_pci(0, card),
            Way::Messages => device.plug_pci(3, card),
        }
        Network(inner)
    }

    /// Sends a frame to the card.
    pub(super) fn deliver(&self, frame: &[u8]) {
        self.deliver_with([0; 10], frame);
    }

    pub(super) fn deliver_with(&self, header: [u8; 10], frame: &[u8]) {
        let mut inner = self.0.borrow_mut();
        inner.inbox.push_back((header, frame.to_vec()));
    }

    /// Frames that the card sent since the last look.
    pub(super) fn sent(&self) -> Vec<([u8; 12], Vec<u8>)> {
        std::mem::take(&mut self.0.borrow_mut().sent)
    }

    /// Frames that have not got in.
    pub(super) fn waiting(&self) -> usize {
        self.0.borrow().inbox.len()
    }

    pub(super) fn behave(&self, manner: Manner) {
        self.0.borrow_mut().manner = manner;
    }

    pub(super) fn configure(&self, config: &[u8]) {
        self.0.borrow_mut().config = Some(config.to_vec());
    }

    pub(super) fn fail(&self) {
        self.0.borrow_mut().fails = true;
    }
}

impl Backend for Card {
    fn notified(&mut self, port: &mut Port<'_, '_>, queue: usize) {
        if !core::mem::replace(&mut self.turning, true) {
            port.later(TURN, 0);
        }
        if queue == 1 {
            self.send(port);
        }
    }

    fn elapsed(&mut self, port: &mut Port<'_, '_>, _: u64) {
        port.later(TURN, 0);
        if let Some(config) = self.inner.borrow_mut().config.take() {
            port.configure(&config);
        }
        if self.inner.borrow().fails {
            port.fail();
        }
        self.send(port);
        while self.receive(port) {}
    }
}

impl Card {
    fn send(&mut self, port: &mut Port<'_, '_>) {
        let manner = self.inner.borrow().manner;
        if manner == Manner::Stuck {
            return;
        }
        while let Some(chain) = port.next(1) {
            let bytes = chain.read(port.bus);
            let (header, frame) = bytes.split_first_chunk().expect("a header");
            let mut inner = self.inner.borrow_mut();
            inner.sent.push((*header, frame.to_vec()));
            drop(inner);
            port.used(1, chain.head, 0);
            if manner == Manner::Twice {
                port.used(1, chain.head, 0);
                port.interrupt(1);
            }
        }
    }

    /// Lets a frame in, if there is one and room for it.
    fn receive(&mut self, port: &mut Port<'_, '_>) -> bool {
        let manner = self.inner.borrow().manner;
        let Some((header, frame)) = self.inner.borrow_mut().inbox.pop_front() else {
            return false;
        };
        let mut chains = Vec::new();
        let mut room = 0;
        while room < 12 + frame.len() {
            let Some(chain) = port.next(0) else {
                assert!(chains.is_empty(), "the model waits for whole frames");
                self.inner.borrow_mut().inbox.push_front((header, frame));
                return false;
            };
            room += chain.room();
            chains.push(chain);
            if !self.merging {
                break;
            }
        }
        let count = match manner {
            Manner::Buffers(count) => count,
            _ => chains.len() as u16,
        };
        let mut bytes = header.to_vec();
        bytes.extend(count.to_le_bytes());
        bytes.extend(&frame);
        let mut rest = &bytes[..];
        for chain in chains {
            let written = chain.write(port.bus, rest);
            rest = &rest[written as usize..];
            match manner {
                Manner::UnknownBuffer => port.used(0, 999, written),
                Manner::Length(len) => port.used(0, chain.head, len),
                _ => port.used(0, chain.head, written),
            }
        }
        true
    }
}
