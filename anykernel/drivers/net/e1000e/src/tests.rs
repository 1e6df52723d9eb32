//! Cards on the simulated platform: honest ones by message and by line, and others.

mod model;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Config, DeviceSpec, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use net::{Checksum, Frame, Interface, IpInfo, IpReceiver, Net, Reason};

use model::{Manner, Network};

static SYSTEM: System = System {
    name: "test",
    devices: &[DeviceSpec {
        component: "e1000e",
        bus: "pci",
        ids: &[0x8086, 0x10d3],
    }],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &::hardware::COMPONENT,
        &net::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[text("ip", "10.0.0.2/24"), text("gateway", "")],
};

const fn text(name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component: "net",
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

/// The protocol above: it keeps what it got.
struct Recorder(Leaf<Vec<Frame>>);

impl IpReceiver for Recorder {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, frame: Frame, _: IpInfo) {
        self.0.with(|all| all.push(frame));
    }

    fn settle(&self, _: &Lwp<'_>) {}
}

/// A kernel with a card, and the network on the other side of that.
struct Host {
    kernel: Kernel,
    net: Arc<Net>,
    recorder: Arc<Recorder>,
    network: Network,
}

impl Host {
    fn boot(messages: bool, manner: Manner) -> Self {
        sim::reset(1);
        let network = Network::plug(messages, manner);
        let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
        let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
        let recorder = Arc::new(Recorder(Leaf::new(Vec::new())));
        net.set_receiver(recorder.clone());
        let host = Host {
            kernel,
            net,
            recorder,
            network,
        };
        sim::advance(1_000_000);
        // Announcements are what every interface begins with.
        host.network.sent();
        host
    }

    fn interface(&self) -> Arc<Interface> {
        self.net.interface("em0").unwrap()
    }

    fn log(&self) -> String {
        self.kernel.instance().log_lines().concat()
    }

    /// Sends packets, as many as it takes.
    fn send(&self, packets: &[Vec<u8>]) {
        let _ = enter(self.kernel.process(), |lwp| {
            for packet in packets {
                self.net
                    .output(lwp, self.net.pool().copy_of(packet)?, None)?;
            }
            self.net.flush(lwp);
            Ok(())
        });
    }

    /// Packets that the protocol got since the last look, and what is known of their checksums.
    fn received(&self) -> Vec<(Vec<u8>, Checksum)> {
        let all = self.recorder.0.with(core::mem::take);
        let known = all.iter();
        known
            .map(|frame| (frame.payload().to_vec(), frame.checksum()))
            .collect()
    }

    /// Ends the kernel. The card must give everything back.
    fn end(self) {
        drop((self.net, self.kernel));
        assert_eq!(sim::devices::lent(), 0);
    }
}

/// A UDP packet to everybody on the network, with a number and `len` bytes in it.
fn packet(from: u8, number: u16, len: usize) -> Vec<u8> {
    let mut packet = alloc::vec![0x45, 0];
    packet.extend((28 + len as u16).to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, 255]);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([0, 9, 0, 9]);
    packet.extend((8 + len as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..len).map(|at| (at % 251) as u8));
    packet
}

fn frame(number: u16, len: usize) -> Vec<u8> {
    let mut frame = alloc::vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
    frame.extend(packet(9, number, len));
    frame
}

#[test]
fn frames_come_and_go_in_order_by_message_and_by_line() {
    for messages in [true, false] {
        let host = Host::boot(messages, Manner::Honest);
        assert_eq!(
            host.log(),
            "pci 0:0.0 8086:10d3: e1000e: em0, 52:54:00:12:34:57\n"
        );
        // More than the rings have entries.
        for number in 0..700 {
            host.network.deliver(&frame(number, 40));
        }
        let packets: Vec<_> = (0..700).map(|number| packet(2, number, 1000)).collect();
        host.send(&packets);
        sim::advance(100_000_000);
        let received = host.received();
        assert_eq!(received.len(), 700, "{messages}");
        for (number, (packet, checksum)) in received.iter().enumerate() {
            assert_eq!(packet[..], frame(number as u16, 40)[14..]);
            assert_eq!(*checksum, Checksum::Verified);
        }
        let sent = host.network.sent();
        assert_eq!(sent.len(), 700, "{messages}");
        for (frame, packet) in sent.iter().zip(&packets) {
            assert_eq!(frame[14..], packet[..]);
        }
        assert_eq!(host.interface().statistics().dropped_total(), 0);
        host.end();
    }
}

#[test]
fn a_descriptor_that_cannot_be_is_a_dropped_frame() {
    for manner in [
        Manner::Length(0),
        Manner::Length(13),
        Manner::Length(0xffff),
        Manner::Length(2049),
        // No end of a frame; an error of the frame.
        Manner::Status(1),
        Manner::Status(1 << 8 | 3),
    ] {
        let host = Host::boot(true, manner);
        host.network.deliver(&frame(1, 40));
        sim::advance(10_000_000);
        host.network.behave(Manner::Honest);
        host.network.deliver(&frame(2, 40));
        sim::advance(10_000_000);
        assert_eq!(host.received().len(), 1, "{manner:?}");
        let statistics = host.interface().statistics();
        assert_eq!(statistics.dropped(Reason::Malformed), 1, "{manner:?}");
        host.end();
    }
}

#[test]
fn a_checksum_that_the_card_finds_wrong_is_for_others_to_judge() {
    let host = Host::boot(true, Manner::Status(1 << 13 | 0x23));
    host.network.deliver(&frame(1, 40));
    sim::advance(10_000_000);
    assert_eq!(host.received()[0].1, Checksum::Present);
    host.end();
}

#[test]
fn the_link_s_state_is_told_and_waited_for() {
    for messages in [true, false] {
        let host = Host::boot(messages, Manner::Honest);
        host.network.set_link(false);
        sim::advance(1_000_000);
        assert!(!host.interface().has_carrier());
        let packets: Vec<_> = (0..400).map(|number| packet(2, number, 20)).collect();
        host.send(&packets);
        sim::advance(30_000_000_000);
        host.network.set_link(true);
        sim::advance(10_000_000_000);
        let log = host.log();
        let told: Vec<_> = log.lines().skip(1).collect();
        assert_eq!(told, ["em0: the link is down", "em0: the link is up"]);
        // With its two addresses, which are told of where the link is back.
        assert_eq!(host.network.sent().len(), 402);
        host.end();
    }
}

#[test]
fn a_card_that_stops_sending_is_detached() {
    let host = Host::boot(true, Manner::Stuck);
    let packets: Vec<_> = (0..400).map(|number| packet(2, number, 20)).collect();
    host.send(&packets);
    sim::advance(4_000_000_000);
    assert!(host.interface().is_up());
    sim::advance(2_000_000_000);
    assert!(!host.interface().is_up());
    assert!(
        host.log().contains("em0: it has stopped sending"),
        "{}",
        host.log()
    );
    host.end();
}

#[test]
fn a_card_that_vanishes_is_detached() {
    for messages in [true, false] {
        let host = Host::boot(messages, Manner::Honest);
        host.network.behave(Manner::Gone);
        let packets: Vec<_> = (0..400).map(|number| packet(2, number, 20)).collect();
        host.send(&packets);
        sim::advance(10_000_000_000);
        let log = host.log();
        assert!(log.contains("em0: it does not answer"), "{log}");
        assert!(!host.interface().is_up());
    }
}

#[test]
fn a_card_that_does_not_reset_is_said_to_be_so() {
    let host = sim_boot(Manner::NoReset);
    assert!(host.contains("e1000e: the card does not reset"), "{host}");
    let host = sim_boot(Manner::Gone);
    assert!(host.contains("e1000e: the card does not reset"), "{host}");
}

fn sim_boot(manner: Manner) -> String {
    sim::reset(1);
    let _network = Network::plug(true, manner);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    kernel.instance().log_lines().concat()
}
