use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::testing::{Attached, Host, arp, boot, ethernet, icmpv6, packet};

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];
const ALL: [u8; 6] = [0xff; 6];
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

fn host() -> (Host, Attached) {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24", "fd00::2/64"]);
    (host, link)
}

fn answer(host: &Host, link: &Attached, address: &str, hardware: [u8; 6]) {
    let us = link.interface.hardware_address();
    let reply = arp(2, hardware, address, us, "10.0.0.2");
    host.feed(link, &ethernet(us, hardware, ARP, &reply));
}

fn neighbour_message(kind: u8, flags: u8, target: &str, option: Option<[u8; 6]>) -> Vec<u8> {
    let target: core::net::Ipv6Addr = target.parse().unwrap();
    let mut message = alloc::vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend(target.octets());
    if let Some(hardware) = option {
        message.extend([kind - 134, 1]);
        message.extend(hardware);
    }
    message
}

#[test]
fn a_packet_waits_for_the_answer() {
    let (host, link) = host();
    let us = link.interface.hardware_address();
    let datagram = packet("10.0.0.2", "10.0.0.9", 17, b"first");
    host.send(&datagram).unwrap();
    let question = arp(1, us, "10.0.0.2", [0; 6], "10.0.0.9");
    assert_eq!(link.sent(), [ethernet(ALL, us, ARP, &question)]);
    answer(&host, &link, "10.0.0.9", PEER);
    assert_eq!(link.sent(), [ethernet(PEER, us, 0x0800, &datagram)]);
    host.send(&datagram).unwrap();
    assert_eq!(link.sent(), [ethernet(PEER, us, 0x0800, &datagram)]);
}

#[test]
fn the_first_packets_to_fifty_neighbours_leave_at_once() {
    let (host, link) = host();
    host.in_kernel(|lwp, net| {
        for number in 0..50 {
            let datagram = packet("10.0.0.2", &format!("10.0.0.{}", 100 + number), 17, b"x");
            net.output(lwp, net.pool().copy_of(&datagram).unwrap(), None)
                .unwrap();
        }
        net.flush(lwp);
    });
    assert_eq!(link.batches(), [50]);
    link.sent();
    for number in 0..50 {
        answer(
            &host,
            &link,
            &format!("10.0.0.{}", 100 + number),
            [2, 0, 0, 0, 1, number],
        );
    }
    assert_eq!(link.sent().len(), 50);
}

#[test]
fn who_does_not_answer_is_asked_three_times_and_the_sender_told() {
    let (host, link) = host();
    let datagram = packet("10.0.0.2", "10.0.0.9", 17, b"x");
    host.send(&datagram).unwrap();
    assert_eq!(link.sent().len(), 1);
    sim::advance(1_100_000_000);
    assert_eq!(link.sent().len(), 1);
    sim::advance(1_000_000_000);
    assert_eq!(link.sent().len(), 1);
    assert!(host.protocol.unreachable.with(|packets| packets.is_empty()));
    sim::advance(1_000_000_000);
    assert_eq!(link.sent().len(), 0);
    let lost = host.protocol.unreachable.with(core::mem::take);
    assert_eq!(lost, [datagram]);
    assert_eq!(link.interface.statistics().dropped(Reason::Unresolved), 1);
    // Nothing is left to do: the kernel is idle.
    assert!(sim::run_until_idle(3600 * 1_000_000_000));
}

#[test]
fn only_so_many_packets_wait() {
    let (host, link) = host();
    for number in 0..100u8 {
        host.send(&packet("10.0.0.2", "10.0.0.9", 17, &[number]))
            .unwrap();
    }
    let dropped = link.interface.statistics().dropped(Reason::QueueFull);
    assert_eq!(dropped, 100 - MOST_WAITING as u64);
    link.sent();
    answer(&host, &link, "10.0.0.9", PEER);
    let sent = link.sent();
    assert_eq!(sent.len(), MOST_WAITING);
    // In order.
    assert!(sent.iter().map(|frame| frame[34]).is_sorted());
}

#[test]
fn the_table_is_bounded_and_forgets_whom_nobody_used() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/8"]);
    for number in 0..3000u32 {
        let [_, b, c, d] = (number + 256).to_be_bytes();
        host.send(&packet("10.0.0.2", &format!("10.{b}.{c}.{d}"), 17, b"x"))
            .unwrap();
    }
    let (entries, waiting) = host.net.neighbours.with(|n| (n.table.len(), n.waiting));
    assert!(
        entries <= MOST && waiting <= MOST_WAITING_TOTAL,
        "{entries} {waiting}"
    );
    let dropped = link.interface.statistics().dropped_total();
    assert_eq!(dropped + waiting as u64, 3000);
    sim::advance(10_000_000_000);
    let (entries, waiting) = host.net.neighbours.with(|n| (n.table.len(), n.waiting));
    assert_eq!((entries, waiting), (0, 0));
}

#[test]
fn strangers_that_ask_do_not_fill_the_table() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/8"]);
    for number in 0..2000u32 {
        let [_, b, c, d] = (number + 256).to_be_bytes();
        let question = arp(1, PEER, &format!("10.{b}.{c}.{d}"), [0; 6], "10.0.0.2");
        host.feed(&link, &ethernet(ALL, PEER, ARP, &question));
    }
    assert_eq!(link.sent().len(), 2000);
    assert_eq!(host.net.neighbours.with(|n| n.table.len()), MOST);
    host.send(&packet("10.0.0.2", "10.200.0.1", 17, b"x"))
        .unwrap();
    assert_eq!(link.sent().len(), 1);
}

#[test]
fn old_knowledge_is_used_and_asked_about() {
    let (host, link) = host();
    let us = link.interface.hardware_address();
    let datagram = packet("10.0.0.2", "10.0.0.9", 17, b"x");
    host.send(&datagram).unwrap();
    answer(&host, &link, "10.0.0.9", PEER);
    link.sent();
    sim::advance(31_000_000_000);
    host.send(&datagram).unwrap();
    let question = arp(1, us, "10.0.0.2", [0; 6], "10.0.0.9");
    assert_eq!(
        link.sent(),
        [
            ethernet(PEER, us, ARP, &question),
            ethernet(PEER, us, 0x0800, &datagram),
        ]
    );
    // The neighbour has moved: nobody answers there, and everybody is asked.
    sim::advance(4_000_000_000);
    link.sent();
    host.send(&datagram).unwrap();
    assert_eq!(link.sent(), [ethernet(ALL, us, ARP, &question)]);
}

#[test]
fn questions_for_us_are_answered_and_the_asker_remembered() {
    let (host, link) = host();
    let us = link.interface.hardware_address();
    let question = arp(1, PEER, "10.0.0.9", [0; 6], "10.0.0.2");
    host.feed(&link, &ethernet(ALL, PEER, ARP, &question));
    let reply = arp(2, us, "10.0.0.2", PEER, "10.0.0.9");
    assert_eq!(link.sent(), [ethernet(PEER, us, ARP, &reply)]);
    let datagram = packet("10.0.0.2", "10.0.0.9", 17, b"x");
    host.send(&datagram).unwrap();
    assert_eq!(link.sent(), [ethernet(PEER, us, 0x0800, &datagram)]);
    // One for somebody else is neither answered nor remembered.
    let question = arp(1, PEER, "10.0.0.8", [0; 6], "10.0.0.7");
    host.feed(&link, &ethernet(ALL, PEER, ARP, &question));
    assert!(link.sent().is_empty());
    assert_eq!(host.net.neighbours.with(|n| n.table.len()), 1);
}

#[test]
fn ipv6_asks_the_solicited_node_group_and_answers_for_its_own() {
    let (host, link) = host();
    let us = link.interface.hardware_address();
    let datagram = packet("fd00::2", "fd00::9", 17, b"x");
    host.send(&datagram).unwrap();
    let group = [0x33, 0x33, 0xff, 0, 0, 9];
    let question = neighbour_message(135, 0, "fd00::9", Some(us));
    let question = icmpv6("fd00::2", "ff02::1:ff00:9", &question);
    assert_eq!(link.sent(), [ethernet(group, us, IPV6, &question)]);
    let reply = neighbour_message(136, 0x60, "fd00::9", Some(PEER));
    let reply = icmpv6("fd00::9", "fd00::2", &reply);
    host.feed(&link, &ethernet(us, PEER, IPV6, &reply));
    assert_eq!(link.sent(), [ethernet(PEER, us, IPV6, &datagram)]);

    let question = neighbour_message(135, 0, "fd00::2", Some(PEER));
    let question = icmpv6("fd00::9", "ff02::1:ff00:2", &question);
    let to_group = [0x33, 0x33, 0xff, 0, 0, 2];
    host.feed(&link, &ethernet(to_group, PEER, IPV6, &question));
    let reply = neighbour_message(136, 0x60, "fd00::2", Some(us));
    let reply = icmpv6("fd00::2", "fd00::9", &reply);
    assert_eq!(link.sent(), [ethernet(PEER, us, IPV6, &reply)]);
    assert_eq!(link.interface.statistics().dropped_total(), 0);
}

#[test]
fn messages_that_came_over_a_router_or_lie_are_refused() {
    let (host, link) = host();
    let us = link.interface.hardware_address();
    let question = neighbour_message(135, 0, "fd00::2", Some(PEER));
    let mut over_a_router = icmpv6("fd00::9", "fd00::2", &question);
    over_a_router[7] = 254;
    host.feed(&link, &ethernet(us, PEER, IPV6, &over_a_router));
    let group = neighbour_message(135, 0, "fd00::2", Some([3, 0, 0, 0, 0, 1]));
    host.feed(
        &link,
        &ethernet(us, PEER, IPV6, &icmpv6("fd00::9", "fd00::2", &group)),
    );
    assert_eq!(link.interface.statistics().dropped(Reason::Malformed), 2);
    let mut wrong = icmpv6("fd00::9", "fd00::2", &question);
    wrong[42] ^= 1;
    host.feed(&link, &ethernet(us, PEER, IPV6, &wrong));
    assert_eq!(link.interface.statistics().dropped(Reason::Checksum), 1);
    assert!(link.sent().is_empty());
}

#[test]
fn a_new_address_is_announced() {
    let host = boot();
    let link = host.ethernet("virt", &[]);
    let us = link.interface.hardware_address();
    host.in_kernel(|lwp, net| {
        net.add_address(lwp, &link.interface, "10.0.0.2/24".parse().unwrap())
            .unwrap();
    });
    let announcement = arp(1, us, "10.0.0.2", [0; 6], "10.0.0.2");
    let sent = link.sent();
    assert!(sent.contains(&ethernet(ALL, us, ARP, &announcement)));
    // The link-local address that came with being up.
    assert_eq!(sent.len(), 2);
}
