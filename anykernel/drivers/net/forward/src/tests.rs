use alloc::vec::Vec;

use base::System;
use hypercall::Offload;
use net::Reason;
use net::testing::{
    Attached, Host, PARAMS, arp, boot_system, ethernet, icmpv6, packet, packet_with,
};
use smoltcp::wire::Ipv4Packet;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

const LEFT: [u8; 6] = [2, 0, 0, 0, 0, 1];
const RIGHT: [u8; 6] = [2, 0, 0, 0, 0, 2];
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// A router between 10.1.0.0/24, fd01::/64 and 10.2.0.0/24, fd02::/64, which knows the host 9 on each side.
fn router() -> (Host, Attached, Attached) {
    let host = boot_system(&SYSTEM, &[]);
    let left = host.ethernet("left", &["10.1.0.1/24", "fd01::1/64"]);
    let right = host.ethernet("right", &["10.2.0.1/24", "fd02::1/64"]);
    for (link, station, v4, v6) in [
        (
            &left,
            LEFT,
            ["10.1.0.9", "10.1.0.1"],
            ["fd01::9", "fd01::1"],
        ),
        (
            &right,
            RIGHT,
            ["10.2.0.9", "10.2.0.1"],
            ["fd02::9", "fd02::1"],
        ),
    ] {
        let us = link.interface.hardware_address();
        let question = arp(1, station, v4[0], [0; 6], v4[1]);
        host.feed(link, &ethernet([0xff; 6], station, 0x0806, &question));
        host.feed(
            link,
            &ethernet(us, station, IPV6, &solicitation(station, v6)),
        );
        link.sent();
    }
    (host, left, right)
}

/// A neighbour solicitation, by which the asker is known.
fn solicitation(station: [u8; 6], [from, to]: [&str; 2]) -> Vec<u8> {
    let target: core::net::Ipv6Addr = to.parse().unwrap();
    let mut message = alloc::vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    message.extend([1, 1]);
    message.extend(station);
    icmpv6(from, to, &message)
}

/// Has a packet arrive from the left, and returns what leaves on either side, without link headers.
fn pass(
    (host, left, right): &(Host, Attached, Attached),
    packet: &[u8],
) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let us = left.interface.hardware_address();
    let kind = if packet[0] >> 4 == 4 { IPV4 } else { IPV6 };
    host.feed(left, &ethernet(us, LEFT, kind, packet));
    let sent = |link: &Attached| {
        link.sent()
            .iter()
            .map(|frame| frame[14..].to_vec())
            .collect()
    };
    (sent(left), sent(right))
}

#[test]
fn packets_for_others_go_on_with_a_hop_less() {
    let net = router();
    let (back, on) = pass(&net, &packet("10.1.0.9", "10.2.0.9", 17, b"datagram"));
    assert!(back.is_empty());
    let header = Ipv4Packet::new_checked(&on[0][..]).unwrap();
    assert_eq!(header.hop_limit(), 63);
    assert!(header.verify_checksum());
    assert_eq!(&on[0][20..], b"datagram");
    let (back, on) = pass(&net, &packet("fd01::9", "fd02::9", 17, b"datagram"));
    assert!(back.is_empty());
    assert_eq!((on[0][7], &on[0][40..]), (63, &b"datagram"[..]));
}

#[test]
fn header_checksums_stay_right_for_every_hop_limit() {
    let net = router();
    for identification in [0, 0x00ff, 0x7fff, 0xfe00, 0xffff] {
        for limit in 2..=255u8 {
            let mut packet = packet_with("10.1.0.9", "10.2.0.9", 17, identification, 0, b"x");
            packet[8] = limit;
            Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
            let (_, on) = pass(&net, &packet);
            assert!(Ipv4Packet::new_unchecked(&on[0][..]).verify_checksum());
        }
    }
}

#[test]
fn a_packet_at_its_last_hop_is_complained_about() {
    let net = router();
    let mut last = packet("10.1.0.9", "10.2.0.9", 17, b"port and port");
    last[8] = 1;
    Ipv4Packet::new_unchecked(&mut last[..]).fill_checksum();
    let (back, on) = pass(&net, &last);
    assert!(on.is_empty());
    assert_eq!(&back[0][12..20], &[10, 1, 0, 1, 10, 1, 0, 9]);
    assert_eq!((back[0][20], back[0][21]), (11, 0));
    assert_eq!(&back[0][28..], &last[..]);
    let mut last = packet("fd01::9", "fd02::9", 17, b"port and port");
    last[7] = 1;
    let (back, on) = pass(&net, &last);
    assert!(on.is_empty());
    assert_eq!((back[0][40], back[0][41]), (3, 0));
    assert_eq!(&back[0][48..], &last[..]);
    assert_eq!(net.1.interface.statistics().dropped(Reason::HopLimit), 2);
}

#[test]
fn what_has_no_way_is_complained_about() {
    let net = router();
    let (back, on) = pass(&net, &packet("10.1.0.9", "8.8.8.8", 17, b"x"));
    assert!(on.is_empty());
    assert_eq!((back[0][20], back[0][21]), (3, 0));
    let (back, _) = pass(&net, &packet("fd01::9", "2001:db8::9", 17, b"x"));
    assert_eq!((back[0][40], back[0][41]), (1, 0));
    // An error is no reason for another.
    let (back, _) = pass(&net, &packet("10.1.0.9", "8.8.8.8", 1, &[3, 0, 0, 0]));
    assert!(back.is_empty());
}

#[test]
fn who_does_not_answer_is_complained_about() {
    let net = router();
    let silent = packet("10.1.0.9", "10.2.0.77", 17, b"x");
    pass(&net, &silent);
    sim::advance(10_000_000_000);
    let errors: Vec<_> = net.1.sent();
    let error = errors.iter().find(|frame| frame[14 + 9] == 1).unwrap();
    assert_eq!((error[14 + 20], error[14 + 21]), (3, 1));
}

#[test]
fn what_is_of_the_link_stays_there() {
    let net = router();
    for dst in [
        "224.0.0.251",
        "255.255.255.255",
        "10.2.0.255",
        "169.254.1.1",
    ] {
        let (_, on) = pass(&net, &packet("10.1.0.9", dst, 17, b"x"));
        assert!(on.is_empty(), "{dst}");
    }
    let (_, on) = pass(&net, &packet("fe80::9", "fd02::9", 17, b"x"));
    assert!(on.is_empty());
    // What was sent to all stations is for none.
    let frame = ethernet(
        [0xff; 6],
        LEFT,
        IPV4,
        &packet("10.1.0.9", "10.2.0.9", 17, b"x"),
    );
    net.0.feed(&net.1, &frame);
    assert!(net.2.sent().is_empty());
}

#[test]
fn too_long_packets_are_cut_up_or_complained_about() {
    let net = router();
    let long = alloc::vec![7; 3000];
    let may = packet("10.1.0.9", "10.2.0.9", 17, &long);
    let (back, on) = pass(&net, &may);
    assert!(back.is_empty());
    assert_eq!(on.len(), 3);
    let data: Vec<u8> = on.iter().flat_map(|piece| piece[20..].to_vec()).collect();
    assert_eq!(data, long);

    let must_not = packet_with("10.1.0.9", "10.2.0.9", 17, 0, 0x4000, &long);
    let (back, on) = pass(&net, &must_not);
    assert!(on.is_empty());
    assert_eq!((back[0][20], back[0][21]), (3, 4));
    assert_eq!(back[0][26..28], 1500u16.to_be_bytes());
    let (back, on) = pass(&net, &packet("fd01::9", "fd02::9", 17, &long));
    assert!(on.is_empty());
    assert_eq!((back[0][40], back[0][41]), (2, 0));
    assert_eq!(back[0][44..48], 1500u32.to_be_bytes());
    assert!(back[0].len() <= 1280);
}

#[test]
fn fragments_go_on_as_they_are() {
    let net = router();
    let piece = packet_with("10.1.0.9", "10.2.0.9", 17, 77, 0x2000, &[1; 800]);
    let (_, on) = pass(&net, &piece);
    assert_eq!(on[0][20..], piece[20..]);
    assert_eq!(on[0][4..8], piece[4..8]);
}

#[test]
fn a_long_segment_goes_on_in_segments_with_their_checksums() {
    let (host, left, right) = router();
    let mut segment = alloc::vec![0; 20];
    segment[12] = 0x50;
    segment.extend((0..4000u32).map(|n| n as u8));
    let whole = packet("10.1.0.9", "10.2.0.9", 6, &segment);
    host.in_kernel(|lwp, net| {
        let us = left.interface.hardware_address();
        let mut frame = net
            .pool()
            .copy_of(&ethernet(us, LEFT, IPV4, &whole))
            .unwrap();
        let offload = Offload {
            flags: Offload::NEEDS_CHECKSUM,
            checksum_start: 34,
            checksum_offset: 16,
            segment_kind: Offload::TCP4,
            segment_size: 1460,
            header_len: 54,
        };
        frame.set_offload(&offload).unwrap();
        net.receive(lwp, &left.interface, &mut alloc::vec![frame]);
        net.settle(lwp);
    });
    let on = right.sent();
    assert_eq!(on.len(), 3);
    let data: Vec<u8> = on.iter().flat_map(|frame| frame[54..].to_vec()).collect();
    assert_eq!(data, segment[20..]);
}
