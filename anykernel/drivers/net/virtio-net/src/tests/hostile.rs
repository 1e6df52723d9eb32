//! Cards that break their word: each is named, taken down, and harms nobody.

use alloc::vec::Vec;

use base::Errno;
use net::Checksum;

use super::model::{ADDRESS, Manner, Network, WAYS, Way, config};
use super::{Host, frame, packet};

const MERGING: u64 = 1 << 5 | 1 << 15 | 1 << 16;

/// Boots, has frames go both ways, and holds the last line of the log against `why`.
fn is_detached(manner: Manner, features: u64, way: Way, why: &str) {
    let host = Host::boot(features, way, manner);
    host.network.deliver(&frame(1, 100));
    // The announcements at boot may have been enough.
    let _ = host.try_send(&[packet(1, 100)], Checksum::Present);
    sim::advance(1_000_000);
    let log = host.log();
    let said = log.lines().last().unwrap_or_default();
    assert!(said.contains("vnet0"), "{said}");
    assert!(said.contains(why), "{manner:?} {way:?}: {said}");
    assert!(
        said.ends_with("; the device is detached and the interface down"),
        "{said}"
    );
    assert!(!host.interface().is_up());
    // Nobody is hurt by going on.
    host.network.deliver(&frame(2, 100));
    let sent = host.try_send(&[packet(2, 100)], Checksum::Present);
    assert_eq!(sent, Err(Errno::ENETUNREACH));
    sim::advance(100_000_000);
    assert_eq!(host.log(), log);
    host.end();
}

#[test]
fn a_card_that_lies_about_buffers_is_detached() {
    for way in WAYS {
        let unknown = "it returned buffer 999, which it did not have";
        is_detached(Manner::UnknownBuffer, MERGING, way, unknown);
        is_detached(Manner::Length(5), MERGING, way, "less than a header");
        is_detached(Manner::Length(1 << 30), MERGING, way, "where fewer fit");
        is_detached(Manner::Buffers(0), MERGING, way, "a frame of 0 buffers");
        is_detached(
            Manner::Buffers(60_000),
            MERGING,
            way,
            "a frame of 60000 buffers",
        );
        is_detached(
            Manner::Buffers(3),
            MERGING,
            way,
            "a frame of 3 buffers and gave 1",
        );
        is_detached(Manner::Twice, MERGING, way, "which it did not have");
    }
}

#[test]
fn a_card_that_stops_sending_is_detached() {
    let host = Host::boot(MERGING, Way::Messages, Manner::Stuck);
    let packets: Vec<_> = (0..400).map(|number| packet(number, 20)).collect();
    host.send(&packets, Checksum::Present);
    sim::advance(4_000_000_000);
    assert!(host.interface().is_up());
    sim::advance(2_000_000_000);
    assert!(!host.interface().is_up());
    assert!(
        host.log().contains("vnet0: it has stopped sending"),
        "{}",
        host.log()
    );
    host.end();
}

#[test]
fn a_card_that_says_it_cannot_go_on_is_detached() {
    for way in WAYS {
        let host = Host::boot(MERGING, way, Manner::Honest);
        host.network.fail();
        sim::advance(1_000_000);
        assert!(
            host.log().contains("it says that it cannot go on"),
            "{way:?}"
        );
        assert!(!host.interface().is_up());
        host.end();
    }
}

#[test]
fn an_address_that_is_no_station_s_is_not_used() {
    for address in [[0; 6], [0xff; 6], [1, 0, 0, 0, 0, 1]] {
        sim::reset(1);
        let config = config(address, true);
        let _network = Network::plug_with(MERGING, Way::Messages, Manner::Honest, &config);
        let kernel = base::Kernel::boot(&super::SYSTEM, &base::Config::new()).unwrap();
        let log = kernel.instance().log_lines().concat();
        assert!(log.contains("vnet0, "), "{log}");
        assert!(
            !log.contains("ff:ff") && !log.contains("00:00:00:00:00:00"),
            "{log}"
        );
    }
    assert_ne!(ADDRESS, [0; 6]);
}
