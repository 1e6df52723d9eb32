//! UDP and raw sockets.

use super::*;

#[test]
fn datagrams_keep_their_bounds_and_tell_their_sender() {
    let [client, server] = pair("a");
    let other = server.udp();
    other.bind(at("10.0.0.2", 53)).unwrap();
    let one = client.udp();
    assert_eq!(one.send_to(b"question", other.local()), Ok(8));
    assert_eq!(one.send_to(b"", other.local()), Ok(0));
    let (data, received) = other.receive_from(100, 0).unwrap();
    assert_eq!(data, b"question");
    let from = received.from.unwrap();
    assert_eq!(from, at("10.0.0.1", port(one.local())));
    assert_eq!(one.local(), at("0.0.0.0", port(from)));
    assert_eq!(other.receive(100).unwrap(), b"");
    other.send_to(b"answer", from).unwrap();
    let (data, received) = one.receive_from(3, MSG_PEEK | MSG_TRUNC).unwrap();
    assert_eq!(
        (data.len(), received.len, received.flags),
        (3, 6, MSG_TRUNC)
    );
    let (data, received) = one.receive_from(3, 0).unwrap();
    assert_eq!(
        (&data[..], received.len, received.flags),
        (&b"ans"[..], 3, MSG_TRUNC)
    );
    assert_eq!(one.try_receive(3), Err(Errno::EAGAIN));
}

#[test]
fn long_datagrams_go_in_fragments_and_too_long_ones_not() {
    let [client, server] = pair("a");
    for (address, most) in [("10.0.0.2", 65507), ("fd00::2", 65527)] {
        let at = at(address, 7);
        let other = server.socket(at.family(), SOCK_DGRAM, 0).unwrap();
        other.bind(at).unwrap();
        let one = client.socket(at.family(), SOCK_DGRAM, 0).unwrap();
        let data: Vec<u8> = (0..most).map(|n| (n % 253) as u8).collect();
        for len in [1472, 1473, 9000, most] {
            assert_eq!(one.send_to(&data[..len], at), Ok(len));
            assert_eq!(other.receive(65535).unwrap(), &data[..len]);
        }
        let too_long = one.send_to(&alloc::vec![0; most + 1], at);
        assert_eq!(too_long, Err(Errno::EMSGSIZE));
    }
}

/// A raw socket wants to see what passes, so that there is a whole packet to be seen.
#[test]
fn a_datagram_that_stays_inside_is_the_same_whether_or_not_somebody_looks() {
    let seen = [false, true].map(|observed| {
        let host = alone();
        let counters = || {
            let net = host.enter(|lwp| lwp.state::<Net>()).unwrap();
            let counted = net.loopback().unwrap().statistics();
            let all = (counted.tx_frames, counted.tx_bytes);
            assert_eq!((counted.rx_frames, counted.rx_bytes), all);
            all
        };
        let raw = host.socket(AF_INET, SOCK_RAW, IPPROTO_UDP).unwrap();
        let raw = observed.then_some(raw);
        let seen = ["127.0.0.1", "::1"].map(|address| {
            let family = at(address, 0).family();
            let [one, other] = [(); 2].map(|()| host.socket(family, SOCK_DGRAM, 0).unwrap());
            other.bind(at(address, 53)).unwrap();
            other.set(SOL_SOCKET, SO_RCVBUF, 4096).unwrap();
            one.bind(at(address, 54)).unwrap();
            let before = counters();
            for len in [0, 1, 5000, 5000, 5000] {
                assert_eq!(one.send_to(&alloc::vec![7; len], other.local()), Ok(len));
            }
            let after = counters();
            let all: Vec<_> = core::iter::from_fn(|| other.try_receive(6000).ok()).collect();
            let lens: Vec<_> = all.iter().map(Vec::len).collect();
            assert_eq!(lens, [0, 1, 5000], "the last two had no room");
            assert_eq!(one.send_to(b"x", at(address, 99)), Ok(1), "nobody is there");
            (after.0 - before.0, after.1 - before.1)
        });
        if let Some(raw) = raw {
            assert_eq!(raw.receive(100).unwrap().len(), 28);
        }
        seen
    });
    assert_eq!(seen[0], [(5, 15001 + 5 * 28), (5, 15001 + 5 * 48)]);
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn a_connected_socket_hears_only_its_peer() {
    let host = alone();
    let [a, b, c] = [(); 3].map(|()| host.udp());
    for socket in [&a, &b, &c] {
        socket.bind(at("127.0.0.1", 0)).unwrap();
    }
    assert_eq!(a.try_send(b"x"), Err(Errno::EDESTADDRREQ));
    a.connect(b.local()).unwrap();
    c.send_to(b"unheard", a.local()).unwrap();
    b.send_to(b"heard", a.local()).unwrap();
    assert_eq!(a.receive(10).unwrap(), b"heard");
    assert_eq!(a.try_receive(10), Err(Errno::EAGAIN));
    a.connect(SockAddr::Unspec).unwrap();
    c.send_to(b"heard now", a.local()).unwrap();
    assert_eq!(a.receive(10).unwrap(), b"heard now");
    assert_eq!(a.peer(), Err(Errno::ENOTCONN));
}

#[test]
fn a_refusal_is_told_to_a_connected_socket() {
    let [client, server] = pair("a");
    for (host, nobody) in [
        (&client, at("10.0.0.2", 9)),
        (&client, at("fd00::2", 9)),
        (&server, at("127.0.0.1", 9)),
        (&server, at("::1", 9)),
    ] {
        let socket = host.socket(nobody.family(), SOCK_DGRAM, 0).unwrap();
        socket.send_to(b"x", nobody).unwrap();
        sim::advance(100_000_000);
        assert_eq!(socket.error(), 0);
        socket.connect(nobody).unwrap();
        socket.send(b"x").unwrap();
        sim::advance(100_000_000);
        assert_eq!(socket.level(), Events::OUT | Events::ERR);
        assert_eq!(socket.try_receive(1), Err(Errno::ECONNREFUSED));
        assert_eq!(socket.try_receive(1), Err(Errno::EAGAIN));
    }
}

#[test]
fn ports_are_shared_if_both_agree() {
    let host = alone();
    let [a, b] = [(); 2].map(|()| host.udp());
    a.bind(at("127.0.0.1", 0)).unwrap();
    assert_eq!(b.bind(a.local()), Err(Errno::EADDRINUSE));
    a.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    b.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    assert_eq!(b.bind(a.local()), Ok(()));
    assert_eq!(b.bind(a.local()), Err(Errno::EINVAL));
}

#[test]
fn an_ipv6_socket_speaks_ipv4() {
    let host = alone();
    let six = host.socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    six.bind(at("::", 0)).unwrap();
    let four = host.udp();
    four.send_to(b"x", at("127.0.0.1", port(six.local())))
        .unwrap();
    let (_, received) = six.receive_from(1, 0).unwrap();
    let from = received.from.unwrap();
    assert_eq!(from, at("::ffff:127.0.0.1", port(four.local())));
    six.send_to(b"y", from).unwrap();
    let (_, received) = four.receive_from(1, 0).unwrap();
    assert_eq!(received.from, Some(at("127.0.0.1", port(six.local()))));
}

#[test]
fn a_queue_that_nobody_reads_is_bounded() {
    let host = alone_with(&[("udp-buffer", "16KiB")]);
    let (one, other) = (host.udp(), host.udp());
    other.bind(at("127.0.0.1", 0)).unwrap();
    for _ in 0..1000 {
        one.send_to(&[0; 1000], other.local()).unwrap();
    }
    let mut kept = 0;
    while other.try_receive(1000).is_ok() {
        kept += 1;
    }
    assert!((8..=16).contains(&kept), "{kept}");
}

#[test]
fn broadcasts_need_leave_and_reach_everybody() {
    let [client, server] = pair("a");
    let others = [(); 2].map(|()| server.udp());
    for other in &others {
        other.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        other.bind(at("0.0.0.0", 67)).unwrap();
    }
    let one = client.udp();
    for all in ["10.0.0.255", "255.255.255.255"] {
        let refused = one.send_to(b"x", at(all, 67));
        assert_eq!(refused, Err(Errno::EACCES), "{all}");
    }
    one.set(SOL_SOCKET, SO_BROADCAST, 1).unwrap();
    one.send_to(b"x", at("10.0.0.255", 67)).unwrap();
    for other in &others {
        assert_eq!(other.receive(1).unwrap(), b"x");
    }
}

#[test]
fn a_raw_socket_gets_packets_as_they_are() {
    let [client, server] = pair("a");
    let other = server.socket(AF_INET, SOCK_RAW, 253).unwrap();
    let one = client.socket(AF_INET, SOCK_RAW, 253).unwrap();
    one.send_to(b"payload", at("10.0.0.2", 0)).unwrap();
    let (packet, received) = other.receive_from(100, 0).unwrap();
    assert_eq!(
        (packet[0], packet.len(), &packet[20..]),
        (0x45, 27, &b"payload"[..])
    );
    assert_eq!(received.from, Some(at("10.0.0.1", 0)));
    // With a header of its own.
    one.set(IPPROTO_IP, IP_HDRINCL, 1).unwrap();
    let mut own = packet.clone();
    own[8] = 7;
    own[12..16].fill(0);
    one.send_to(&own, at("10.0.0.2", 0)).unwrap();
    let heard = other.receive(100).unwrap();
    assert_eq!((heard[8], &heard[12..16]), (7, &[10, 0, 0, 1][..]));
    other.close();
    one.close();
}
