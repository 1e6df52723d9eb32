use alloc::vec::Vec;

use super::*;
use crate::testing::{Attached, Host, Numbers, boot, ethernet, packet, packet_with};

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn host() -> (Host, Attached) {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24", "fd00::2/64"]);
    (host, link)
}

fn feed(host: &Host, link: &Attached, packet: &[u8]) {
    let us = link.interface.hardware_address();
    let kind = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    host.feed(link, &ethernet(us, PEER, kind, packet));
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// A piece of `all` as an IPv4 fragment.
fn piece(all: &[u8], identification: u16, range: core::ops::Range<usize>) -> Vec<u8> {
    let more = if range.end < all.len() { 0x2000 } else { 0 };
    let field = more | (range.start / 8) as u16;
    packet_with(
        "10.0.0.9",
        "10.0.0.2",
        17,
        identification,
        field,
        &all[range],
    )
}

fn piece6(all: &[u8], identification: u32, range: core::ops::Range<usize>) -> Vec<u8> {
    let more = u16::from(range.end < all.len());
    let mut bytes = alloc::vec![17, 0];
    bytes.extend((range.start as u16 | more).to_be_bytes());
    bytes.extend(identification.to_be_bytes());
    bytes.extend(&all[range]);
    packet("fd00::9", "fd00::2", 44, &bytes)
}

fn idle(host: &Host) -> bool {
    host.net
        .reassembly
        .with(|r| r.datagrams.is_empty() && r.memory == 0)
}

#[test]
fn pieces_in_any_order_make_the_packet() {
    let (host, link) = host();
    let all = data(4000);
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        for index in order {
            assert!(host.received().is_empty());
            feed(
                &host,
                &link,
                &piece(&all, 7, index * 1480..4000.min(index * 1480 + 1480)),
            );
        }
        let received = host.received();
        assert_eq!(received.len(), 1);
        assert_eq!(
            received[0].0,
            packet_with("10.0.0.9", "10.0.0.2", 17, 7, 0, &all)
        );
        assert!(idle(&host));
        for index in order {
            feed(
                &host,
                &link,
                &piece6(&all, 7, index * 1448..4000.min(index * 1448 + 1448)),
            );
        }
        let received = host.received();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].0, packet("fd00::9", "fd00::2", 17, &all));
        assert_eq!(
            (received[0].1.protocol, received[0].1.payload_offset),
            (17, 40)
        );
    }
    assert_eq!(link.interface.statistics().dropped_total(), 0);
}

#[test]
fn a_piece_that_comes_twice_does_no_harm() {
    let (host, link) = host();
    let all = data(3000);
    for range in [0..1480, 0..1480, 1480..2960, 2960..3000] {
        feed(&host, &link, &piece(&all, 7, range));
    }
    assert_eq!(host.received().len(), 1);
    assert!(idle(&host));
}

#[test]
fn overlaps_spoil_the_datagram_and_what_comes_later() {
    let (host, link) = host();
    let all = data(3000);
    for range in [0..1480, 1472..2952, 1480..2960, 2960..3000, 0..1480] {
        feed(&host, &link, &piece(&all, 7, range));
    }
    assert!(host.received().is_empty());
    assert_eq!(link.interface.statistics().dropped(Reason::Fragment), 5);
    // Another datagram is none the worse.
    feed(&host, &link, &piece(&all, 8, 0..1480));
    feed(&host, &link, &piece(&all, 8, 1480..3000));
    assert_eq!(host.received().len(), 1);
}

#[test]
fn ends_that_contradict_each_other_are_refused() {
    let (host, link) = host();
    let all = data(3000);
    feed(&host, &link, &piece(&all, 7, 1480..3000));
    feed(&host, &link, &piece(&all[..2000], 7, 1480..2000));
    feed(&host, &link, &piece(&all, 7, 0..1480));
    assert!(host.received().is_empty());
    // Beyond the longest packet: the "ping of death".
    let beyond = packet_with("10.0.0.9", "10.0.0.2", 1, 9, 0x1fff, &[0; 1400]);
    feed(&host, &link, &beyond);
    feed(
        &host,
        &link,
        &packet_with("10.0.0.9", "10.0.0.2", 1, 9, 0x2000, &[0; 11]),
    );
    assert_eq!(link.interface.statistics().dropped(Reason::Fragment), 5);
}

#[test]
fn what_stays_incomplete_is_given_up() {
    let (host, link) = host();
    let all = data(3000);
    feed(&host, &link, &piece(&all, 7, 0..1480));
    feed(&host, &link, &piece6(&all, 7, 0..1448));
    sim::advance(31_000_000_000);
    assert_eq!(link.interface.statistics().dropped(Reason::Fragment), 1);
    sim::advance(30_000_000_000);
    assert_eq!(link.interface.statistics().dropped(Reason::Fragment), 2);
    assert!(idle(&host));
    assert!(sim::run_until_idle(u64::MAX / 2));
}

#[test]
fn a_bomb_of_fragments_takes_bounded_memory() {
    let (host, link) = host();
    let all = data(65000);
    let mut numbers = Numbers(3);
    for _ in 0..20_000 {
        let at = numbers.below(8000) * 8;
        let identification = numbers.draw() as u16;
        feed(&host, &link, &piece(&all, identification, at..at + 8));
        let (datagrams, memory) = host.net.reassembly.with(|r| (r.datagrams.len(), r.memory));
        assert!(datagrams <= MOST_DATAGRAMS && memory <= MOST_MEMORY);
    }
    for at in 0..1000 {
        feed(&host, &link, &piece(&all, 7, at * 16..at * 16 + 8));
    }
    host.received();
    feed(&host, &link, &piece(&all[..2000], 8, 0..1480));
    feed(&host, &link, &piece(&all[..2000], 8, 1480..2000));
    assert_eq!(host.received().len(), 1);
    sim::advance(61_000_000_000);
    assert!(idle(&host));
}

/// Cut up at random, shuffled, some of it twice: it comes out whole or not at all.
#[test]
fn whatever_comes_out_is_what_went_in() {
    let (host, link) = host();
    let mut numbers = Numbers(11);
    for round in 0..300u16 {
        let all = data(1 + numbers.below(20_000));
        let mut cuts: Vec<usize> = (0..numbers.below(12))
            .map(|_| numbers.below(all.len().div_ceil(8)) * 8)
            .filter(|cut| *cut > 0)
            .collect();
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces: Vec<Vec<u8>> = cuts
            .windows(2)
            .flat_map(|cut| {
                (cut[0]..cut[1])
                    .step_by(1480)
                    .map(move |at| at..cut[1].min(at + 1480))
            })
            .map(|range| piece(&all, round, range))
            .collect();
        for index in 0..pieces.len() {
            let other = numbers.below(pieces.len());
            pieces.swap(index, other);
        }
        let twice = pieces[numbers.below(pieces.len())].clone();
        pieces.insert(0, twice);
        for piece in &pieces {
            feed(&host, &link, piece);
        }
        let whole = packet_with("10.0.0.9", "10.0.0.2", 17, round, 0, &all);
        let received = host.received();
        assert!(
            !received.is_empty(),
            "round {round}: {} pieces",
            pieces.len()
        );
        assert!(received.iter().all(|(packet, _)| *packet == whole));
    }
}

#[test]
fn a_fragment_header_for_nothing_is_taken_off() {
    let (host, link) = host();
    feed(&host, &link, &piece6(b"alone", 7, 0..5));
    let received = host.received();
    assert_eq!(received[0].0, packet("fd00::9", "fd00::2", 17, b"alone"));
}

#[test]
fn what_we_cut_up_fits_the_link_and_comes_together_again() {
    let (host, link) = host();
    host.in_kernel(|lwp, net| {
        for address in ["10.0.0.9", "fd00::9"] {
            let address = address.parse().unwrap();
            net.learn(lwp, &link.interface, address, Some(PEER), true);
        }
    });
    let all = data(4000);
    for (src, dst) in [("10.0.0.2", "10.0.0.9"), ("fd00::2", "fd00::9")] {
        host.send(&packet(src, dst, 17, &all)).unwrap();
        let sent = link.sent();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|frame| frame.len() <= 1514));
        // The other side, with the addresses the other way round.
        let other = boot();
        let end = other.ethernet("virt", &["10.0.0.9/24", "fd00::9/64"]);
        for frame in &sent {
            feed(&other, &end, &frame[14..]);
        }
        let received = other.received();
        assert_eq!(received.len(), 1, "{src}");
        let offset = received[0].1.payload_offset;
        assert_eq!(received[0].0[offset..], all[..]);
    }
}
