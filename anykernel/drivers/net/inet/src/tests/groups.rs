//! Groups: two kernels on a cable, and who hears what is sent to one.

use super::capture::Watch;
use super::*;

const GROUP: &str = "239.1.2.3";
const GROUP_6: &str = "ff05::1:2";

impl Sock {
    fn change(&self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        self.enter(|lwp| self.socket.set_option(lwp, level, name, value))
    }

    /// Joins or leaves a group on the cable.
    fn group(&self, group: &str, joins: bool) -> Result<(), Errno> {
        let interface = self.enter(|lwp| lwp.state::<Net>()?.interface("virt0"));
        let interface = interface.unwrap().index().to_ne_bytes();
        match group.parse().unwrap() {
            IpAddr::V4(group) => {
                let name = [IP_DROP_MEMBERSHIP, IP_ADD_MEMBERSHIP][usize::from(joins)];
                let value = [group.octets(), [0; 4], interface].concat();
                self.change(IPPROTO_IP, name, &value)
            }
            IpAddr::V6(group) => {
                let name = [IPV6_DROP_MEMBERSHIP, IPV6_ADD_MEMBERSHIP][usize::from(joins)];
                let value = [&group.octets()[..], &interface].concat();
                self.change(IPPROTO_IPV6, name, &value)
            }
        }
    }
}

/// A socket on both kernels, bound to a port of all addresses; what the first sends to a group leaves by the cable.
fn sockets(hosts: &[Host; 2], group: &str) -> (Sock, Sock, SockAddr) {
    let to = at(group, 7000);
    let any = if group.contains(':') { "::" } else { "0.0.0.0" };
    let [one, other] = [0, 1].map(|number| {
        let host: &Host = &hosts[number];
        let socket = host.socket(to.family(), SOCK_DGRAM, 0).unwrap();
        socket.bind(at(any, 7000)).unwrap();
        socket
    });
    match group.contains(':') {
        true => one.set(IPPROTO_IPV6, IPV6_MULTICAST_IF, 2).unwrap(),
        false => one
            .change(IPPROTO_IP, IP_MULTICAST_IF, &[10, 0, 0, 1])
            .unwrap(),
    }
    (one, other, to)
}

#[test]
fn members_hear_what_another_kernel_sends() {
    let hosts = pair("a");
    for group in [GROUP, GROUP_6] {
        let (one, other, to) = sockets(&hosts, group);
        one.send_to(b"nobody", to).unwrap();
        sim::advance(1_000_000);
        assert_eq!(other.try_receive(10), Err(Errno::EAGAIN));
        other.group(group, true).unwrap();
        one.send_to(b"member", to).unwrap();
        let (data, received) = other.receive_from(10, 0).unwrap();
        assert_eq!(data, b"member");
        let from = if group == GROUP {
            "10.0.0.1"
        } else {
            "fd00::1"
        };
        assert_eq!(received.from, Some(at(from, 7000)));
        other.group(group, false).unwrap();
        one.send_to(b"left", to).unwrap();
        sim::advance(1_000_000);
        assert_eq!(other.try_receive(10), Err(Errno::EAGAIN));
        // The sender's own kernel was in no group.
        assert_eq!(one.try_receive(10), Err(Errno::EAGAIN));
        one.close();
        other.close();
    }
}

#[test]
fn members_in_the_senders_kernel_hear_it_too_unless_it_does_not_want_that() {
    let hosts = pair("a");
    for (group, level, option) in [
        (GROUP, IPPROTO_IP, IP_MULTICAST_LOOP),
        (GROUP_6, IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    ] {
        let (one, other, to) = sockets(&hosts, group);
        let near = hosts[0].socket(to.family(), SOCK_DGRAM, 0).unwrap();
        near.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        one.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        near.bind(to).unwrap();
        near.group(group, true).unwrap();
        other.group(group, true).unwrap();
        // Longer than a packet: it is heard whole on both sides.
        let long = alloc::vec![7; 4000];
        one.send_to(&long, to).unwrap();
        for socket in [&near, &other, &one] {
            assert_eq!(socket.receive(9000).unwrap(), long);
        }
        one.set(level, option, 0).unwrap();
        one.send_to(b"far", to).unwrap();
        assert_eq!(other.receive(10).unwrap(), b"far");
        assert_eq!(near.try_receive(10), Err(Errno::EAGAIN));
        one.close();
        other.close();
        near.close();
    }
}

#[test]
fn what_may_go_no_hop_stays_in_the_kernel_and_else_it_is_one() {
    let hosts = pair("a");
    let watch = Watch::new(&hosts[0]);
    for (group, level, option) in [
        (GROUP, IPPROTO_IP, IP_MULTICAST_TTL),
        (GROUP_6, IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
    ] {
        let (one, other, to) = sockets(&hosts, group);
        one.group(group, true).unwrap();
        other.group(group, true).unwrap();
        sim::advance(30_000_000_000);
        watch.seen();
        let sent = |hops: Option<i32>| {
            if let Some(hops) = hops {
                one.set(level, option, hops).unwrap();
            }
            one.send_to(b"x", to).unwrap();
            assert_eq!(one.receive(10).unwrap(), b"x");
            let seen = watch.seen();
            let limits: Vec<u8> = seen.iter().map(|packet| packet.hop_limit).collect();
            limits
        };
        assert_eq!(
            [sent(None), sent(Some(0)), sent(Some(9))],
            [alloc::vec![1], alloc::vec![], alloc::vec![9]]
        );
        assert_eq!(one.get(level, option), Ok(9));
        // Others keep their own.
        let peer = if group == GROUP {
            "10.0.0.2"
        } else {
            "fd00::2"
        };
        one.send_to(b"y", at(peer, 9)).unwrap();
        sim::advance(1_000_000_000);
        let seen = watch.seen();
        assert!(
            seen.iter()
                .any(|packet| packet.protocol == 17 && packet.hop_limit == 64)
        );
        one.close();
        other.close();
    }
}

#[test]
fn a_raw_socket_hears_its_groups() {
    let hosts = pair("a");
    let [one, other] = [0, 1].map(|number| {
        let host: &Host = &hosts[number];
        host.socket(AF_INET, SOCK_RAW, 99).unwrap()
    });
    one.change(IPPROTO_IP, IP_MULTICAST_IF, &[10, 0, 0, 1])
        .unwrap();
    let member = hosts[1].udp();
    member.group(GROUP, true).unwrap();
    one.send_to(b"a", at(GROUP, 0)).unwrap();
    assert_eq!(&other.receive(100).unwrap()[20..], b"a");
    other.set(IPPROTO_IP, IP_MULTICAST_ALL, 0).unwrap();
    one.send_to(b"b", at(GROUP, 0)).unwrap();
    sim::advance(1_000_000);
    assert_eq!(other.try_receive(100), Err(Errno::EAGAIN));
    other.group(GROUP, true).unwrap();
    one.send_to(b"c", at(GROUP, 0)).unwrap();
    assert_eq!(&other.receive(100).unwrap()[20..], b"c");
}

#[test]
fn nobody_connects_to_a_group_and_nothing_is_left_of_closed_sockets() {
    let hosts = pair("a");
    let [one, other] = &hosts;
    let listener = other.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    listener.bind(at("0.0.0.0", 80)).unwrap();
    listener.listen(5).unwrap();
    let before = other.memory_used();
    for _ in 0..100 {
        let member = other.udp();
        member.group(GROUP, true).unwrap();
        member.close();
        sim::advance(5_000_000_000);
    }
    let groups = other.net.groups().unwrap();
    let interface = other.net.interface("virt0").unwrap();
    assert!(!groups.contains(&interface, GROUP.parse().unwrap()));
    assert_eq!(other.memory_used(), before);
    let member = other.udp();
    member.group(GROUP, true).unwrap();
    let client = one.tcp();
    assert!(client.try_connect(at(GROUP, 80)).is_err());
    sim::advance(1_000_000_000);
    assert_eq!(listener.try_accept().err(), Some(Errno::EAGAIN));
}
