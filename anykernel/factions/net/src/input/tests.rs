use alloc::vec::Vec;

use crate::Reason;
use crate::testing::{Attached, Host, Numbers, arp, boot, ethernet, icmpv6, packet, packet_with};

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

fn host() -> (Host, Attached) {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24", "fd00::2/64"]);
    (host, link)
}

/// Feeds a packet in a frame to our address.
fn feed(host: &Host, link: &Attached, kind: u16, packet: &[u8]) {
    let us = link.interface.hardware_address();
    host.feed(link, &ethernet(us, PEER, kind, packet));
}

#[test]
fn a_packet_gets_to_the_protocol_without_its_padding() {
    let (host, link) = host();
    let packet4 = packet("10.0.0.9", "10.0.0.2", 17, b"datagram");
    let mut padded = packet4.clone();
    padded.extend([0xee; 20]);
    feed(&host, &link, IPV4, &padded);
    let packet6 = packet("fd00::9", "fd00::2", 17, b"datagram");
    feed(&host, &link, IPV6, &packet6);
    let received = host.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].0, packet4);
    assert_eq!(
        (received[0].1.protocol, received[0].1.payload_offset),
        (17, 20)
    );
    assert_eq!(received[1].0, packet6);
    assert_eq!(
        (received[1].1.protocol, received[1].1.payload_offset),
        (17, 40)
    );
    assert!(!received[0].1.to_many);
    assert_eq!(link.interface.statistics().dropped_total(), 0);
    assert_eq!(link.interface.statistics().rx_frames, 2);
}

#[test]
fn what_is_not_for_us_is_counted() {
    let (host, link) = host();
    let drops = |reason| link.interface.statistics().dropped(reason);
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.9", "10.0.0.3", 17, b"x"),
    );
    feed(&host, &link, IPV6, &packet("fd00::9", "fd00::3", 17, b"x"));
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.9", "224.0.0.251", 17, b"x"),
    );
    host.feed(
        &link,
        &ethernet(
            [2, 9, 9, 9, 9, 9],
            PEER,
            IPV4,
            &packet("10.0.0.9", "10.0.0.2", 17, b"x"),
        ),
    );
    assert_eq!(drops(Reason::NotForUs), 4);
    feed(
        &host,
        &link,
        IPV4,
        &packet("127.0.0.1", "10.0.0.2", 17, b"x"),
    );
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.9", "127.0.0.1", 17, b"x"),
    );
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.2", "10.0.0.2", 17, b"x"),
    );
    feed(
        &host,
        &link,
        IPV4,
        &packet("224.0.0.1", "10.0.0.2", 17, b"x"),
    );
    feed(&host, &link, IPV6, &packet("::1", "fd00::2", 17, b"x"));
    feed(&host, &link, IPV6, &packet("::", "fd00::2", 17, b"x"));
    assert_eq!(drops(Reason::Martian), 6);
    feed(&host, &link, 0x88cc, b"lldp");
    assert_eq!(drops(Reason::UnknownProtocol), 1);
    assert!(host.received().is_empty());
    assert_eq!(host.net.pool().get(10).unwrap().len(), 10);
}

#[test]
fn broadcasts_and_groups_we_are_in_come_marked() {
    let (host, link) = host();
    let all = [0xff; 6];
    for to in ["10.0.0.255", "255.255.255.255", "224.0.0.1"] {
        host.feed(
            &link,
            &ethernet(all, PEER, IPV4, &packet("10.0.0.9", to, 17, b"x")),
        );
    }
    host.feed(
        &link,
        &ethernet(
            [0x33, 0x33, 0, 0, 0, 1],
            PEER,
            IPV6,
            &packet("fd00::9", "ff02::1", 17, b"x"),
        ),
    );
    let received = host.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|(_, info)| info.to_many));
}

#[test]
fn a_wrong_header_checksum_is_told_from_a_wrong_header() {
    let (host, link) = host();
    let mut wrong = packet("10.0.0.9", "10.0.0.2", 17, b"x");
    wrong[8] = 63;
    feed(&host, &link, IPV4, &wrong);
    assert_eq!(link.interface.statistics().dropped(Reason::Checksum), 1);
    for change in [
        |p: &mut Vec<u8>| p[0] = 0x44,
        |p: &mut Vec<u8>| p[0] = 0x4f,
        |p: &mut Vec<u8>| p[3] = 200,
        |p: &mut Vec<u8>| p[3] = 19,
        |p: &mut Vec<u8>| p[0] = 0x65,
        |p: &mut Vec<u8>| p.truncate(19),
        |p: &mut Vec<u8>| p.clear(),
    ] {
        let mut wrong = packet("10.0.0.9", "10.0.0.2", 17, b"x");
        change(&mut wrong);
        feed(&host, &link, IPV4, &wrong);
    }
    assert_eq!(link.interface.statistics().dropped(Reason::Malformed), 7);
    assert!(host.received().is_empty());
}

#[test]
fn an_interface_that_is_down_takes_nothing() {
    let (host, link) = host();
    host.in_kernel(|lwp, net| net.down(lwp, &link.interface));
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.9", "10.0.0.2", 17, b"x"),
    );
    assert_eq!(link.interface.statistics().dropped(Reason::Down), 1);
    let error = host.send(&packet("10.0.0.2", "10.0.0.9", 17, b"x"));
    assert_eq!(error, Err(base::Errno::ENETUNREACH));
}

#[test]
fn loopback_delivers_within_the_call_and_trusts_checksums() {
    let host = boot();
    let lo = host.loopback();
    host.in_kernel(|lwp, net| {
        let mut bytes = packet("127.0.0.1", "127.9.9.9", 17, b"x");
        bytes[10..12].fill(0);
        let mut frame = net.pool().copy_of(&bytes).unwrap();
        frame.set_checksum(crate::Checksum::Verified);
        net.output(lwp, frame, Some(&lo.interface)).unwrap();
        assert_eq!(host.received().len(), 1);
        let frame = net.pool().copy_of(&packet("::1", "::1", 17, b"x")).unwrap();
        net.output(lwp, frame, None).unwrap();
        assert_eq!(host.received().len(), 1);
    });
    let statistics = lo.interface.statistics();
    assert_eq!((statistics.tx_frames, statistics.rx_frames), (2, 2));
}

/// Good frames of each kind.
fn samples() -> Vec<Vec<u8>> {
    let us = [2, 0, 0, 0, 0, 2];
    let mut solicit = alloc::vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicit.extend("fd00::2".parse::<core::net::Ipv6Addr>().unwrap().octets());
    solicit.extend([1, 1, 2, 0, 0, 0, 0, 9]);
    let mut advertise = solicit.clone();
    (advertise[0], advertise[4], advertise[24]) = (136, 0x60, 2);
    let mut router = alloc::vec![134, 0, 0, 0, 64, 0, 7, 8];
    router.extend([0; 8]);
    router.extend([3, 4, 64, 0xc0]);
    router.extend([1; 28]);
    let mut fragment6 = alloc::vec![17, 0, 0, 1, 0, 0, 0, 7];
    fragment6.extend([5; 64]);
    let frame = |kind, data: Vec<u8>| ethernet(us, PEER, kind, &data);
    alloc::vec![
        frame(IPV4, packet("10.0.0.9", "10.0.0.2", 17, &[7; 64])),
        frame(
            IPV4,
            packet_with("10.0.0.9", "10.0.0.2", 17, 5, 0x2000, &[7; 64])
        ),
        frame(
            IPV4,
            packet_with("10.0.0.9", "10.0.0.2", 17, 5, 0x0008, &[7; 64])
        ),
        frame(IPV6, packet("fd00::9", "fd00::2", 17, &[7; 64])),
        frame(IPV6, packet("fd00::9", "fd00::2", 44, &fragment6)),
        frame(IPV6, icmpv6("fd00::9", "fd00::2", &solicit)),
        frame(IPV6, icmpv6("fd00::9", "fd00::2", &advertise)),
        frame(IPV6, icmpv6("fe80::9", "ff02::1", &router)),
        frame(0x0806, arp(1, PEER, "10.0.0.9", [0; 6], "10.0.0.2")),
        frame(0x0806, arp(2, PEER, "10.0.0.9", us, "10.0.0.2")),
    ]
}

/// Cut off anywhere, with any bytes changed, and with checksums mended where that gets further.
#[test]
fn no_frame_makes_it_panic() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24", "fd00::2/64"]);
    let us = link.interface.hardware_address();
    let mut numbers = Numbers(0x5eed);
    let samples = samples();
    for sample in &samples {
        for len in 0..sample.len() {
            let mut frame = sample[..len].to_vec();
            if len >= 6 {
                frame[..6].copy_from_slice(&us);
            }
            host.feed(&link, &frame);
        }
    }
    for round in 0..20_000 {
        let mut frame = samples[numbers.below(samples.len())].clone();
        frame[..6].copy_from_slice(&us);
        for _ in 0..numbers.below(6) {
            let at = 12 + numbers.below(frame.len() - 12);
            frame[at] = numbers.draw() as u8;
        }
        if numbers.below(4) == 0 {
            frame.truncate(14 + numbers.below(frame.len() - 14));
        }
        mend(&mut frame);
        host.feed(&link, &frame);
        if round % 64 == 0 {
            sim::advance(numbers.below(3_000_000_000) as u64);
            host.received();
            link.sent();
        }
    }
    let random: Vec<u8> = (0..1514).map(|_| numbers.draw() as u8).collect();
    for len in 0..random.len() {
        host.feed(&link, &random[..len]);
    }
    // It still works.
    host.received();
    feed(
        &host,
        &link,
        IPV4,
        &packet("10.0.0.9", "10.0.0.2", 17, b"x"),
    );
    assert_eq!(host.received().len(), 1);
}

/// Sets the checksums that would have the frame refused early.
fn mend(frame: &mut [u8]) {
    let Some((header, packet)) = frame.split_at_mut_checked(14) else {
        return;
    };
    match header[12..14] {
        [8, 0] if packet.len() >= 20 => {
            smoltcp::wire::Ipv4Packet::new_checked(packet)
                .map(|mut packet| packet.fill_checksum())
                .unwrap_or_default();
        }
        [0x86, 0xdd] if packet.len() >= 44 && packet[6] == 58 => {
            let (Ok(src), Ok(dst)) = (
                <[u8; 16]>::try_from(&packet[8..24]),
                <[u8; 16]>::try_from(&packet[24..40]),
            ) else {
                return;
            };
            let (src, dst) = (src.into(), dst.into());
            let mut message = smoltcp::wire::Icmpv6Packet::new_unchecked(&mut packet[40..]);
            message.fill_checksum(&src, &dst);
        }
        _ => {}
    }
}
