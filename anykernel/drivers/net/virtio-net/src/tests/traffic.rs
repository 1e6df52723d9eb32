//! Frames in and out.

use alloc::vec::Vec;

use net::{Checksum, Reason};

use super::model::{Manner, WAYS, Way, config};
use super::{Host, frame, packet};

/// What QEMU's card offers.
const ALL: u64 = 1 | 2 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 11 | 1 << 12 | 1 << 15 | 1 << 16;

/// The least a card can offer.
const NOTHING: u64 = 0;

#[test]
fn frames_come_and_go_in_order_by_every_way() {
    for way in WAYS {
        for features in [ALL, NOTHING] {
            let host = Host::boot(features, way, Manner::Honest);
            // More than the queues have entries.
            for number in 0..700 {
                host.network.deliver(&frame(number, 40));
            }
            let packets: Vec<_> = (0..700).map(|number| packet(number, 1000)).collect();
            host.send(&packets, Checksum::Present);
            sim::advance(10_000_000);
            let received = host.received();
            assert_eq!(received.len(), 700, "{way:?}");
            for (number, (packet, _)) in received.iter().enumerate() {
                assert_eq!(packet[..], frame(number as u16, 40)[14..], "{way:?}");
            }
            let sent = host.network.sent();
            assert_eq!(sent.len(), 700, "{way:?}");
            for ((header, frame), packet) in sent.iter().zip(&packets) {
                assert_eq!(*header, [0; 12]);
                assert_eq!(frame[14..], packet[..]);
            }
            let statistics = host.interface().statistics();
            assert_eq!(statistics.dropped_total(), 0, "{statistics}");
            host.end();
        }
    }
}

#[test]
fn the_card_is_described() {
    let host = Host::boot(ALL | 1 << 3, Way::Messages, Manner::Honest);
    assert_eq!(
        host.log(),
        "pci 0:0.0 1af4:1041 virtio 1: virtio-net: vnet0, 52:54:00:12:34:56, mtu 1500, checksums, \
         long segments out, long segments in\n"
    );
    let host = Host::boot(NOTHING, Way::Edge, Manner::Honest);
    assert!(host.log().contains("virtio 1: virtio-net: vnet0, "));
    assert!(host.log().ends_with(", mtu 1500\n"));
    assert_eq!(host.interface().hardware_address()[0] & 3, 2);
}

#[test]
fn a_long_frame_comes_in_many_buffers() {
    let host = Host::boot(ALL, Way::Messages, Manner::Honest);
    for len in [1900, 1920 - 12 - 42, 1920 - 12 - 41, 20_000, 65_000] {
        let frame = frame(7, len);
        // Its checksum is left open.
        let header = [1, 0, 0, 0, 0, 0, 34, 0, 6, 0];
        host.network.deliver_with(header, &frame);
        host.network.deliver(&super::frame(8, 40));
        sim::advance(1_000_000);
        let received = host.received();
        assert_eq!(received.len(), 2, "{len}");
        assert!(received[0].0[..] == frame[14..]);
        let open = Checksum::Partial {
            start: 20,
            offset: 6,
        };
        assert_eq!(received[0].1, open);
        assert_eq!(received[1].1, Checksum::Present);
    }
    host.end();
}

#[test]
fn what_is_left_to_the_card_is_in_the_header() {
    let host = Host::boot(ALL, Way::Messages, Manner::Honest);
    let open = Checksum::Partial {
        start: 20,
        offset: 6,
    };
    host.send(&[packet(1, 100)], open);
    sim::advance(1_000_000);
    let [(header, _)] = host.network.sent()[..] else {
        panic!("one frame is sent");
    };
    assert_eq!(header, [1, 0, 0, 0, 0, 0, 34, 0, 6, 0, 0, 0]);
}

#[test]
fn what_a_header_says_must_be_true_of_the_frame() {
    let host = Host::boot(ALL, Way::Messages, Manner::Honest);
    // A checksum beyond the end; segments of no size; headers longer than the frame; an unknown kind.
    for header in [
        [1, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0],
        [1, 1, 0, 0, 0, 0, 34, 0, 6, 0],
        [1, 1, 0xff, 0xff, 1, 0, 34, 0, 6, 0],
        [1, 9, 0, 0, 1, 0, 34, 0, 6, 0],
    ] {
        host.network.deliver_with(header, &frame(1, 40));
    }
    host.network.deliver(&frame(2, 40));
    sim::advance(1_000_000);
    assert_eq!(host.received().len(), 1);
    let statistics = host.interface().statistics();
    assert_eq!(statistics.dropped(Reason::Malformed), 4);
    host.end();
}

#[test]
fn a_full_queue_is_waited_for_in_order() {
    for way in WAYS {
        let host = Host::boot(ALL, way, Manner::Stuck);
        let packets: Vec<_> = (0..900).map(|number| packet(number, 20)).collect();
        host.send(&packets, Checksum::Present);
        sim::advance(1_000_000_000);
        host.network.behave(Manner::Honest);
        sim::advance(10_000_000);
        let sent = host.network.sent();
        // In front are the announcements that the card had not taken either.
        let sent: Vec<_> = sent.iter().filter(|(_, frame)| frame.len() == 62).collect();
        assert_eq!(sent.len(), 900, "{way:?}");
        for ((_, frame), packet) in sent.into_iter().zip(&packets) {
            assert_eq!(frame[14..], packet[..]);
        }
        assert!(host.interface().is_up());
        host.end();
    }
}

#[test]
fn the_link_s_state_is_told() {
    for way in WAYS {
        let host = Host::boot(ALL, way, Manner::Honest);
        host.network
            .configure(&config(super::model::ADDRESS, false));
        sim::advance(1_000_000);
        assert!(!host.interface().has_carrier());
        host.network.configure(&config(super::model::ADDRESS, true));
        sim::advance(1_000_000);
        assert!(host.interface().has_carrier());
        let log = host.log();
        let told: Vec<_> = log.lines().skip(1).collect();
        let expected = ["vnet0: the link is down", "vnet0: the link is up"];
        assert_eq!(told, expected, "{way:?}");
    }
}

#[test]
fn without_memory_frames_wait_at_the_card() {
    let host = Host::boot(ALL, Way::Messages, Manner::Honest);
    let memory = host.kernel.instance().memory().clone();
    // Everything the pool may have, and everything it has.
    let charge = memory.charge(usize::MAX - memory.used()).unwrap();
    let mut hoard = Vec::new();
    while let Ok(frame) = host.net.pool().get(1500) {
        hoard.push(frame);
    }
    host.network.deliver(&frame(0, 30_000));
    for number in 0..1000 {
        host.network.deliver(&frame(number, 40));
    }
    sim::advance(100_000_000);
    let dropped = host.interface().statistics().dropped(Reason::NoMemory);
    assert_eq!(dropped, 1);
    let waiting = host.network.waiting();
    let received = host.received().len();
    assert_eq!(received + waiting, 1000);
    assert!(waiting > 700, "{waiting}");
    drop((charge, hoard));
    sim::advance(100_000_000);
    assert_eq!(host.received().len(), waiting);
    host.end();
}
