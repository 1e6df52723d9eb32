//! What each option does, as a capture of the link shows it.

use super::capture::{Seen, Watch};
use super::*;

const SECOND: u64 = 1_000_000_000;
const CABLE: &str = "a?latency=100us";
const ADDRESSES: [&str; 2] = ["10.0.0.2:0", "[fd00::2]:0"];

/// Times in milliseconds after the first. Timers may be some of them late.
fn milliseconds(seen: &[Seen]) -> Vec<u64> {
    let first = seen.first().map_or(0, |seen| seen.at);
    seen.iter()
        .map(|seen| (seen.at - first) / 5_000_000 * 5)
        .collect()
}

fn data(seen: &[Seen]) -> Vec<usize> {
    let lengths = seen.iter().map(|seen| seen.data);
    lengths.filter(|len| *len > 0).collect()
}

// ---- ends ----

#[test]
fn lingering_for_no_time_resets() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, other) = connected(&client, &server, address);
        let watch = Watch::new(&client);
        one.send(b"words").unwrap();
        one.linger(0);
        let here = port(one.local());
        one.close();
        sim::advance(SECOND);
        let sent: Vec<Seen> = watch
            .seen()
            .into_iter()
            .filter(|seen| seen.ports[0] == here)
            .collect();
        let resets = sent.iter().filter(|seen| seen.segment.rst).count();
        assert_eq!(
            (resets, sent.iter().any(|seen| seen.segment.fin)),
            (1, false),
            "{sent:?}"
        );
        other.close();
    }
}

/// Who lingers waits for the end of hanging up: until the peer has everything.
#[test]
fn lingering_waits_until_all_is_confirmed() {
    let [client, server] = pair("a?latency=50ms");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.linger(5);
    sim::advance(SECOND);
    let watch = Watch::new(&client);
    one.send(b"words").unwrap();
    let (socket, began) = (one.socket.clone(), hypercall::clock::wall());
    one.close();
    let confirmed = || socket.readiness().level().contains(Events::HUP);
    while !confirmed() {
        sim::advance(1_000_000);
    }
    let waited = (hypercall::clock::wall() - began) / 1_000_000;
    let seen = watch.seen();
    let last = seen.last().unwrap();
    assert!((100..120).contains(&waited), "{waited} ms");
    assert_eq!((last.at - began) / 5_000_000, waited / 5);
    assert_eq!(seen.iter().filter(|seen| seen.segment.rst).count(), 0);
    assert_eq!(other.receive_all().unwrap(), b"words");
}

#[test]
fn closing_without_lingering_says_goodbye() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let watch = Watch::new(&client);
    one.send(b"words").unwrap();
    one.close();
    assert_eq!(other.receive_all().unwrap(), b"words");
    other.close();
    sim::advance(SECOND);
    let seen = watch.seen();
    let fins = seen.iter().filter(|seen| seen.segment.fin).count();
    assert_eq!((fins, seen.iter().any(|seen| seen.segment.rst)), (2, false));
}

// ---- patience ----

/// An idle peer is asked after `TCP_KEEPIDLE`, then every `TCP_KEEPINTVL`, and given up after `TCP_KEEPCNT` of them.
#[test]
fn keep_alive_asks_at_its_times() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, _other) = connected(&client, &server, address);
        sim::advance(SECOND);
        let watch = Watch::new(&client);
        let began = hypercall::clock::wall();
        one.set(IPPROTO_TCP, TCP_KEEPIDLE, 10).unwrap();
        one.set(IPPROTO_TCP, TCP_KEEPINTVL, 2).unwrap();
        one.set(IPPROTO_TCP, TCP_KEEPCNT, 3).unwrap();
        one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
        // Each is answered, and the peer is idle again.
        sim::advance(35 * SECOND);
        let probes = watch.sent_by(&one);
        let after = (probes[0].at - began) / 1_000_000_000;
        // A second of idleness went by before the option was set.
        assert!((8..=9).contains(&after), "{after} s");
        assert_eq!(milliseconds(&probes), [0, 10_000, 20_000]);
        for probe in &probes {
            assert!(probe.data <= 1 && !probe.segment.fin);
        }
        // One before the next: nothing new is sent by it.
        let next = probes[0].segment.seq.wrapping_add(1);
        one.send(b"x").unwrap();
        let sent = watch.sent_by(&one);
        assert_eq!((sent[0].segment.seq, sent[0].data), (next, 1));
        one.set(SOL_SOCKET, SO_KEEPALIVE, 0).unwrap();
        sim::advance(SECOND);
        watch.sent_by(&one);
        sim::advance(100 * SECOND);
        assert_eq!(watch.sent_by(&one).len(), 0);
    }
}

#[test]
fn keep_alive_gives_up_after_as_many_questions_as_it_may_ask() {
    let [client, server] = pair(CABLE);
    let (one, _other) = connected(&client, &server, "10.0.0.2:0");
    sim::advance(SECOND);
    one.set(IPPROTO_TCP, TCP_KEEPIDLE, 5).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPINTVL, 2).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPCNT, 4).unwrap();
    one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
    let watch = Watch::new(&client);
    server.kernel.shutdown();
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
    let ended = hypercall::clock::wall();
    let probes: Vec<Seen> = watch
        .seen()
        .into_iter()
        .filter(|seen| seen.data == 1)
        .collect();
    assert_eq!(milliseconds(&probes), [0, 2000, 4000, 6000]);
    let after = ended - probes[3].at;
    assert!((SECOND..=3 * SECOND).contains(&after), "{after} ns");
}

#[test]
fn a_user_timeout_says_how_long_data_is_repeated() {
    let [client, server] = pair(CABLE);
    let (one, _other) = connected(&client, &server, "10.0.0.2:0");
    one.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 7500).unwrap();
    server.kernel.shutdown();
    let watch = Watch::new(&client);
    one.send(b"hello?").unwrap();
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
    let ended = hypercall::clock::wall();
    let sent: Vec<Seen> = watch
        .seen()
        .into_iter()
        .filter(|seen| seen.data == 6)
        .collect();
    assert!(sent.len() >= 3, "{sent:?}");
    assert!(
        sent.iter()
            .all(|seen| seen.segment.seq == sent[0].segment.seq)
    );
    let took = (ended - sent[0].at) / 1_000_000;
    assert!((7500..7600).contains(&took), "{took} ms");
}

#[test]
fn syns_are_repeated_as_often_as_is_asked_for() {
    let [client, server] = pair(CABLE);
    // So that the address is known; and then nobody is there any more.
    let _met = connected(&client, &server, "10.0.0.2:0");
    server.kernel.shutdown();
    for (count, times, limit) in [(1, &[0, 1000][..], 3), (3, &[0, 1000, 3000, 7000][..], 15)] {
        let one = client.tcp();
        one.set(IPPROTO_TCP, TCP_SYNCNT, count).unwrap();
        let watch = Watch::new(&client);
        let began = sim::now();
        // The neighbour is asked again meanwhile, and says nothing either.
        let refused = one.connect(at("10.0.0.2", 80)).unwrap_err();
        let syns: Vec<Seen> = watch
            .seen()
            .into_iter()
            .filter(|seen| seen.segment.syn)
            .collect();
        if refused == Errno::ETIMEDOUT {
            assert_eq!(milliseconds(&syns), times);
            assert_eq!((sim::now() - began + SECOND / 2) / SECOND, limit);
        } else {
            assert_eq!(refused, Errno::EHOSTUNREACH);
        }
    }
}

// ---- segments ----

/// The lengths of the segments that leave when these pieces are written at once.
fn pieces_leave_as(prepare: impl Fn(&Sock), pieces: &[(usize, u32)]) -> Vec<usize> {
    let [client, server] = pair(CABLE);
    let (one, other) = connected_with(&client, &server, "10.0.0.2:0", prepare);
    let watch = Watch::new(&client);
    let mut total = 0;
    for (len, flags) in pieces {
        assert_eq!(one.send_with(&alloc::vec![7; *len], *flags), Ok(*len));
        total += len;
    }
    let mut got = 0;
    while got < total {
        got += other.receive(total).unwrap().len();
    }
    data(&watch.sent_by(&one))
}

#[test]
fn without_delay_each_write_is_a_segment() {
    let pieces = [(10, 0), (20, 0), (30, 0), (40, 0)];
    let delayed = pieces_leave_as(|_| (), &pieces);
    assert_eq!(delayed, [10, 90]);
    let at_once = pieces_leave_as(|it| it.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap(), &pieces);
    assert_eq!(at_once, [10, 20, 30, 40]);
}

#[test]
fn more_to_come_is_waited_for() {
    let pieces = [(10, MSG_MORE), (20, MSG_MORE), (30, 0)];
    assert_eq!(pieces_leave_as(|_| (), &pieces), [60]);
    // Without delay, too: that is what it is for.
    let at_once = |it: &Sock| it.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap();
    assert_eq!(pieces_leave_as(at_once, &pieces), [60]);
    // What makes a full segment leaves.
    let pieces = [(1000, MSG_MORE), (600, MSG_MORE), (400, 0)];
    assert_eq!(pieces_leave_as(at_once, &pieces), [1460, 540]);
}

#[test]
fn a_corked_stream_leaves_in_full_segments_until_it_is_uncorked() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, other) = connected(&client, &server, address);
        let full = if address.contains('[') { 1440 } else { 1460 };
        let watch = Watch::new(&client);
        one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
        for _ in 0..4 {
            one.send(&[1; 500]).unwrap();
            sim::advance(1_000_000);
        }
        assert_eq!(data(&watch.sent_by(&one)), [full]);
        one.set(IPPROTO_TCP, TCP_CORK, 0).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [2000 - full]);
        // No longer than a fifth of a second.
        one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
        sim::advance(SECOND);
        let began = hypercall::clock::wall();
        one.send(b"end").unwrap();
        sim::advance(SECOND);
        let sent = watch.sent_by(&one);
        assert_eq!(data(&sent), [3]);
        assert_eq!((sent[0].at - began) / 1_000_000, 200);
        // Unless who wrote it will have no delay; and an end is an end.
        one.send(b"now").unwrap();
        one.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [3]);
        sim::advance(SECOND);
        one.send(b"last").unwrap();
        one.shutdown(SHUT_WR).unwrap();
        let sent = watch.sent_by(&one);
        assert_eq!(
            (data(&sent), sent.last().unwrap().segment.fin),
            (alloc::vec![4], true)
        );
        assert_eq!(other.receive_all().unwrap().len(), 2000 + 3 + 3 + 4);
    }
}

#[test]
fn a_corked_stream_confirms_what_it_gets_in_time() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
    let took = super::bulk::exchange(&one, &other, 300_000, 20_000);
    assert!(took < SECOND, "{took} ns");
}

#[test]
fn the_largest_segment_is_offered_and_kept_to() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let watch = Watch::new(&client);
        let (one, other) = connected_with(&client, &server, address, |socket| {
            socket.set(IPPROTO_TCP, TCP_MAXSEG, 600).unwrap();
        });
        one.send(&[1; 1500]).unwrap();
        other.send(&[1; 1500]).unwrap();
        sim::advance(SECOND);
        let seen = watch.seen();
        let offered = seen.iter().filter_map(|seen| seen.segment.max_segment);
        assert_eq!(offered.collect::<Vec<_>>(), [600, 600]);
        assert_eq!(data(&seen).iter().max(), Some(&600));
        assert_eq!(one.get(IPPROTO_TCP, TCP_MAXSEG), Ok(600));
    }
}

/// The buffer's size is what a SYN offers and scales, and what a peer that is not read from fills.
#[test]
fn the_receive_buffer_is_the_window() {
    for (buffer, scale) in [(20_000, 0), (65_535, 0), (200_000, 2), (1_000_000, 4)] {
        let [client, server] = pair(CABLE);
        let watch = Watch::new(&client);
        let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket.set(SOL_SOCKET, SO_RCVBUF, buffer).unwrap();
            socket.set(SOL_SOCKET, SO_SNDBUF, 4_000_000).unwrap();
        });
        let seen = watch.seen();
        let syn = &seen.iter().find(|seen| seen.segment.syn).unwrap().segment;
        assert_eq!(syn.window_scale, Some(scale));
        assert_eq!(i32::from(syn.window), buffer.min(65_535));
        // Nobody reads.
        other.try_send(&alloc::vec![7; 2_000_000]).unwrap();
        sim::advance(20 * SECOND);
        let last = watch.sent_by(&one).pop().unwrap().segment;
        let held = one.enter(|lwp| one.socket.readable(lwp)).unwrap();
        assert!(
            held <= buffer as usize && held + 3000 > buffer as usize,
            "{held} of {buffer}"
        );
        assert!((usize::from(last.window) << scale) < 3000);
    }
}

#[test]
fn the_send_buffer_bounds_what_is_taken() {
    let [client, server] = pair(CABLE);
    for buffer in [4096, 50_000] {
        let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket.set(SOL_SOCKET, SO_SNDBUF, buffer).unwrap();
            socket.set(SOL_SOCKET, SO_RCVBUF, 2048).unwrap();
        });
        let mut taken = 0;
        while let Ok(sent) = one.try_send(&[7; 1000]) {
            taken += sent;
            sim::advance(SECOND / 10);
        }
        let held = other.enter(|lwp| other.socket.readable(lwp)).unwrap();
        assert_eq!(taken - held, buffer as usize);
    }
}

/// When the peer hears that data arrived.
#[test]
fn quick_acknowledgements_wait_for_nothing() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    for (quick, delay) in [(1, 0), (0, 10)] {
        one.set(IPPROTO_TCP, TCP_QUICKACK, quick).unwrap();
        assert_eq!(one.get(IPPROTO_TCP, TCP_QUICKACK), Ok(quick));
        sim::advance(SECOND);
        let watch = Watch::new(&client);
        other.send(b"data").unwrap();
        sim::advance(SECOND);
        let seen = watch.seen();
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!((seen[1].at - seen[0].at) / 1_000_000, delay);
        one.receive(10).unwrap();
    }
}

// ---- headers ----

#[test]
fn hop_limits_and_classes_are_in_every_packet() {
    let [client, server] = pair(CABLE);
    for (address, hops, class) in [
        ("10.0.0.2:0", (IPPROTO_IP, IP_TTL), (IPPROTO_IP, IP_TOS)),
        (
            "[fd00::2]:0",
            (IPPROTO_IPV6, IPV6_UNICAST_HOPS),
            (IPPROTO_IPV6, IPV6_TCLASS),
        ),
    ] {
        let watch = Watch::new(&client);
        let (one, other) = connected_with(&client, &server, address, |socket| {
            socket.set(hops.0, hops.1, 33).unwrap();
            socket.set(class.0, class.1, 0xb9).unwrap();
        });
        one.send(b"words").unwrap();
        assert_eq!(other.receive(10).unwrap(), b"words");
        one.close();
        other.close();
        sim::advance(SECOND);
        let seen = watch.seen();
        assert!(seen.len() >= 7);
        for seen in seen.iter().filter(|seen| seen.protocol == 6) {
            // What tells of congestion is not the program's.
            assert_eq!((seen.hop_limit, seen.class), (33, 0xb8), "{seen:?}");
        }
        let to = addr(address).ip().unwrap().ip();
        for (kind, protocol) in [(SOCK_DGRAM, 0), (SOCK_RAW, 253)] {
            let socket = client
                .socket(addr(address).family(), kind, protocol)
                .unwrap();
            socket.set(hops.0, hops.1, 3).unwrap();
            socket.set(class.0, class.1, 0xb9).unwrap();
            socket.send_to(b"datagram", (to, 9).into()).unwrap();
            let seen = watch.seen();
            assert_eq!((seen[0].hop_limit, seen[0].class), (3, 0xb9));
            sim::advance(SECOND);
            watch.seen();
        }
    }
    // A socket of IPv6 has both, for both kinds of packets.
    let watch = Watch::new(&client);
    let six = client.socket(AF_INET6, SOCK_DGRAM, 0).unwrap();
    six.set(IPPROTO_IP, IP_TTL, 4).unwrap();
    six.set(IPPROTO_IP, IP_TOS, 0x40).unwrap();
    six.set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 6).unwrap();
    six.set(IPPROTO_IPV6, IPV6_TCLASS, 0x60).unwrap();
    for (to, hops, class) in [("::ffff:10.0.0.2", 4, 0x40), ("fd00::2", 6, 0x60)] {
        six.send_to(b"x", at(to, 9)).unwrap();
        let seen = watch.seen().remove(0);
        assert_eq!((seen.hop_limit, seen.class), (hops, class));
        sim::advance(SECOND);
        watch.seen();
    }
}

// ---- datagrams ----

/// Of IPv4, who does not find out how long packets may be lets routers cut them up; who insists hears of what is
/// too long, and so it is with IPv6.
#[test]
fn who_finds_out_how_long_packets_may_be_has_none_cut_up() {
    let [client, server] = pair(CABLE);
    let watch = Watch::new(&client);
    let long = alloc::vec![7; 2000];
    for (discover, may_be_cut, refused) in [
        (IP_PMTUDISC_DONT, true, false),
        (IP_PMTUDISC_WANT, false, false),
        (IP_PMTUDISC_DO, false, true),
        (IP_PMTUDISC_PROBE, false, true),
        (IP_PMTUDISC_INTERFACE, true, false),
        (IP_PMTUDISC_OMIT, true, false),
    ] {
        let sent = |family, level, name, to| {
            let socket = client.socket(family, SOCK_DGRAM, 0).unwrap();
            socket.set(level, name, discover as i32).unwrap();
            sim::advance(SECOND);
            watch.seen();
            socket.send_to(&long[..100], at(to, 9)).unwrap();
            sim::advance(SECOND);
            let short = watch.seen().into_iter().find(|seen| seen.data == 100);
            let result = socket.send_to(&long, at(to, 9));
            sim::advance(SECOND);
            let pieces = watch.seen();
            assert_eq!(
                result,
                if refused {
                    Err(Errno::EMSGSIZE)
                } else {
                    Ok(2000)
                }
            );
            assert_eq!(
                pieces.iter().filter(|it| it.is_fragment).count(),
                if refused { 0 } else { 2 }
            );
            assert!(pieces.iter().all(|it| it.len <= 1500));
            short.unwrap()
        };
        let four = sent(AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, "10.0.0.2");
        assert_eq!(four.may_be_cut, may_be_cut, "{discover}");
        sent(AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, "fd00::2");
    }
    for (discover, may_be_cut) in [(IP_PMTUDISC_DONT, true), (IP_PMTUDISC_DO, false)] {
        watch.seen();
        let (one, _other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket
                .set(IPPROTO_IP, IP_MTU_DISCOVER, discover as i32)
                .unwrap();
        });
        one.send(b"words").unwrap();
        sim::advance(SECOND);
        let seen = watch.seen();
        assert!(
            seen.iter()
                .filter(|it| it.protocol == 6)
                .all(|it| it.may_be_cut == may_be_cut)
        );
        assert_eq!(one.get(IPPROTO_IP, IP_MTU), Ok(1500));
    }
}

#[test]
fn pieces_of_a_datagram_leave_as_one() {
    let [client, _server] = pair(CABLE);
    for (family, address) in [(AF_INET, "10.0.0.2"), (AF_INET6, "fd00::2")] {
        let one = client.socket(family, SOCK_DGRAM, 0).unwrap();
        one.connect(at(address, 9)).unwrap();
        one.send(b"so that the neighbour is known").unwrap();
        sim::advance(SECOND);
        one.error();
        let watch = Watch::new(&client);
        one.send_with(&[1; 10], MSG_MORE).unwrap();
        one.send_with(&[1; 20], MSG_MORE).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), []);
        one.send(&[1; 30]).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [60]);
        sim::advance(SECOND);
        one.error();
        one.set(IPPROTO_UDP, UDP_CORK, 1).unwrap();
        one.send(&[1; 10]).unwrap();
        one.send(&[1; 5]).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), []);
        one.set(IPPROTO_UDP, UDP_CORK, 0).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [15]);
    }
}

/// A SYN carries no data and asks for no cookie: the data follows when the peer is there.
#[test]
fn opening_fast_is_connecting_and_then_sending() {
    let [client, server] = pair(CABLE);
    let (listener, address) = server.listener("10.0.0.2:80", 5);
    let watch = Watch::new(&client);
    let one = client.tcp();
    let mut with = Outgoing {
        to: Some(address),
        ..Outgoing::default()
    };
    let sent = one.block(|lwp| {
        let mut data = UserIn::from(&b"question"[..]).into();
        one.socket.try_send(lwp, &mut data, &mut with, MSG_FASTOPEN)
    });
    assert_eq!(sent, Ok(8));
    let (other, _) = listener.accept().unwrap();
    assert_eq!(other.receive(10).unwrap(), b"question");
    let sent = watch.sent_by(&one);
    assert_eq!((sent[0].segment.syn, sent[0].data), (true, 0));
    assert_eq!(data(&sent), [8]);
}

#[test]
fn broadcasts_leave_when_they_are_allowed() {
    let [client, _server] = pair(CABLE);
    let watch = Watch::new(&client);
    let one = client.udp();
    assert_eq!(one.send_to(b"x", at("10.0.0.255", 9)), Err(Errno::EACCES));
    assert_eq!(watch.seen().len(), 0);
    one.set(SOL_SOCKET, SO_BROADCAST, 1).unwrap();
    one.send_to(b"x", at("10.0.0.255", 9)).unwrap();
    assert_eq!(watch.seen()[0].data, 1);
}

#[test]
fn without_routers_only_neighbours_are_reached() {
    let [client, server] = pair(CABLE);
    client
        .enter(|lwp| client.net.add_gateway(lwp, "10.0.0.2".parse().unwrap()))
        .unwrap();
    let watch = Watch::new(&client);
    for on in [0, 1] {
        let (udp, tcp) = (client.udp(), client.tcp());
        for socket in [&udp, &tcp] {
            socket.set(SOL_SOCKET, SO_DONTROUTE, on).unwrap();
        }
        let far = udp.send_to(b"far", at("192.0.2.1", 9));
        let seen = watch.seen();
        let left = seen.iter().filter(|seen| seen.data == 3).count();
        let near = udp.send_to(b"near", at("10.0.0.2", 9));
        assert_eq!(near, Ok(4));
        udp.send_to(b"own", at("127.0.0.1", 9)).unwrap();
        sim::advance(SECOND);
        watch.seen();
        let connect = tcp.try_connect(at("192.0.2.1", 9));
        let syns = watch.seen().len();
        if on == 0 {
            assert_eq!((far, connect, syns), (Ok(3), Err(Errno::EAGAIN), 1));
        } else {
            let refused = Errno::ENETUNREACH;
            assert_eq!((far, left), (Err(refused), 0));
            assert_eq!((connect, syns), (Err(refused), 0));
            let (one, _other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
                socket.set(SOL_SOCKET, SO_DONTROUTE, 1).unwrap();
            });
            one.close();
        }
    }
}

#[test]
fn a_program_that_writes_headers_sends_them() {
    let [client, _server] = pair(CABLE);
    let watch = Watch::new(&client);
    let raw = client.socket(AF_INET, SOCK_RAW, 253).unwrap();
    let mut packet = alloc::vec![
        0x45, 0x28, 0, 0, 0, 9, 0, 0, 77, 253, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2
    ];
    packet.extend(b"data");
    raw.set(IPPROTO_IP, IP_HDRINCL, 1).unwrap();
    raw.send_to(&packet, at("10.0.0.2", 0)).unwrap();
    raw.set(IPPROTO_IP, IP_HDRINCL, 0).unwrap();
    sim::advance(SECOND);
    let seen = watch.seen().remove(0);
    assert_eq!((seen.hop_limit, seen.class, seen.len), (77, 0x28, 24));
    raw.send_to(&packet, at("10.0.0.2", 0)).unwrap();
    let seen = watch.seen().remove(0);
    assert_eq!((seen.hop_limit, seen.class, seen.len), (64, 0, 44));
}

// ---- what only the socket itself shows ----

#[test]
fn a_low_water_mark_says_how_much_is_worth_being_told_of() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    other.set(SOL_SOCKET, SO_RCVLOWAT, 10).unwrap();
    one.send(&[1; 9]).unwrap();
    sim::advance(SECOND);
    assert!(!other.level().contains(Events::IN));
    one.send(&[1; 1]).unwrap();
    sim::advance(SECOND);
    assert!(other.level().contains(Events::IN));
}
