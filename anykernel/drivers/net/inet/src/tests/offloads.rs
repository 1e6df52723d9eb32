//! Links that do some of the work, and links that do none: the same bytes arrive.

use super::bulk::exchange;
use super::*;

use hypercall::Offload;
use net::Reason;
use smoltcp::wire::{EthernetFrame, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};

/// Whether the checksums in an Ethernet frame's packet are good; true for what is neither TCP nor UDP.
fn is_sound(frame: &[u8]) -> bool {
    let packet = EthernetFrame::new_checked(frame).unwrap().payload();
    is_sound_packet(packet)
}

fn is_sound_packet(packet: &[u8]) -> bool {
    let (src, dst, protocol, payload): (IpAddr, IpAddr, _, _) = match packet[0] >> 4 {
        4 => {
            let ip = Ipv4Packet::new_checked(packet).unwrap();
            if !ip.verify_checksum() {
                return false;
            }
            let (src, dst) = (ip.src_addr(), ip.dst_addr());
            (src.into(), dst.into(), ip.next_header(), ip.payload())
        }
        6 => {
            let ip = Ipv6Packet::new_checked(packet).unwrap();
            let (src, dst) = (ip.src_addr(), ip.dst_addr());
            (src.into(), dst.into(), ip.next_header(), ip.payload())
        }
        _ => return true,
    };
    let (src, dst) = (src.into(), dst.into());
    match protocol {
        IpProtocol::Tcp => TcpPacket::new_checked(payload)
            .unwrap()
            .verify_checksum(&src, &dst),
        IpProtocol::Udp => UdpPacket::new_checked(payload)
            .unwrap()
            .verify_checksum(&src, &dst),
        _ => true,
    }
}

fn listen(wire: &str) -> sim::Wire {
    sim::Wire::open(wire)
}

fn heard(wire: &sim::Wire) -> Vec<(Vec<u8>, Offload)> {
    core::iter::from_fn(|| wire.receive_with()).collect()
}

const PLAIN: &str = "a?latency=50us";
const CHECKSUM: &str = "a?latency=50us&offloads=checksum";
const ALL: &str = "a?latency=50us&offloads=all";

#[test]
fn the_same_bytes_arrive_whatever_the_links_at_both_ends_do() {
    for client_end in [PLAIN, CHECKSUM, ALL] {
        for server_end in [PLAIN, CHECKSUM, ALL] {
            let hosts = pair_with([client_end, server_end]);
            let [client, server] = &hosts;
            for address in ["10.0.0.2:0", "[fd00::2]:0"] {
                let (one, other) = connected(client, server, address);
                let took = exchange(&one, &other, 300_000, 150_000);
                let what = alloc::format!("{client_end} to {server_end}, {address}: {took} ns");
                // Nobody waited for a retransmission, which takes a second.
                assert!(took < 900_000_000, "{what}");
            }
            for host in &hosts {
                let statistics = host.net.interface("virt0").unwrap().statistics();
                assert_eq!(statistics.dropped_total(), 0);
            }
        }
    }
}

#[test]
fn a_link_that_cuts_up_segments_gets_long_ones_and_the_others_none() {
    for (sender, long) in [(PLAIN, false), (CHECKSUM, false), (ALL, true)] {
        let [client, server] = pair_with([sender, ALL]);
        let (whole, cut) = (listen(ALL), listen(PLAIN));
        for (address, kind) in [
            ("10.0.0.2:0", Offload::TCP4),
            ("[fd00::2]:0", Offload::TCP6),
        ] {
            let (one, other) = connected(&client, &server, address);
            for _ in 0..20 {
                one.send(&[5; 100_000]).unwrap();
                let mut got = 0;
                while got < 100_000 {
                    got += other.receive(100_000).unwrap().len();
                }
            }
            let frames = heard(&whole);
            let longest = frames.iter().map(|(frame, _)| frame.len()).max();
            assert_eq!(longest > Some(30_000), long, "{longest:?}");
            assert_eq!(longest > Some(1514), long, "{longest:?}");
            for (frame, said) in &frames {
                assert_eq!(said.segment_kind != 0, frame.len() > 1514);
                assert!(said.segment_kind == 0 || said.segment_kind == kind);
            }
            for (frame, said) in heard(&cut) {
                assert_eq!(said, Offload::default());
                assert!(frame.len() <= 1514 && is_sound(&frame));
            }
        }
    }
}

#[test]
fn a_peer_with_small_packets_gets_small_segments() {
    for sender in [PLAIN, ALL] {
        small_segments(sender);
    }
}

fn small_segments(sender: &str) {
    let [client, server] = pair_with([sender, PLAIN]);
    let cut = listen(PLAIN);
    let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
        let _ = socket.set(IPPROTO_TCP, TCP_MAXSEG, 500);
    });
    one.send(&[5; 100_000]).unwrap();
    let mut got = 0;
    while got < 100_000 {
        got += other.receive(100_000).unwrap().len();
    }
    let longest = heard(&cut).iter().map(|(frame, _)| frame.len()).max();
    assert_eq!(longest, Some(14 + 40 + 500));
}

/// A connection hands out long segments as long as it lives, but routes change.
#[test]
fn segments_for_a_link_that_went_are_cut_up_for_the_one_that_came() {
    let [first, server] = pair(PLAIN);
    drop(first);
    let client = boot(&[("virtif", &alloc::format!("wire:{ALL},wire:{PLAIN}"))]);
    let address = Cidr::new([10, 0, 0, 1].into(), 24).unwrap();
    let [long, plain] = ["virt0", "virt1"].map(|name| client.net.interface(name).unwrap());
    let with = |f: &dyn Fn(&Lwp<'_>) -> Result<(), Errno>| client.enter(f).unwrap();
    with(&|lwp| client.net.add_address(lwp, &long, address));
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    client
        .net
        .remove_address(&long, [10, 0, 0, 1].into())
        .unwrap();
    with(&|lwp| client.net.add_address(lwp, &plain, address));
    let before = plain.statistics().tx_frames;
    let cut = listen(PLAIN);
    exchange(&one, &other, 100_000, 70_000);
    assert!(plain.statistics().tx_frames - before > 70);
    for (frame, _) in heard(&cut) {
        assert!(frame.len() <= 1514 && is_sound(&frame));
    }
}

#[test]
fn captures_have_good_checksums_on_every_link() {
    for (cable, address, interface) in [
        (ALL, "10.0.0.2:0", "virt0"),
        (CHECKSUM, "[fd00::2]:0", "virt0"),
        (PLAIN, "10.0.0.2:0", "virt0"),
        (PLAIN, "127.0.0.1:0", "lo0"),
        (PLAIN, "[::1]:0", "lo0"),
    ] {
        let [client, server] = pair(cable);
        let local = interface == "lo0";
        let capture = client
            .enter(|lwp| {
                let interface = client.net.interface(interface)?;
                client.net.capture(lwp, &interface)
            })
            .unwrap();
        let end = if local { &client } else { &server };
        let (one, other) = connected(&client, end, address);
        exchange(&one, &other, 100_000, 50_000);
        let udp = client.socket(addr(address).family(), SOCK_DGRAM, 0);
        let to = (addr(address).ip().unwrap().ip(), 9).into();
        udp.unwrap().send_to(b"datagram", to).unwrap();
        let mut bytes = alloc::vec![0; 1 << 20];
        let len = client
            .enter(|lwp| {
                let mut place = UserOut::from(&mut bytes[..]).into();
                Ok(base::File::try_read(&*capture, lwp, &mut place).unwrap())
            })
            .unwrap();
        let mut records = &bytes[24..len];
        let mut count = 0;
        while let Some((head, rest)) = records.split_at_checked(16) {
            let len = u32::from_le_bytes(head[8..12].try_into().unwrap()) as usize;
            let (frame, rest) = rest.split_at(len);
            assert!(if local {
                is_sound_packet(frame)
            } else {
                is_sound(frame)
            });
            records = rest;
            count += 1;
        }
        assert!(count > 10, "{count} records");
    }
}

#[test]
fn what_a_link_says_and_cannot_be_true_is_dropped_and_counted() {
    let [client, server] = pair(ALL);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let wire = listen(ALL);
    one.send(b"question").unwrap();
    assert_eq!(other.receive(100).unwrap(), b"question");
    let (frame, said) = heard(&wire).pop().unwrap();
    let lies = [
        Offload {
            checksum_start: 5000,
            ..said
        },
        Offload {
            checksum_offset: u16::MAX,
            ..said
        },
        Offload {
            segment_kind: Offload::TCP4,
            segment_size: 0,
            ..said
        },
        Offload {
            segment_kind: Offload::TCP4,
            segment_size: 9,
            header_len: 9000,
            ..said
        },
        Offload {
            segment_kind: 0x7f,
            segment_size: 9,
            ..said
        },
    ];
    let count = || {
        let interface = server.net.interface("virt0").unwrap();
        interface.statistics().dropped(Reason::Malformed)
    };
    let before = count();
    for lie in lies {
        wire.send_with(&frame, lie);
    }
    sim::advance(1_000_000);
    assert_eq!(count() - before, lies.len() as u64);
    other.send(b"answer").unwrap();
    assert_eq!(one.receive(100).unwrap(), b"answer");
}
