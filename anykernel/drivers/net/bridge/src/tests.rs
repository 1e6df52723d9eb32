use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp, System, enter};
use net::testing::{Attached, Host, PARAMS, arp, boot_system, ethernet, packet};

use crate::{Bridge, Bridges};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

const ALL: [u8; 6] = [0xff; 6];

/// The station of this number.
fn station(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, number]
}

/// A bridge with 10.0.0.1 and three members.
fn bridge() -> (Host, Arc<Bridge>, Vec<Attached>) {
    let host = boot_system(&SYSTEM, &[]);
    let members: Vec<Attached> = (0..3).map(|_| host.ethernet("port", &[])).collect();
    let bridge = enter(host.kernel.process(), |lwp: &Lwp<'_>| {
        let bridges = lwp.state::<Bridges>()?;
        let bridge = bridges.create(&host.net, "bridge0")?;
        for member in &members {
            bridge.join(&member.interface)?;
        }
        let own = host.net.interface("bridge0")?;
        host.net
            .add_address(lwp, &own, "10.0.0.1/24".parse().unwrap())?;
        host.net.flush(lwp);
        Ok(bridge)
    })
    .unwrap();
    for member in &members {
        assert!(!member.sent().is_empty(), "the address was not announced");
    }
    (host, bridge, members)
}

/// Has a frame arrive at a member; how many each sends.
fn feed(host: &Host, members: &[Attached], at: usize, frame: &[u8]) -> Vec<usize> {
    host.feed(&members[at], frame);
    let sent = members.iter().map(|member| {
        let sent = member.sent();
        assert!(sent.iter().all(|other| other == frame));
        sent.len()
    });
    sent.collect()
}

#[test]
fn frames_go_where_their_receiver_is() {
    let (host, _bridge, members) = bridge();
    let to = |to: u8, from: u8| ethernet(station(to), station(from), 0x88b5, b"whatever");
    assert_eq!(feed(&host, &members, 0, &to(2, 1)), [0, 1, 1]);
    assert_eq!(feed(&host, &members, 1, &to(1, 2)), [1, 0, 0]);
    assert_eq!(feed(&host, &members, 0, &to(2, 1)), [0, 1, 0]);
    // It is where it was, with the sender.
    assert_eq!(feed(&host, &members, 1, &to(2, 3)), [0, 0, 0]);
    // It moved.
    assert_eq!(feed(&host, &members, 2, &to(1, 2)), [1, 0, 0]);
    assert_eq!(feed(&host, &members, 0, &to(2, 1)), [0, 0, 1]);
    // It has been silent.
    sim::advance(301_000_000_000);
    assert_eq!(feed(&host, &members, 0, &to(2, 1)), [0, 1, 1]);
}

#[test]
fn frames_for_many_go_everywhere_and_for_the_link_nowhere() {
    let (host, _bridge, members) = bridge();
    let many = ethernet(ALL, station(1), 0x88b5, b"hello");
    assert_eq!(feed(&host, &members, 1, &many), [1, 0, 1]);
    let link = ethernet([1, 0x80, 0xc2, 0, 0, 0], station(1), 0x88b5, b"tree");
    assert_eq!(feed(&host, &members, 1, &link), [0, 0, 0]);
    assert_eq!(feed(&host, &members, 1, &many[..13]), [0, 0, 0]);
    let forged = ethernet(station(2), ALL, 0x88b5, b"x");
    assert_eq!(feed(&host, &members, 1, &forged), [0, 0, 0]);
}

#[test]
fn the_kernel_talks_from_the_bridge() {
    let (host, _bridge, members) = bridge();
    let own = host.net.interface("bridge0").unwrap();
    let us = own.hardware_address();
    let question = arp(1, station(9), "10.0.0.9", [0; 6], "10.0.0.1");
    host.feed(&members[2], &ethernet(ALL, station(9), 0x0806, &question));
    let answer = ethernet(
        station(9),
        us,
        0x0806,
        &arp(2, us, "10.0.0.1", station(9), "10.0.0.9"),
    );
    // The others got the question, and who asked the answer.
    assert_eq!((members[0].sent().len(), members[1].sent().len()), (1, 1));
    assert_eq!(members[2].sent(), [answer]);
    let datagram = packet("10.0.0.9", "10.0.0.1", 17, b"datagram");
    host.feed(&members[2], &ethernet(us, station(9), 0x0800, &datagram));
    assert_eq!(host.received()[0].0, datagram);
    let answer = packet("10.0.0.1", "10.0.0.9", 17, b"answer");
    host.send(&answer).unwrap();
    assert_eq!(members[0].sent().len() + members[1].sent().len(), 0);
    assert_eq!(
        members[2].sent(),
        [ethernet(station(9), us, 0x0800, &answer)]
    );
}

#[test]
fn members_come_and_go() {
    let (host, bridge, members) = bridge();
    let frame = ethernet(station(2), station(1), 0x88b5, b"x");
    assert_eq!(bridge.join(&members[0].interface), Err(Errno::EBUSY));
    assert_eq!(bridge.join(&host.loopback().interface), Err(Errno::EINVAL));
    let own = host.net.interface("bridge0").unwrap();
    assert_eq!(bridge.join(&own), Err(Errno::EINVAL));
    bridge.part(&members[1].interface).unwrap();
    assert_eq!(bridge.part(&members[1].interface), Err(Errno::ENOENT));
    assert_eq!(feed(&host, &members, 0, &frame), [0, 0, 1]);
    assert_eq!(feed(&host, &members, 1, &frame), [0, 0, 0]);
    bridge.join(&members[1].interface).unwrap();
    assert_eq!(feed(&host, &members, 0, &frame), [0, 1, 1]);
    let create = |name: &str| {
        enter(host.kernel.process(), |lwp: &Lwp<'_>| {
            lwp.state::<Bridges>()?.create(&host.net, name).map(drop)
        })
    };
    assert_eq!(create("bridge0"), Err(Errno::EEXIST));
    assert_eq!(create("bridge"), Err(Errno::EINVAL));
    assert_eq!(create("br0"), Err(Errno::EINVAL));
    assert_eq!(create("bridge1"), Ok(()));
}

#[test]
fn a_bridge_has_a_carrier_where_a_member_has() {
    let (host, _bridge, members) = bridge();
    let own = host.net.interface("bridge0").unwrap();
    let set = |at: usize, carrier| {
        let interface = &members[at].interface;
        host.in_kernel(|lwp, net| net.set_carrier(lwp, interface, carrier));
    };
    let frame = |to: u8, from: u8| ethernet(station(to), station(from), 0x88b5, b"whatever");
    assert_eq!(feed(&host, &members, 0, &frame(2, 1)), [0, 1, 1]);
    assert_eq!(feed(&host, &members, 1, &frame(1, 2)), [1, 0, 0]);
    // Whoever was at that port may be elsewhere now.
    set(0, false);
    assert!(own.has_carrier());
    assert_eq!(feed(&host, &members, 1, &frame(1, 2)), [1, 0, 1]);
    set(1, false);
    set(2, false);
    assert!(!own.has_carrier());
    set(2, true);
    assert!(own.is_running());
}
