//! What each option does, as a capture of the link shows it.

mod endings;
mod segments;

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
