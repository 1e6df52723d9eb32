//! A cable that is cut, and mended again: what Linux does where a carrier is lost and comes back.

use super::*;

const SECOND: u64 = 1_000_000_000;

fn is_running(host: &Host) -> bool {
    host.net.interface("virt0").unwrap().is_running()
}

/// Two kernels, and what cuts their cable.
fn cuttable() -> ([Host; 2], sim::Wire) {
    let hosts = pair("a");
    (hosts, sim::Wire::open("a"))
}

#[test]
fn a_stream_goes_on_when_the_cable_is_mended() {
    let ([a, b], cable) = cuttable();
    let (one, other) = connected(&a, &b, "10.0.0.2:80");
    let much: Vec<u8> = (0..50_000u32).map(|at| (at % 251) as u8).collect();
    assert!(is_running(&a) && is_running(&b));
    cable.cut();
    sim::advance(SECOND / 100);
    assert!(!is_running(&a) && !is_running(&b));
    // Nobody hears of anything yet, and it is still up, with all its addresses and routes.
    assert_eq!(one.send(&much).unwrap(), much.len());
    sim::advance(20 * SECOND);
    assert_eq!(other.try_receive(1), Err(Errno::EAGAIN));
    assert_eq!((one.level() & Events::ERR, one.error()), (Events::NONE, 0));
    assert!(a.net.interface("virt0").unwrap().is_up());
    cable.mend();
    let mut got = Vec::new();
    while got.len() < much.len() {
        got.extend(other.receive(much.len()).unwrap());
    }
    assert!(got == much && is_running(&a));
}

#[test]
fn without_a_carrier_neighbours_are_gone_and_routes_stay() {
    let ([a, b], cable) = cuttable();
    let (one, other) = (a.udp(), b.udp());
    other.bind(addr("10.0.0.2:9")).unwrap();
    one.connect(addr("10.0.0.2:9")).unwrap();
    assert_eq!(one.try_send(b"before"), Ok(6));
    assert_eq!(other.receive(9).unwrap(), b"before");
    let routes = a.net.routes().len();
    cable.cut();
    sim::advance(SECOND / 100);
    assert_eq!(a.net.routes().len(), routes);
    // Datagrams are sent, and it is no error to them that there is nobody (Linux's `udp(7)`: not a fatal one).
    assert_eq!(one.try_send(b"lost"), Ok(4));
    sim::advance(5 * SECOND);
    assert_eq!(one.try_send(b"lost too"), Ok(8));
    // Who connects hears of it, though the neighbour was known a moment ago.
    assert_eq!(
        a.tcp().connect(addr("10.0.0.2:9")),
        Err(Errno::EHOSTUNREACH)
    );
    cable.mend();
    sim::advance(SECOND / 100);
    assert_eq!(one.try_send(b"after"), Ok(5));
    assert_eq!(other.receive(9).unwrap(), b"after");
}

#[test]
fn a_cable_that_stays_in_two_ends_a_stream() {
    let ([a, b], cable) = cuttable();
    let (one, _other) = connected(&a, &b, "[fd00::2]:80");
    one.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30_000).unwrap();
    cable.cut();
    assert_eq!(one.send(b"lost"), Ok(4));
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
}
