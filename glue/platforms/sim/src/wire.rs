//! Cables. Everything that is plugged into a cable of one name gets a copy of what any other sends.

use std::collections::VecDeque;

use hypercall::{Bytes, LinkInfo, Offload, Segments, SegmentsMut, Upcall};

use crate::Platform;
use crate::card;
use crate::events::Event;
use crate::url::{self, BILLION, Properties};
use crate::world::{self, World};

/// The largest payload of a frame.
const MTU: u32 = 1500;
/// The same where long TCP segments go whole: an IPv6 packet without jumbo option.
const LONGEST: u32 = 65535 + 40;

/// A frame on its way.
pub(crate) struct Frame {
    bytes: Vec<u8>,
    offload: Offload,
}

/// One end of a cable.
pub(crate) struct Port {
    wire: String,
    properties: Properties,
    /// The cable is in two.
    cut: bool,
    waiting: VecDeque<Frame>,
    /// Whom to tell that frames wait.
    arrived: Option<Upcall>,
    /// They were told, and have not found the port empty since.
    told: bool,
}

impl World {
    fn plug(&mut self, wire: &str, properties: Properties, arrived: Option<Upcall>) -> u64 {
        let handle = self.new_handle();
        let port = Port {
            wire: wire.into(),
            properties,
            cut: false,
            waiting: VecDeque::new(),
            arrived,
            told: false,
        };
        self.ports.insert(handle, port);
        handle
    }

    /// Sends a frame on its way to every other port of the cable, as far as it can be left as it is, else
    /// as a network card would have made it.
    fn send(&mut self, from: u64, bytes: &[u8], offload: Offload) {
        let Some(sender) = self.ports.get(&from) else {
            return;
        };
        let Properties {
            latency,
            loss,
            reorder,
            ..
        } = sender.properties;
        let others = self
            .ports
            .iter()
            .filter(|(handle, port)| **handle != from && port.wire == sender.wire);
        for (port, receiver) in others {
            if loss > 0 && self.chance.next() % BILLION < loss {
                continue;
            }
            let asked = asks_for(&offload);
            let frames = match asked & !receiver.properties.offloads {
                0 => vec![Frame {
                    bytes: bytes.to_vec(),
                    offload,
                }],
                _ => {
                    let finished = card::finish(bytes, &offload).into_iter();
                    let offload = Offload::default();
                    finished.map(|bytes| Frame { bytes, offload }).collect()
                }
            };
            for frame in frames {
                let overtakes = reorder > 0 && self.chance.next() % BILLION < reorder;
                let takes = if overtakes { 0 } else { latency };
                let event = Event::Deliver { port: *port, frame };
                self.events.add(self.now.saturating_add(takes), event);
            }
        }
    }
}

/// What a frame asks for, as `LinkInfo::offloads` has it.
fn asks_for(offload: &Offload) -> u32 {
    let segments = match offload.segment_kind & !Offload::ECN {
        0 => 0,
        Offload::TCP4 => LinkInfo::TCP4,
        _ => LinkInfo::TCP6,
    };
    match offload.flags & Offload::NEEDS_CHECKSUM {
        0 => segments,
        _ => segments | LinkInfo::CHECKSUM,
    }
}

/// Puts a frame where the port's owner finds it; whom to tell.
pub(crate) fn deliver(world: &mut World, port: u64, frame: Frame) -> Option<Upcall> {
    let port = world.ports.get_mut(&port).filter(|port| !port.cut)?;
    port.waiting.push_back(frame);
    if std::mem::replace(&mut port.told, true) {
        return None;
    }
    port.arrived
}

impl hypercall::Frames for Platform {
    fn open(url: Bytes<'_>, info: &mut LinkInfo, arrived: Upcall) -> i64 {
        match url::parse(url.as_slice()) {
            Ok((wire, properties)) => {
                let cuts = properties.offloads & (LinkInfo::TCP4 | LinkInfo::TCP6) != 0;
                let mtu = match properties.mtu {
                    0 => MTU,
                    mtu => mtu,
                };
                *info = LinkInfo {
                    address: [0; 6],
                    medium: properties.medium,
                    mtu,
                    offloads: properties.offloads,
                    longest_sent: LONGEST,
                    longest_received: if cuts { LONGEST } else { mtu },
                };
                world::with(|world| world.plug(wire, properties, Some(arrived))) as i64
            }
            Err(error) => error.to_answer(),
        }
    }

    fn receive(link: u64, mut buffers: SegmentsMut<'_, '_>) -> usize {
        world::with(|world| {
            let Some(port) = world.ports.get_mut(&link) else {
                return 0;
            };
            let buffers = buffers.as_mut_slice();
            let mut filled = 0;
            while let Some(buffer) = buffers.get_mut(filled) {
                let Some(frame) = port.waiting.pop_front() else {
                    port.told = false;
                    break;
                };
                if let Some(room) = buffer.buffer().get_mut(..frame.bytes.len()) {
                    room.copy_from_slice(&frame.bytes);
                    buffer.set_len(frame.bytes.len());
                    buffer.set_offload(frame.offload);
                    filled += 1;
                }
            }
            filled
        })
    }

    fn transmit(link: u64, frames: Segments<'_, '_>) -> usize {
        let frames = frames.as_slice();
        if !<Platform as hypercall::Frames>::carrier(link) {
            return 0;
        }
        world::with(|world| {
            let offloads = world.ports.get(&link).map(|port| port.properties.offloads);
            for frame in frames {
                let asked = asks_for(&frame.offload());
                assert!(
                    asked & !offloads.unwrap_or(u32::MAX) == 0,
                    "sim: a frame asks for more than its link does: {:?}",
                    frame.offload()
                );
                world.send(link, frame.as_slice(), frame.offload());
            }
        });
        frames.len()
    }

    fn carrier(link: u64) -> bool {
        world::with(|world| world.ports.get(&link).is_some_and(|port| !port.cut))
    }

    fn close(link: u64) {
        world::with(|world| world.ports.remove(&link));
    }
}

/// An end of a cable in the hands of a test: what kernels on the cable send can be read, and
/// anything be sent to them.
pub struct Wire(u64);

impl Wire {
    /// Plugs into the cable of this name, which may have properties: `"a?latency=1ms"`.
    ///
    /// # Panics
    ///
    /// If the name is none.
    pub fn open(name: &str) -> Wire {
        let url = format!("wire:{name}");
        match url::parse(url.as_bytes()) {
            Ok((wire, properties)) => Wire(world::with(|world| world.plug(wire, properties, None))),
            Err(error) => {
                panic!("sim: {url}: {error}; a cable is named like wire:a?latency=1ms&loss=1%")
            }
        }
    }

    /// Cuts the cable in two: nothing passes, what is on its way is lost, and whoever is on it hears of that.
    pub fn cut(&self) {
        self.set_cut(true);
    }

    /// Makes it one again.
    pub fn mend(&self) {
        self.set_cut(false);
    }

    fn set_cut(&self, cut: bool) {
        let told: Vec<Upcall> = world::with(|world| {
            let wire = world.ports.get(&self.0).map(|port| port.wire.clone());
            let ports = world.ports.values_mut();
            ports
                .filter(|port| Some(&port.wire) == wire.as_ref())
                .filter_map(|port| {
                    port.cut = cut;
                    port.arrived
                })
                .collect()
        });
        for upcall in told {
            upcall.call();
        }
    }

    /// Sends a frame on its way. It arrives as time passes.
    pub fn send(&self, frame: &[u8]) {
        self.send_with(frame, Offload::default());
    }

    /// The same, with something said of the frame, be it true or not. Ports whose offloads do not allow
    /// for it get what a network card makes of it.
    pub fn send_with(&self, frame: &[u8], offload: Offload) {
        world::with(|world| world.send(self.0, frame, offload));
    }

    /// The next frame that has arrived. Lets no time pass.
    pub fn receive(&self) -> Option<Vec<u8>> {
        self.receive_with().map(|(bytes, _)| bytes)
    }

    /// The same, with what was said of the frame.
    pub fn receive_with(&self) -> Option<(Vec<u8>, Offload)> {
        let frame = world::with(|world| world.ports.get_mut(&self.0)?.waiting.pop_front())?;
        Some((frame.bytes, frame.offload))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        world::try_with(|world| world.ports.remove(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::{Errno, Frames, Segment};
    use std::cell::Cell;

    thread_local! {
        static ARRIVALS: Cell<u32> = const { Cell::new(0) };
    }

    extern "C-unwind" fn arrived(_: usize) {
        ARRIVALS.set(ARRIVALS.get() + 1);
    }

    fn open(url: &str) -> u64 {
        let mut info = LinkInfo::default();
        let answer = Platform::open(url.into(), &mut info, Upcall::new(arrived, 0));
        assert_eq!(info.mtu, MTU);
        Errno::check(answer).unwrap()
    }

    fn receive(link: u64, count: usize) -> Vec<Vec<u8>> {
        let mut rooms = vec![[0; 8]; count];
        let mut buffers: Vec<_> = rooms.iter_mut().map(|room| Segment::empty(room)).collect();
        let filled = Platform::receive(link, buffers.as_mut_slice().into());
        let filled = &buffers[..filled];
        filled
            .iter()
            .map(|buffer| buffer.as_slice().to_vec())
            .collect()
    }

    #[test]
    fn every_other_end_gets_a_copy_and_news_come_once() {
        let (a, b) = (open("wire:x"), Wire::open("x"));
        let elsewhere = Wire::open("y");
        b.send(b"one");
        b.send(b"far too long for it");
        b.send(b"two");
        assert_eq!(receive(a, 1), Vec::<Vec<u8>>::new());
        assert!(crate::run_until_idle(0));
        assert_eq!(ARRIVALS.get(), 1);
        assert_eq!(receive(a, 2), [b"one", b"two"]);
        // The last call filled all its buffers: the port may hold more, and nobody is told.
        b.send(b"three");
        assert!(crate::run_until_idle(0));
        assert_eq!(ARRIVALS.get(), 1);
        assert_eq!(receive(a, 2), [b"three"]);
        b.send(b"four");
        assert!(crate::run_until_idle(0));
        assert_eq!(ARRIVALS.get(), 2);
        let mut frame = *b"five";
        let frame: &[Segment<'_>] = &[Segment::full(&mut frame)];
        assert_eq!(Platform::transmit(a, frame.into()), 1);
        assert!(crate::run_until_idle(0));
        assert_eq!(b.receive().as_deref(), Some(&b"five"[..]));
        assert_eq!((b.receive(), elsewhere.receive()), (None, None));
        Platform::close(a);
    }

    #[test]
    fn nothing_passes_a_cable_that_is_cut_and_its_ends_hear_of_it() {
        let (a, b) = (open("wire:x"), Wire::open("x?latency=1us"));
        b.send(b"lost");
        b.cut();
        assert_eq!((ARRIVALS.get(), Platform::carrier(a)), (1, false));
        let mut frame = *b"refused";
        let frame: &[Segment<'_>] = &[Segment::full(&mut frame)];
        assert_eq!(Platform::transmit(a, frame.into()), 0);
        assert!(crate::run_until_idle(0) || crate::run_until_idle(2000));
        b.mend();
        assert_eq!((ARRIVALS.get(), Platform::carrier(a)), (2, true));
        b.send(b"passes");
        assert!(crate::run_until_idle(2000));
        assert_eq!(receive(a, 2), [b"passes"]);
        assert_eq!(Platform::transmit(a, frame.into()), 1);
        Platform::close(a);
        assert!(!Platform::carrier(a));
    }

    #[test]
    fn latency_and_loss_are_the_sender_s() {
        let (a, b) = (Wire::open("x?latency=2us&loss=50%"), Wire::open("x"));
        let start = crate::now();
        for number in 0..100u8 {
            a.send(&[number]);
        }
        crate::advance(1999);
        assert_eq!(b.receive(), None);
        crate::advance(1);
        assert_eq!(crate::now(), start + 2000);
        let got: Vec<_> = std::iter::from_fn(|| b.receive()).collect();
        assert!((25..75).contains(&got.len()), "{}", got.len());
        assert!(got.is_sorted());
        b.send(b"back");
        assert!(crate::run_until_idle(0));
        assert_eq!(a.receive().as_deref(), Some(&b"back"[..]));
    }
}
