//! Packets that no honest peer sends.

use super::*;

#[test]
fn half_open_connections_are_limited_and_given_up() {
    let host = alone_with(&[("tcp-half-open", "8")]);
    let (listener, address) = host.listener("127.0.0.1:0", 100);
    let forger = host.socket(AF_INET, SOCK_RAW, IPPROTO_RAW).unwrap();
    let before = host.memory_used();
    for number in 0..100u16 {
        // From addresses of ours at which nobody answers SYN|ACK but with a reset: none does, since
        // raw packets to this kernel come from a port without a socket.
        let packet = syn([127, 0, 0, 9], 1000 + number, port(address));
        forger.send_to(&packet, at("127.0.0.1", 0)).unwrap();
    }
    let held = (host.memory_used() - before) / (512 * 1024);
    assert!(held <= 8, "{held} half-open connections");
    let caller = host.tcp();
    caller.connect(address).unwrap();
    listener.accept().unwrap();
}

/// An IPv4 packet with a SYN.
fn syn(from: [u8; 4], from_port: u16, to_port: u16) -> Vec<u8> {
    let mut packet = alloc::vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
    packet.extend(from);
    packet.extend([127, 0, 0, 1]);
    packet.extend(from_port.to_be_bytes());
    packet.extend(to_port.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
    let pseudo: u32 = packet[12..20]
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum::<u32>()
        + 6
        + 20;
    let sum = pseudo
        + packet[20..]
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[36..38].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// Numbers from a seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Frames of two kernels that talk, changed in a few places, sent again to both: nothing panics, and
/// those who talk go on.
#[test]
fn frames_with_random_changes_do_no_harm() {
    let [client, server] = pair("a?offloads=all");
    let wire = sim::Wire::open("a?offloads=all");
    let four = || connected(&client, &server, "10.0.0.2:0");
    let six = || connected(&client, &server, "[fd00::2]:0");
    let (mut streams, mut resets) = ([four(), six()], 0);
    let (datagram, receiver) = (client.udp(), server.udp());
    receiver.bind(at("10.0.0.2", 7)).unwrap();
    let ping = client.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP).unwrap();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut sum = 0;
    for round in 0..400 {
        // A reset whose numbers are right is believed.
        for (stream, new) in streams.iter_mut().zip([&four as &dyn Fn() -> _, &six]) {
            if stream.0.send(&[round as u8; 100]).is_err() {
                *stream = new();
                resets += 1;
            }
        }
        datagram.send_to(b"datagram", at("10.0.0.2", 7)).unwrap();
        ping.send_to(&[8, 0, 0xf7, 0xff, 0, 0, 0, 0], at("10.0.0.2", 0))
            .unwrap();
        sim::advance(1_000_000);
        while let Some((frame, said)) = wire.receive_with() {
            for _ in 0..4 {
                let mut changed = frame.clone();
                for _ in 0..=random.next() % 3 {
                    let place = random.next() as usize % changed.len();
                    changed[place] = random.next() as u8;
                }
                if random.next().is_multiple_of(8) {
                    changed.truncate(random.next() as usize % changed.len());
                }
                if random.next().is_multiple_of(2) {
                    fix_checksums(&mut changed);
                    wire.send(&changed);
                } else {
                    wire.send_with(&changed, changed_offload(said, &mut random));
                }
            }
            sum += 1;
        }
        sim::advance(1_000_000);
        for (_, end) in &streams {
            let _ = end.try_receive(1000);
        }
        while receiver.try_receive(1000).is_ok() {}
        while ping.try_receive(1000).is_ok() {}
    }
    assert!(sum > 1000 && resets < 100, "{sum} frames, {resets} resets");
    assert!(!client.kernel.is_dead() && !server.kernel.is_dead());
    // New connections are as good as ever.
    let (one, other) = four();
    one.send(b"well").unwrap();
    assert_eq!(other.receive(10).unwrap(), b"well");
}

/// Something said of a frame, with a random change.
fn changed_offload(mut said: hypercall::Offload, random: &mut Random) -> hypercall::Offload {
    let value = random.next() as u16 >> (random.next() % 16);
    match random.next() % 6 {
        0 => said.flags = value as u8,
        1 => said.segment_kind = value as u8,
        2 => said.header_len = value,
        3 => said.segment_size = value,
        4 => said.checksum_start = value,
        _ => said.checksum_offset = value,
    }
    said
}

/// Makes the checksums of a frame right again, so that what was changed gets further than them.
pub(super) fn fix_checksums(frame: &mut [u8]) {
    use smoltcp::wire::{Icmpv4Packet, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};
    let Some(packet) = frame.get_mut(14..) else {
        return;
    };
    let (src, dst, protocol, payload): (IpAddr, IpAddr, _, _) = if let Ok(mut ip) =
        Ipv4Packet::new_checked(&mut *packet)
        && ip.version() == 4
        && ip.header_len() >= 20
    {
        ip.fill_checksum();
        let (src, dst) = (ip.src_addr(), ip.dst_addr());
        let range = usize::from(ip.header_len())..usize::from(ip.total_len());
        let protocol = ip.next_header();
        let Some(payload) = packet.get_mut(range) else {
            return;
        };
        (src.into(), dst.into(), protocol, payload)
    } else if let Ok(ip) = Ipv6Packet::new_checked(&mut *packet)
        && ip.version() == 6
    {
        let (src, dst) = (ip.src_addr(), ip.dst_addr());
        let (protocol, end) = (ip.next_header(), ip.total_len());
        (src.into(), dst.into(), protocol, &mut packet[40..end])
    } else {
        return;
    };
    match protocol {
        IpProtocol::Tcp => {
            if let Ok(mut segment) = TcpPacket::new_checked(payload) {
                segment.fill_checksum(&src.into(), &dst.into());
            }
        }
        IpProtocol::Udp => {
            if let Ok(mut datagram) = UdpPacket::new_checked(payload) {
                datagram.fill_checksum(&src.into(), &dst.into());
            }
        }
        IpProtocol::Icmp => {
            if let Ok(mut message) = Icmpv4Packet::new_checked(payload) {
                message.fill_checksum();
            }
        }
        _ => {}
    }
}

#[test]
fn extension_headers_are_passed_over() {
    let [client, server] = pair("a");
    let other = server.socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    other.bind(at("fd00::2", 7)).unwrap();
    // A destination options header with padding in front of a datagram without sender's port.
    let mut datagram = alloc::vec![17, 0, 1, 4, 0, 0, 0, 0];
    datagram.extend([0, 9, 0, 7, 0, 10, 0, 0, b'h', b'i']);
    let src: core::net::Ipv6Addr = "fd00::1".parse().unwrap();
    let dst: core::net::Ipv6Addr = "fd00::2".parse().unwrap();
    smoltcp::wire::UdpPacket::new_unchecked(&mut datagram[8..])
        .fill_checksum(&src.into(), &dst.into());
    let raw = client.socket(AF_INET6, SOCK_RAW, 60).unwrap();
    raw.send_to(&datagram, at("fd00::2", 0)).unwrap();
    assert_eq!(other.receive(10).unwrap(), b"hi");
    // A routing header that wants to go on, and an option that must be known.
    let mut routed = datagram.clone();
    routed[..4].copy_from_slice(&[17, 0, 0, 1]);
    let raw = client.socket(AF_INET6, SOCK_RAW, 43).unwrap();
    raw.send_to(&routed, at("fd00::2", 0)).unwrap();
    datagram[2] = 0x80;
    let raw = client.socket(AF_INET6, SOCK_RAW, 60).unwrap();
    raw.send_to(&datagram, at("fd00::2", 0)).unwrap();
    sim::advance(100_000_000);
    assert_eq!(other.try_receive(10), Err(Errno::EAGAIN));
}

/// Connections that end wherever they happen to be: nothing of them stays.
#[test]
fn a_hundred_thousand_connections_leave_nothing_behind() {
    let host = alone_with(&[("tcp-buffer", "4KiB")]);
    let (listener, address) = host.listener("127.0.0.1:0", 16);
    let mut random = Random(5);
    let mut rounds = |count: usize| {
        for _ in 0..count {
            let draw = random.next();
            let caller = host.tcp();
            if draw & 1 == 0 {
                caller.connect(address).unwrap();
            } else {
                let _ = caller.try_connect(address);
            }
            let accepted = match draw >> 1 & 3 {
                0 => None,
                _ => listener.try_accept().ok().map(|(socket, _)| socket),
            };
            if draw >> 3 & 1 == 0 {
                let _ = caller.try_send(b"some words that may never be read");
            }
            if draw >> 4 & 1 == 0
                && let Some(accepted) = &accepted
            {
                let _ = accepted.try_send(b"an answer");
                let _ = accepted.try_receive(4);
            }
            if draw >> 5 & 1 == 0 {
                let _ = caller.shutdown(SHUT_WR);
            }
            let end = |socket: Sock, how: u64| match how & 1 {
                0 => socket.close(),
                _ => socket.reset(),
            };
            if draw >> 6 & 1 == 0 {
                end(caller, draw >> 7);
                accepted.into_iter().for_each(|it| end(it, draw >> 8));
            } else {
                accepted.into_iter().for_each(|it| end(it, draw >> 8));
                end(caller, draw >> 7);
            }
            // Who called and was never accepted.
            while let Ok((forgotten, _)) = listener.try_accept() {
                end(forgotten, draw >> 9);
            }
        }
        sim::advance(300_000_000_000);
        host.memory_used()
    };
    let few = rounds(1000);
    let many = rounds(99_000);
    assert_eq!(few, many);
    let net = host.enter(|lwp| lwp.state::<crate::inet::Inet>()).unwrap();
    let left = net
        .tables
        .write(|tables| (tables.connections.len(), tables.time_waits.len()));
    assert_eq!(left, (0, 0));
}
