//! Filters of sockets: what they are shown, and what is left of it. Which programs do what is for others to test.

use base::sync::Leaf;
use sockets::{Arrival, Filter, Origin};

use super::*;

/// A filter that keeps so many bytes, and notes what it saw.
struct Watch {
    keeps: usize,
    seen: Leaf<Vec<Seen>>,
}

/// What is in front of where it begins, how much there is from there on, and what is known.
type Seen = (usize, usize, Origin);

impl Filter for Watch {
    fn judge(&self, arrival: &mut Arrival<'_>) -> usize {
        let origin = arrival.origin.unwrap();
        let len = arrival.bytes.len() - arrival.start;
        self.seen.with(|all| all.push((arrival.start, len, origin)));
        self.keeps
    }
}

impl Watch {
    fn on(socket: &Sock, keeps: usize) -> Arc<Watch> {
        let seen = Leaf::new(Vec::new());
        let watch = Arc::new(Watch { keeps, seen });
        let place = socket.socket.filter().unwrap();
        place.replace(Some(watch.clone())).unwrap();
        watch
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.with(core::mem::take)
    }
}

/// On the first interface beside the loopback.
fn seen(before: usize, len: usize, protocol: u32, to_many: bool) -> Seen {
    let origin = Origin {
        protocol: protocol as u8,
        to_many,
        interface: 2,
        loopback: false,
        ethernet: true,
    };
    (before, len, origin)
}

#[test]
fn datagrams_are_seen_from_their_header_on() {
    let [client, server] = pair("a");
    for (family, all, to, before) in [
        (AF_INET, "0.0.0.0", "10.0.0.2", 20),
        (AF_INET6, "::", "fd00::2", 40),
    ] {
        let other = server.socket(family, SOCK_DGRAM, 0).unwrap();
        other.bind(at(all, 7)).unwrap();
        let watch = Watch::on(&other, 11);
        let one = client.socket(family, SOCK_DGRAM, 0).unwrap();
        one.send_to(b"hello", at(to, 7)).unwrap();
        assert_eq!(other.receive(9).unwrap(), b"hel");
        assert_eq!(watch.seen(), [seen(before, 13, IPPROTO_UDP, false)]);
        one.close();
        other.close();
    }
}

#[test]
fn each_of_many_has_its_own() {
    let [client, server] = pair("a");
    let others = [0, 10, 100].map(|keeps| {
        let other = server.udp();
        other.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        other.bind(at("0.0.0.0", 67)).unwrap();
        (Watch::on(&other, keeps), other)
    });
    let one = client.udp();
    one.set(SOL_SOCKET, SO_BROADCAST, 1).unwrap();
    one.send_to(b"to all", at("10.0.0.255", 67)).unwrap();
    assert_eq!(others[1].1.receive(9).unwrap(), b"to");
    assert_eq!(others[2].1.receive(9).unwrap(), b"to all");
    assert_eq!(others[0].1.try_receive(9), Err(Errno::EAGAIN));
    for (watch, other) in others {
        assert_eq!(watch.seen(), [seen(20, 14, IPPROTO_UDP, true)]);
        other.close();
    }
    let interface = server.net.interface("virt0").unwrap();
    let dropped = alloc::format!("{}", interface.statistics());
    assert!(dropped.contains("filtered"), "{dropped}");
    one.close();
}

#[test]
fn raw_sockets_see_what_they_get() {
    let [client, server] = pair("a");
    for (family, to, before, len) in [(AF_INET, "10.0.0.2", 0, 27), (AF_INET6, "fd00::2", 40, 7)] {
        let other = server.socket(family, SOCK_RAW, 253).unwrap();
        let one = client.socket(family, SOCK_RAW, 253).unwrap();
        let drops = Watch::on(&other, 0);
        one.send_to(b"nothing", at(to, 0)).unwrap();
        sim::advance(1_000_000);
        let watch = Watch::on(&other, len - 2);
        one.send_to(b"payload", at(to, 0)).unwrap();
        let packet = other.receive(100).unwrap();
        assert_eq!(packet.len(), len - 2);
        assert!(packet.ends_with(b"paylo"));
        assert_eq!(drops.seen(), [seen(before, len, 253, false)]);
        assert_eq!(watch.seen(), [seen(before, len, 253, false)]);
        one.close();
        other.close();
    }
}

#[test]
fn a_listener_passes_its_filter_on() {
    let [client, server] = pair("a");
    let (listener, at) = server.listener("10.0.0.2:9", 5);
    let watch = Watch::on(&listener, usize::MAX);
    listener.socket.filter().unwrap().lock(true).unwrap();
    let one = client.tcp();
    one.connect(at).unwrap();
    let (other, _) = listener.accept().unwrap();
    let place = other.socket.filter().unwrap();
    assert!(place.is_locked());
    assert_eq!(place.replace(None).err(), Some(Errno::EPERM));
    watch.seen();
    one.send(b"x").unwrap();
    assert_eq!(other.receive(1).unwrap(), b"x");
    assert_eq!(watch.seen(), [seen(20, 21, IPPROTO_TCP, false)]);
    for socket in [one, other, listener] {
        socket.close();
    }
}

#[test]
fn without_somebody_who_makes_them_there_are_no_options() {
    let host = alone();
    let socket = host.udp();
    let value = syscall::OptIn::new(Ok(UserIn::from(&[0; 16][..])));
    socket
        .enter(|lwp| {
            use sockets::syscalls::{getsockopt, setsockopt, socket};
            let fd = socket(lwp, AF_INET.into(), SOCK_DGRAM as i32, 0)?;
            let (fd, level) = (syscall::Fd(fd.0), SOL_SOCKET as i32);
            for name in [SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_LOCK_FILTER] {
                let set = setsockopt(lwp, fd, level, name as i32, value);
                assert_eq!(set, Err(Errno::ENOPROTOOPT));
                let (mut bytes, mut len) = ([0; 4], 0);
                let place = syscall::OptOut::new(Ok(UserOut::from(&mut bytes[..])), &mut len);
                let got = getsockopt(lwp, fd, level, name as i32, place);
                assert_eq!(got, Err(Errno::ENOPROTOOPT));
            }
            Ok(())
        })
        .unwrap();
    socket.close();
}
