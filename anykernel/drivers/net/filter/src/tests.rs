//! A router with a filter between 10.1.0.0/24, fd01::/64 (the inside) and 192.0.2.0/24, 2001:db8::/64.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::{Errno, ParamKind, System, enter};
use hypercall::Offload;
use net::Reason;
use net::testing::{
    Attached, Host, arp, boot_system, ethernet, icmpv6, ip, packet, packet_with, param,
};
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet, Ipv4Packet, TcpPacket, UdpPacket};

use crate::flow::{Flow, Key};
use crate::judge::PacketFilter;

const ALL_PARAMS: [base::ParamSpec; 5] = [
    param("net", "ip", ParamKind::Text, ""),
    param("net", "gateway", ParamKind::Text, ""),
    param("base", "memory-limit", ParamKind::Bytes, "0"),
    param("filter", "filter", ParamKind::Text, ""),
    param("filter", "filter-states", ParamKind::Integer, "100"),
];

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &forward::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &ALL_PARAMS,
};

const INSIDE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const OUTSIDE: [u8; 6] = [2, 0, 0, 0, 0, 2];
const US: &str = "192.0.2.1";
const CLIENT: &str = "10.1.0.9";
const SERVER: &str = "192.0.2.9";
const NAT: &str = "nat on out0 from 10.1.0.0/24; nat on out0 from fd01::/64";

struct Router {
    host: Host,
    inside: Attached,
    outside: Attached,
}

fn router(rules: &str) -> Router {
    let host = boot_system(&SYSTEM, &[("filter", rules)]);
    let inside = host.ethernet("in", &["10.1.0.1/24", "fd01::1/64"]);
    let outside = host.ethernet("out", &["192.0.2.1/24", "2001:db8::1/64"]);
    let router = Router {
        host,
        inside,
        outside,
    };
    router.introduce();
    router
}

impl Router {
    /// Has the stations on either side say who they are.
    fn introduce(&self) {
        for (link, station, v4, v6) in [
            (
                &self.inside,
                INSIDE,
                [CLIENT, "10.1.0.1"],
                ["fd01::9", "fd01::1"],
            ),
            (
                &self.outside,
                OUTSIDE,
                [SERVER, US],
                ["2001:db8::9", "2001:db8::1"],
            ),
        ] {
            let question = arp(1, station, v4[0], [0; 6], v4[1]);
            self.host
                .feed(link, &ethernet([0xff; 6], station, 0x0806, &question));
            let IpAddr::V6(target) = ip(v6[1]) else {
                unreachable!()
            };
            let mut message = alloc::vec![135, 0, 0, 0, 0, 0, 0, 0];
            message.extend(target.octets());
            message.extend([1, 1]);
            message.extend(station);
            let us = link.interface.hardware_address();
            let solicitation = ethernet(us, station, 0x86dd, &icmpv6(v6[0], v6[1], &message));
            self.host.feed(link, &solicitation);
            link.sent();
        }
    }

    /// Lets time pass, after which the neighbours are still known.
    fn wait(&self, nanoseconds: u64) {
        sim::advance(nanoseconds);
        self.introduce();
    }

    fn feed(&self, link: &Attached, station: [u8; 6], packet: &[u8]) {
        let us = link.interface.hardware_address();
        let kind = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        self.host.feed(link, &ethernet(us, station, kind, packet));
    }

    /// Has a packet arrive from the inside; what leaves on the outside.
    fn out(&self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.feed(&self.inside, INSIDE, packet);
        sent(&self.outside)
    }

    /// Has a packet arrive from the outside; what leaves on the inside.
    fn back(&self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.feed(&self.outside, OUTSIDE, packet);
        sent(&self.inside)
    }

    fn set(&self, rules: &str) -> Result<(), String> {
        let filter = enter(self.host.kernel.process(), |lwp| {
            lwp.state::<PacketFilter>()
        })
        .unwrap();
        filter.set_rules(&self.host.net, rules)
    }

    fn states(&self) -> usize {
        let filter = enter(self.host.kernel.process(), |lwp| {
            lwp.state::<PacketFilter>()
        })
        .unwrap();
        filter.table.with(|table| table.len())
    }

    fn dropped(&self, link: &Attached) -> u64 {
        link.interface.statistics().dropped(Reason::Filtered)
    }
}

/// What was sent, without Ethernet headers and with all checksums verified.
fn sent(link: &Attached) -> Vec<Vec<u8>> {
    let frames = link.sent().into_iter().map(|frame| frame[14..].to_vec());
    frames.inspect(|packet| verify(packet)).collect()
}

fn verify(packet: &[u8]) {
    let flow = Flow::read(packet, false).unwrap();
    let (src, dst) = (flow.key.src.into(), flow.key.dst.into());
    if packet[0] >> 4 == 4 {
        let header = Ipv4Packet::new_checked(packet).unwrap();
        assert!(header.verify_checksum());
        if header.frag_offset() > 0 || header.more_frags() {
            return;
        }
    }
    let rest = &packet[flow.offset..];
    let good = match (flow.key.protocol, flow.key.src, flow.key.dst) {
        (6, ..) => TcpPacket::new_checked(rest)
            .unwrap()
            .verify_checksum(&src, &dst),
        (17, ..) => UdpPacket::new_checked(rest)
            .unwrap()
            .verify_checksum(&src, &dst),
        (1, ..) => Icmpv4Packet::new_checked(rest).unwrap().verify_checksum(),
        (58, IpAddr::V6(src), IpAddr::V6(dst)) => Icmpv6Packet::new_checked(rest)
            .unwrap()
            .verify_checksum(&src, &dst),
        _ => true,
    };
    assert!(good, "{packet:02x?}");
}

fn udp(src: &str, from: u16, dst: &str, to: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(from.to_be_bytes());
    datagram.extend(to.to_be_bytes());
    datagram.extend(((data.len() + 8) as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    UdpPacket::new_unchecked(&mut datagram[..]).fill_checksum(&ip(src).into(), &ip(dst).into());
    packet(src, dst, 17, &datagram)
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const RST: u8 = 4;

fn tcp(src: &str, from: u16, dst: &str, to: u16, flags: u8) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(from.to_be_bytes());
    segment.extend(to.to_be_bytes());
    segment.extend([0, 0, 0, 100, 0, 0, 0, 7, 0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    TcpPacket::new_unchecked(&mut segment[..]).fill_checksum(&ip(src).into(), &ip(dst).into());
    packet(src, dst, 6, &segment)
}

fn echo(src: &str, dst: &str, kind: u8, identifier: u16) -> Vec<u8> {
    let mut message = alloc::vec![kind, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend([0, 1, 0x55]);
    if kind >= 128 {
        return icmpv6(src, dst, &message);
    }
    Icmpv4Packet::new_unchecked(&mut message[..]).fill_checksum();
    packet(src, dst, 1, &message)
}

fn key(packet: &[u8]) -> Key {
    Flow::read(packet, false).unwrap().key
}

/// The key of a flow of UDP or TCP.
fn ends(protocol: u8, src: &str, src_port: u16, dst: &str, dst_port: u16) -> Key {
    Key {
        protocol,
        src: ip(src),
        dst: ip(dst),
        src_port,
        dst_port,
    }
}

#[test]
fn flows_from_inside_get_the_address_of_the_outside_and_answers_come_back() {
    let router = router(NAT);
    let out = router.out(&udp(CLIENT, 5000, SERVER, 53, b"question"));
    assert_eq!(key(&out[0]), ends(17, US, 5000, SERVER, 53));
    let back = router.back(&udp(SERVER, 53, US, 5000, b"answer"));
    assert_eq!(key(&back[0]), ends(17, SERVER, 53, CLIENT, 5000));
    assert_eq!(&back[0][28..], b"answer");

    let out = router.out(&udp("fd01::9", 5000, "2001:db8::9", 53, b"question"));
    assert_eq!(
        key(&out[0]),
        ends(17, "2001:db8::1", 5000, "2001:db8::9", 53)
    );
    let back = router.back(&udp("2001:db8::9", 53, "2001:db8::1", 5000, b"answer"));
    assert_eq!(key(&back[0]), ends(17, "2001:db8::9", 53, "fd01::9", 5000));

    for (client, server, us, kinds) in [
        (CLIENT, SERVER, US, [8, 0]),
        ("fd01::9", "2001:db8::9", "2001:db8::1", [128, 129]),
    ] {
        let out = router.out(&echo(client, server, kinds[0], 77));
        assert_eq!((key(&out[0]).src, key(&out[0]).src_port), (ip(us), 77));
        let back = router.back(&echo(server, us, kinds[1], 77));
        assert_eq!(
            (key(&back[0]).dst, key(&back[0]).dst_port),
            (ip(client), 77)
        );
    }
}

#[test]
fn a_datagram_without_checksum_stays_without() {
    let router = router(NAT);
    let mut question = udp(CLIENT, 5000, SERVER, 53, b"question");
    question[26..28].fill(0);
    router.feed(&router.inside, INSIDE, &question);
    let out = router.outside.sent();
    assert_eq!(out[0][14 + 26..14 + 28], [0, 0]);
    assert_eq!(key(&out[0][14..]).src, ip(US));
}

#[test]
fn a_port_that_another_flow_has_is_left_to_it() {
    let router = router(NAT);
    let first = router.out(&udp(CLIENT, 5000, SERVER, 53, b"x"));
    // Its answers go to where they went before.
    let second = router.out(&udp("10.1.0.8", 5000, SERVER, 53, b"x"));
    let (first, second) = (key(&first[0]), key(&second[0]));
    assert_eq!(first.src, second.src);
    assert_ne!(first.src_port, second.src_port);
    assert!(second.src_port >= super::judge::FIRST_PORT);
    // To somebody else it may be the same.
    let third = router.out(&udp("10.1.0.8", 5000, SERVER, 54, b"x"));
    assert_eq!(key(&third[0]).src_port, 5000);
    let back = router.back(&udp(SERVER, 53, US, 5000, b"y"));
    assert_eq!(key(&back[0]).dst, ip(CLIENT));
}

#[test]
fn errors_about_translated_packets_reach_who_sent_them() {
    let router = router(NAT);
    let question = udp(CLIENT, 5000, SERVER, 53, b"question");
    let out = router.out(&question);
    // From the server, and from a router on the way.
    for from in [SERVER, "192.0.2.77"] {
        let mut error = alloc::vec![3, 3, 0, 0, 0, 0, 0, 0];
        error.extend(&out[0][..28]);
        Icmpv4Packet::new_unchecked(&mut error[..]).fill_checksum();
        let back = router.back(&packet(from, US, 1, &error));
        assert_eq!(
            (key(&back[0]).src, key(&back[0]).dst),
            (ip(from), ip(CLIENT))
        );
        let quoted = Flow::read(&back[0][28..], true).unwrap();
        assert_eq!(quoted.key, ends(17, CLIENT, 5000, SERVER, 53));
        assert!(Ipv4Packet::new_unchecked(&back[0][28..]).verify_checksum());
    }
    let out = router.out(&udp("fd01::9", 5000, "2001:db8::9", 53, b"question"));
    let mut error = alloc::vec![1, 4, 0, 0, 0, 0, 0, 0];
    error.extend(&out[0]);
    let back = router.back(&icmpv6("2001:db8::9", "2001:db8::1", &error));
    assert_eq!(key(&back[0]).dst, ip("fd01::9"));
    let quoted = Flow::read(&back[0][48..], true).unwrap();
    assert_eq!(quoted.key, ends(17, "fd01::9", 5000, "2001:db8::9", 53));
    // What the inside says of packets from outside gets the outside's addresses.
    let answer = router.back(&udp(SERVER, 53, US, 5000, b"answer"));
    let mut error = alloc::vec![3, 3, 0, 0, 0, 0, 0, 0];
    error.extend(&answer[0][..28]);
    Icmpv4Packet::new_unchecked(&mut error[..]).fill_checksum();
    let out = router.out(&packet(CLIENT, SERVER, 1, &error));
    assert_eq!(key(&out[0]).src, ip(US));
    let quoted = Flow::read(&out[0][28..], true).unwrap();
    assert_eq!(quoted.key, ends(17, SERVER, 53, US, 5000));
}

#[test]
fn a_redirection_serves_from_the_inside() {
    let router = router("rdr on out0 proto tcp to 192.0.2.1 port 8080 -> 10.1.0.9 port 80");
    let inside = router.back(&tcp(SERVER, 4000, US, 8080, SYN));
    assert_eq!(key(&inside[0]), ends(6, SERVER, 4000, CLIENT, 80));
    let out = router.out(&tcp(CLIENT, 80, SERVER, 4000, SYN | ACK));
    assert_eq!(key(&out[0]), ends(6, US, 8080, SERVER, 4000));
    // Of a flow that did not begin here nothing is known.
    assert!(router.back(&tcp(SERVER, 4001, US, 8080, ACK)).is_empty());
    assert_eq!(router.dropped(&router.outside), 1);
}

#[test]
fn what_began_inside_is_answered_and_nothing_else_comes_in() {
    let router = router("block in on out0");
    assert!(router.back(&udp(SERVER, 53, CLIENT, 5000, b"x")).is_empty());
    assert_eq!(router.out(&udp(CLIENT, 5000, SERVER, 53, b"x")).len(), 1);
    assert_eq!(router.back(&udp(SERVER, 53, CLIENT, 5000, b"x")).len(), 1);
    assert!(router.back(&udp(SERVER, 54, CLIENT, 5000, b"x")).is_empty());
    assert!(
        router
            .back(&udp(SERVER, 53, "10.1.0.8", 5000, b"x"))
            .is_empty()
    );
    assert_eq!(router.dropped(&router.outside), 3);
    // An hour later it has ended.
    router.wait(3_600_000_000_000);
    assert!(router.back(&udp(SERVER, 53, CLIENT, 5000, b"x")).is_empty());
    assert_eq!(router.states(), 0);
}

#[test]
fn rejected_senders_are_told() {
    let router = router("reject in on out0");
    router.feed(&router.outside, OUTSIDE, &tcp(SERVER, 4000, US, 22, SYN));
    let reset = sent(&router.outside);
    let header = TcpPacket::new_checked(&reset[0][20..]).unwrap();
    assert!(header.rst() && header.ack());
    assert_eq!(header.ack_number().0, 101);
    router.feed(&router.outside, OUTSIDE, &tcp(SERVER, 4000, US, 22, ACK));
    let reset = sent(&router.outside);
    let header = TcpPacket::new_checked(&reset[0][20..]).unwrap();
    assert!(header.rst() && !header.ack());
    assert_eq!(header.seq_number().0, 7);
    router.feed(&router.outside, OUTSIDE, &tcp(SERVER, 4000, US, 22, RST));
    assert!(sent(&router.outside).is_empty());
    router.feed(&router.outside, OUTSIDE, &udp(SERVER, 4000, US, 22, b"x"));
    let error = sent(&router.outside);
    assert_eq!((error[0][20], error[0][21]), (3, 13));
}

#[test]
fn our_own_packets_are_judged_as_well() {
    let router = router("block out on out0 proto udp to port 53");
    let send = |port| router.host.send(&udp(US, 5000, SERVER, port, b"x"));
    assert_eq!(send(53), Err(Errno::EPERM));
    assert_eq!(send(54), Ok(()));
    assert_eq!(sent(&router.outside).len(), 1);
    assert_eq!(router.dropped(&router.outside), 1);
}

#[test]
fn a_connection_is_followed_to_its_end() {
    let router = router("pass out proto tcp; block in on out0");
    let out = |flags| router.out(&tcp(CLIENT, 4000, SERVER, 80, flags)).len();
    let back = |flags| router.back(&tcp(SERVER, 80, CLIENT, 4000, flags)).len();
    assert_eq!((out(SYN), back(SYN | ACK), out(ACK)), (1, 1, 1));
    // An established one may be silent for long.
    router.wait(20 * 3_600_000_000_000);
    assert_eq!(back(ACK), 1);
    assert_eq!((out(FIN | ACK), back(FIN | ACK), out(ACK)), (1, 1, 1));
    assert_eq!(router.states(), 2);
    // The same ends may begin anew at once.
    assert_eq!((out(SYN), back(SYN | ACK)), (1, 1));
    assert_eq!(router.states(), 2);
    assert_eq!(back(RST), 1);
    router.wait(60_000_000_000);
    assert_eq!(back(ACK), 0);
    assert_eq!(router.states(), 0);
}

#[test]
fn a_full_table_lets_go_on_what_it_has_and_begins_nothing() {
    let router = router("block in on out0");
    let out = |port| router.out(&tcp(CLIENT, port, SERVER, 80, SYN)).len();
    // Each flow has a state on either interface.
    let begun: usize = (0..200).map(|n| out(1000 + n)).sum();
    assert_eq!(begun, 50);
    assert_eq!(
        router.back(&tcp(SERVER, 80, CLIENT, 1000, SYN | ACK)).len(),
        1
    );
    assert_eq!(router.out(&tcp(CLIENT, 1000, SERVER, 80, ACK)).len(), 1);
    // Those that came to nothing make room.
    router.wait(31_000_000_000);
    assert_eq!(out(5000), 1);
    assert_eq!(router.out(&tcp(CLIENT, 1000, SERVER, 80, ACK)).len(), 1);
}

#[test]
fn fragments_are_judged_as_the_packet_they_are() {
    let router = router("block in on in0 proto udp to port 53; nat on out0 from 10.1.0.0/24");
    for (port, passes) in [(53, false), (54, true)] {
        let whole = udp(CLIENT, 5000, SERVER, port, &[7; 2000]);
        let (first, second) = whole[20..].split_at(1200);
        let first = packet_with(CLIENT, SERVER, 17, port, 0x2000, first);
        let second = packet_with(CLIENT, SERVER, 17, port, 150, second);
        assert!(router.out(&second).is_empty());
        let out = router.out(&first);
        assert_eq!(out.len(), if passes { 2 } else { 0 });
        if passes {
            let data: Vec<u8> = out.iter().flat_map(|piece| piece[20..].to_vec()).collect();
            verify(&packet(US, SERVER, 17, &data));
        }
    }
}

#[test]
fn extension_headers_hide_nothing() {
    let router = router("block in inet6 proto tcp to port 22");
    let plain = tcp("2001:db8::9", 4000, "fd01::9", 22, SYN);
    let with = |headers: usize| {
        let mut data = Vec::new();
        for number in 0..headers {
            let next = if number + 1 == headers { 6 } else { 60 };
            data.extend([next, 0, 1, 4, 0, 0, 0, 0]);
        }
        data.extend(&plain[40..]);
        packet("2001:db8::9", "fd01::9", 60, &data)
    };
    assert!(router.back(&plain).is_empty());
    assert!(router.back(&with(1)).is_empty());
    assert!(router.back(&with(8)).is_empty());
    assert_eq!(router.dropped(&router.outside), 3);
    assert!(router.back(&with(9)).is_empty());
    let statistics = router.outside.interface.statistics();
    assert_eq!(statistics.dropped(Reason::Malformed), 1);
}

#[test]
fn an_open_checksum_stays_open_and_comes_out_right() {
    let router = router(NAT);
    for (client, server, header_len) in [(CLIENT, SERVER, 20), ("fd01::9", "2001:db8::9", 40)] {
        let mut packet = tcp(client, 4000, server, 80, SYN);
        let kind = if header_len == 20 { 0x0800 } else { 0x86dd };
        router.host.in_kernel(|lwp, net| {
            let us = router.inside.interface.hardware_address();
            // What a sender leaves in place of the checksum.
            let segment_len = (packet.len() - header_len) as u32;
            let sum = smoltcp::wire::checksum::pseudo_header(
                &ip(client).into(),
                &ip(server).into(),
                6.into(),
                segment_len,
            );
            packet[header_len + 16..header_len + 18].copy_from_slice(&sum.to_be_bytes());
            let frame = ethernet(us, INSIDE, kind, &packet);
            let mut frame = net.pool().copy_of(&frame).unwrap();
            let offload = Offload {
                flags: Offload::NEEDS_CHECKSUM,
                checksum_start: 14 + header_len as u16,
                checksum_offset: 16,
                ..Offload::default()
            };
            frame.set_offload(&offload).unwrap();
            net.receive(lwp, &router.inside.interface, &mut alloc::vec![frame]);
            net.settle(lwp);
        });
        // The link computes none, so it was completed before, and is verified here.
        assert_eq!(sent(&router.outside).len(), 1);
    }
}

#[test]
fn rules_change_while_flows_go_on() {
    let router = router(NAT);
    router.out(&udp(CLIENT, 5000, SERVER, 53, b"x"));
    router.set(&format!("{NAT}; block")).unwrap();
    assert_eq!(router.back(&udp(SERVER, 53, US, 5000, b"y")).len(), 1);
    assert!(router.out(&udp(CLIENT, 5001, SERVER, 53, b"x")).is_empty());
    assert!(router.set("block; pas").is_err());
    assert!(router.out(&udp(CLIENT, 5001, SERVER, 53, b"x")).is_empty());
    router.set("").unwrap();
    assert_eq!(router.states(), 0);
    let out = router.out(&udp(CLIENT, 5001, SERVER, 53, b"x"));
    assert_eq!(key(&out[0]).src, ip(CLIENT));
}

/// Packets of any bytes, and good packets with some changed, neither panic nor get in where nothing may.
#[test]
fn whatever_comes_nothing_gets_in() {
    let router = router(&format!("{NAT}; block in on out0"));
    let mut numbers = net::testing::Numbers(7);
    let samples = [
        udp(SERVER, 53, US, 5000, b"x"),
        tcp(SERVER, 53, US, 5000, SYN),
        tcp("2001:db8::9", 1, "fd01::9", 2, SYN),
        packet(
            SERVER,
            US,
            1,
            &[3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 28, 0, 0],
        ),
        icmpv6("2001:db8::9", "fd01::9", &[1, 4, 0, 0, 0, 0, 0, 0, 0x60, 0]),
    ];
    for round in 0..5000 {
        let mut packet = samples[round % samples.len()].clone();
        for _ in 0..numbers.below(4) {
            let at = numbers.below(packet.len());
            packet[at] = numbers.draw() as u8;
        }
        packet.truncate(1 + numbers.below(packet.len()));
        if packet[0] >> 4 == 4 && packet.len() >= 20 {
            Ipv4Packet::new_unchecked(&mut packet[..]).set_total_len(1 + numbers.below(60) as u16);
            let header_len = usize::from(packet[0] & 0xf) * 4;
            if (20..=packet.len()).contains(&header_len) {
                Ipv4Packet::new_unchecked(&mut packet[..]).fill_checksum();
            }
        }
        router.feed(&router.outside, OUTSIDE, &packet);
        let inside = router.inside.sent();
        assert!(
            inside
                .iter()
                .all(|frame| frame[12..14] == [8, 6] || frame[14 + 6] == 58)
        );
    }
    assert!(router.host.received().is_empty());
}
