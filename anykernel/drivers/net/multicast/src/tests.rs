//! Tests on the simulated platform: what is on the link after a socket would have joined, left, and been asked.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::System;
use net::Reason;
use net::testing::{
    Attached, Host, Numbers, PARAMS, boot_system, checksum, ethernet, fold, ip, packet,
};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

const SECOND: u64 = 1_000_000_000;
/// Longer than an older querier is remembered.
const FORGOTTEN: u64 = 300 * SECOND;
const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];

const GROUP: &str = "239.1.2.3";
const GROUP_6: &str = "ff05::1:2";

/// A kernel on a link, with 10.0.0.2 and a link-local address.
fn on_link() -> (Host, Attached) {
    let host = boot_system(&SYSTEM, &[]);
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    sim::advance(5 * SECOND);
    link.sent();
    (host, link)
}

fn change(host: &Host, link: &Attached, group: &str, joins: bool) {
    host.in_kernel(|lwp, net| {
        let groups = net.groups().unwrap();
        match joins {
            true => groups.join(lwp, net, &link.interface, ip(group)),
            false => groups.leave(lwp, net, &link.interface, ip(group)),
        }
        net.flush(lwp);
    });
}

fn join(host: &Host, link: &Attached, group: &str) {
    change(host, link, group, true);
}

fn leave(host: &Host, link: &Attached, group: &str) {
    change(host, link, group, false);
}

/// A report as it was on the link: to whom, and what it says.
type Said = (String, Vec<u8>);

/// The reports since the last look. All they have in common is checked: addresses, a single hop, the alert for
/// routers, checksums.
fn said(link: &Attached) -> Vec<Said> {
    link.sent().iter().filter_map(|frame| read(frame)).collect()
}

fn read(frame: &[u8]) -> Option<Said> {
    let (header, packet) = frame.split_at(14);
    match packet[0] {
        0x46 => {
            assert_eq!(&packet[20..24], [0x94, 4, 0, 0]);
            assert_eq!((packet[8], packet[9], packet[1]), (1, 2, 0xc0));
            assert_eq!(
                usize::from(packet[3]) + usize::from(packet[2]) * 256,
                packet.len()
            );
            assert_eq!(fold(checksum(0, &packet[..24])), 0);
            assert_eq!(fold(checksum(0, &packet[24..])), 0);
            assert_eq!(&packet[12..16], [10, 0, 0, 2]);
            let to: [u8; 4] = packet[16..20].try_into().unwrap();
            assert_eq!(&header[..6], [1, 0, 0x5e, to[1] & 0x7f, to[2], to[3]]);
            Some((IpAddr::from(to).to_string(), packet[24..].to_vec()))
        }
        0x60 if packet[6] == 0 => {
            assert_eq!(packet[7], 1);
            assert_eq!(&packet[40..48], [58, 0, 5, 2, 0, 0, 1, 0]);
            let message = &packet[48..];
            let pseudo = checksum(message.len() as u32 + 58, &packet[8..40]);
            assert_eq!(fold(checksum(pseudo, message)), 0);
            assert_eq!(&packet[8..10], [0xfe, 0x80], "the source is link-local");
            let to: [u8; 16] = packet[24..40].try_into().unwrap();
            assert_eq!(header[..6], [&[0x33, 0x33], &to[12..]].concat()[..]);
            Some((IpAddr::from(to).to_string(), message.to_vec()))
        }
        // Neighbour discovery.
        _ => None,
    }
}

/// The records of a report of the newest version.
fn records((to, message): &Said) -> Vec<(u8, String)> {
    let (start, len) = match (to.as_str(), message[0]) {
        ("224.0.0.22", 0x22) => (8, 4),
        ("ff02::16", 143) => (8, 16),
        other => panic!("{other:?} is no such report"),
    };
    let count = u16::from_be_bytes([message[6], message[7]]);
    let records: Vec<_> = message[start..]
        .chunks(4 + len)
        .map(|record| {
            assert_eq!(&record[1..4], [0, 0, 0]);
            let group = match <[u8; 4]>::try_from(&record[4..]) {
                Ok(group) => IpAddr::from(group),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(&record[4..]).unwrap()),
            };
            (record[0], group.to_string())
        })
        .collect();
    assert_eq!(records.len(), usize::from(count));
    records
}

/// A message of an older version: its type and group.
fn simple((to, message): &Said) -> (String, u8, String) {
    let group = match message.len() {
        8 => IpAddr::from(<[u8; 4]>::try_from(&message[4..]).unwrap()),
        24 => IpAddr::from(<[u8; 16]>::try_from(&message[8..]).unwrap()),
        other => panic!("a message of {other} bytes"),
    };
    (to.clone(), message[0], group.to_string())
}

fn one(group: &str, kind: u8) -> (String, u8, String) {
    (group.into(), kind, group.into())
}

/// A message of IGMP from a neighbour, with its checksum.
fn igmp(to: &str, message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let sum = fold(checksum(0, &message));
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut packet = packet("10.0.0.9", to, 2, &message);
    with_hops(&mut packet, 1);
    ethernet([1, 0, 0x5e, 0, 0, 1], PEER, 0x0800, &packet)
}

fn with_hops(packet: &mut [u8], hops: u8) {
    packet[8] = hops;
    packet[10..12].fill(0);
    let sum = fold(checksum(0, &packet[..20]));
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// The same of MLD, from `from`, behind a header with these options.
fn mld_with(from: &str, to: &str, options: [u8; 6], message: &[u8]) -> Vec<u8> {
    let mut rest = [&[58, 0][..], &options, message].concat();
    rest[10..12].fill(0);
    let mut packet = packet(from, to, 0, &rest);
    packet[7] = 1;
    let pseudo = checksum(message.len() as u32 + 58, &packet[8..40]);
    let sum = fold(checksum(pseudo, &packet[48..]));
    packet[50..52].copy_from_slice(&sum.to_be_bytes());
    ethernet([0x33, 0x33, 0, 0, 0, 1], PEER, 0x86dd, &packet)
}

fn mld(to: &str, message: &[u8]) -> Vec<u8> {
    mld_with("fe80::9", to, [5, 2, 0, 0, 1, 0], message)
}

fn octets(group: &str) -> Vec<u8> {
    match ip(group) {
        IpAddr::V4(group) => group.octets().to_vec(),
        IpAddr::V6(group) => group.octets().to_vec(),
    }
}

/// Queries of IGMP: of version 1, of 2 and of 3, answered within so many tenths of a second.
fn query_1() -> Vec<u8> {
    igmp("224.0.0.1", &[0x11, 0, 0, 0, 0, 0, 0, 0])
}

fn query_2(tenths: u8, group: &str) -> Vec<u8> {
    let to = if group == "0.0.0.0" {
        "224.0.0.1"
    } else {
        group
    };
    igmp(to, &[&[0x11, tenths, 0, 0][..], &octets(group)].concat())
}

fn query_3(code: u8, robustness: u8, group: &str) -> Vec<u8> {
    let to = if group == "0.0.0.0" {
        "224.0.0.1"
    } else {
        group
    };
    let head = [0x11, code, 0, 0];
    igmp(
        to,
        &[&head[..], &octets(group), &[robustness, 125, 0, 0]].concat(),
    )
}

/// A query of MLD with a code for the time.
fn query_mld(code: u16, group: &str, version: u8) -> Vec<u8> {
    let to = if group == "::" { "ff02::1" } else { group };
    let [high, low] = code.to_be_bytes();
    let mut message = [&[130, 0, 0, 0, high, low, 0, 0][..], &octets(group)].concat();
    if version == 2 {
        message.extend([2, 125, 0, 0]);
    }
    mld(to, &message)
}

#[test]
fn who_joins_says_so_twice_and_who_leaves_too() {
    let (host, link) = on_link();
    for (kind, joins) in [(4, true), (3, false)] {
        change(&host, &link, GROUP, joins);
        let at_once = said(&link);
        assert_eq!(at_once.len(), 1);
        assert_eq!(records(&at_once[0]), [(kind, GROUP.into())]);
        sim::advance(2 * SECOND);
        assert_eq!(said(&link), at_once);
        sim::advance(100 * SECOND);
        assert_eq!(said(&link), []);
    }
}

#[test]
fn only_the_first_and_the_last_of_a_group_are_told_of() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    sim::advance(2 * SECOND);
    assert_eq!(said(&link).len(), 2);
    join(&host, &link, GROUP);
    leave(&host, &link, GROUP);
    sim::advance(2 * SECOND);
    assert_eq!(said(&link), []);
    leave(&host, &link, GROUP);
    // Who comes back meanwhile takes the place of the one who left.
    join(&host, &link, GROUP);
    sim::advance(5 * SECOND);
    let kinds: Vec<u8> = said(&link).iter().map(|said| records(said)[0].0).collect();
    assert_eq!(kinds, [3, 4, 4]);
}

#[test]
fn groups_of_every_station_and_of_one_station_are_not_told_of() {
    let (host, link) = on_link();
    join(&host, &link, GROUP_6);
    sim::advance(10 * SECOND);
    said(&link);
    for group in ["224.0.0.1", "ff02::1", "ff01::77"] {
        join(&host, &link, group);
        sim::advance(10 * SECOND);
        host.feed(&link, &query_3(10, 2, "0.0.0.0"));
        host.feed(&link, &query_2(10, group_or_all(group)));
        sim::advance(FORGOTTEN);
        leave(&host, &link, group);
        sim::advance(10 * SECOND);
        assert_eq!(said(&link), [], "{group}");
    }
    let loopback = host.loopback();
    join(&host, &loopback, GROUP);
    sim::advance(10 * SECOND);
    assert_eq!(loopback.sent(), Vec::<Vec<u8>>::new());
}

fn group_or_all(group: &str) -> &str {
    if group.contains(':') {
        "0.0.0.0"
    } else {
        group
    }
}

#[test]
fn a_query_is_answered_with_all_groups_after_a_while() {
    let (host, link) = on_link();
    let groups = ["239.0.0.1", "239.0.0.2", "239.0.0.3"];
    groups.iter().for_each(|group| join(&host, &link, group));
    sim::advance(10 * SECOND);
    said(&link);
    let mut delays = Vec::new();
    for _ in 0..20 {
        // An exponent: (0xf | 0x10) << 3 tenths.
        host.feed(&link, &query_3(0x8f, 2, "0.0.0.0"));
        assert_eq!(said(&link), []);
        let mut delay = 0;
        while delay < 250 {
            sim::advance(SECOND / 10);
            delay += 1;
            let heard = said(&link);
            if let [report] = &heard[..] {
                let expected = groups.map(|group| (2, group.to_string()));
                assert_eq!(records(report), expected);
                break;
            }
            assert_eq!(heard, []);
        }
        assert!(delay <= 249, "an answer after more than 24.8 s");
        delays.push(delay);
        sim::advance(30 * SECOND);
        assert_eq!(said(&link), []);
    }
    let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
    assert!(most - least > 100, "they differ: {delays:?}");
}

#[test]
fn a_query_for_a_group_is_answered_with_that_alone() {
    let (host, link) = on_link();
    join(&host, &link, "239.0.0.1");
    join(&host, &link, GROUP);
    sim::advance(10 * SECOND);
    said(&link);
    host.feed(&link, &query_3(10, 2, GROUP));
    sim::advance(2 * SECOND);
    let answer = said(&link);
    assert_eq!(answer.len(), 1);
    assert_eq!(records(&answer[0]), [(2, GROUP.into())]);
    // Nobody is in that one.
    host.feed(&link, &query_3(10, 2, "239.9.9.9"));
    sim::advance(2 * SECOND);
    assert_eq!(said(&link), []);
}

#[test]
fn a_querier_says_how_often_news_are_told() {
    let (host, link) = on_link();
    host.feed(&link, &query_3(10, 5, "0.0.0.0"));
    join(&host, &link, GROUP);
    sim::advance(20 * SECOND);
    let told = said(&link);
    let news = told.iter().filter(|said| records(said)[0].0 == 4);
    assert_eq!(news.count(), 5);
}

#[test]
fn version_two_is_spoken_while_its_querier_is_heard() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    sim::advance(10 * SECOND);
    said(&link);
    host.feed(&link, &query_2(100, "0.0.0.0"));
    sim::advance(10 * SECOND);
    assert_eq!(
        said(&link).iter().map(simple).collect::<Vec<_>>(),
        [one(GROUP, 0x16)]
    );
    // A new one: at once, and again.
    join(&host, &link, "239.7.7.7");
    assert_eq!(said(&link).len(), 1);
    sim::advance(10 * SECOND);
    assert_eq!(
        said(&link).iter().map(simple).collect::<Vec<_>>(),
        [one("239.7.7.7", 0x16)]
    );
    // Somebody else answers first.
    host.feed(&link, &query_2(100, "0.0.0.0"));
    host.feed(
        &link,
        &igmp(GROUP, &[&[0x16, 0, 0, 0][..], &octets(GROUP)].concat()),
    );
    sim::advance(10 * SECOND);
    assert_eq!(
        said(&link).iter().map(simple).collect::<Vec<_>>(),
        [one("239.7.7.7", 0x16)]
    );
    for gone in [GROUP, "239.7.7.7"] {
        leave(&host, &link, gone);
        let (to, kind, group) = simple(&said(&link)[0]);
        assert_eq!((&*to, kind, &*group), ("224.0.0.2", 0x17, gone));
    }
    sim::advance(10 * SECOND);
    assert_eq!(said(&link), []);
    // A querier of the newest version changes nothing while the other one is remembered.
    join(&host, &link, GROUP);
    host.feed(&link, &query_3(10, 2, "0.0.0.0"));
    sim::advance(20 * SECOND);
    assert!(
        said(&link)
            .iter()
            .all(|said| simple(said) == one(GROUP, 0x16))
    );
    sim::advance(FORGOTTEN);
    host.feed(&link, &query_3(10, 2, "0.0.0.0"));
    sim::advance(2 * SECOND);
    assert_eq!(records(&said(&link)[0]), [(2, GROUP.into())]);
}

#[test]
fn version_one_is_spoken_while_its_querier_is_heard() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    sim::advance(10 * SECOND);
    said(&link);
    host.feed(&link, &query_1());
    host.feed(&link, &query_2(10, "0.0.0.0"));
    sim::advance(12 * SECOND);
    assert_eq!(
        said(&link).iter().map(simple).collect::<Vec<_>>(),
        [one(GROUP, 0x12)]
    );
    leave(&host, &link, GROUP);
    sim::advance(20 * SECOND);
    assert_eq!(said(&link), []);
}

#[test]
fn groups_of_ipv6_are_told_of_with_those_of_our_addresses() {
    let (host, link) = on_link();
    let own = link.interface.hardware_address();
    let own = net::solicited_node(net::link_local(own)).to_string();
    join(&host, &link, GROUP_6);
    let at_once = said(&link);
    let mut new = records(&at_once[0]);
    new.sort();
    assert_eq!(new, [(4, own.clone()), (4, GROUP_6.into())]);
    sim::advance(5 * SECOND);
    let again: usize = said(&link).iter().map(|said| records(said).len()).sum();
    assert_eq!(again, 2);
    host.feed(&link, &query_mld(1000, "::", 2));
    assert_eq!(said(&link), []);
    sim::advance(2 * SECOND);
    let mut all = records(&said(&link)[0]);
    all.sort();
    assert_eq!(all, [(2, own.clone()), (2, GROUP_6.into())]);
    host.feed(&link, &query_mld(1000, GROUP_6, 2));
    sim::advance(2 * SECOND);
    assert_eq!(records(&said(&link)[0]), [(2, GROUP_6.into())]);
    leave(&host, &link, GROUP_6);
    assert_eq!(records(&said(&link)[0]), [(3, GROUP_6.into())]);
    // An address goes, and its group with it.
    sim::advance(5 * SECOND);
    said(&link);
    host.in_kernel(|lwp, net| {
        net.add_address(lwp, &link.interface, "fd00::abcd/64".parse().unwrap())
            .unwrap();
    });
    host.feed(&link, &query_mld(1000, "::", 2));
    sim::advance(5 * SECOND);
    let told = said(&link);
    assert!(
        told.iter()
            .any(|said| records(said).contains(&(4, "ff02::1:ff00:abcd".into())))
    );
    host.in_kernel(|_, net| {
        net.remove_address(&link.interface, ip("fd00::abcd"))
            .unwrap();
    });
    host.feed(&link, &query_mld(1000, "::", 2));
    sim::advance(5 * SECOND);
    let told = said(&link);
    assert!(
        told.iter()
            .any(|said| records(said).contains(&(3, "ff02::1:ff00:abcd".into())))
    );
}

#[test]
fn the_older_version_of_mld_is_spoken_while_its_querier_is_heard() {
    let (host, link) = on_link();
    join(&host, &link, GROUP_6);
    sim::advance(10 * SECOND);
    said(&link);
    host.feed(&link, &query_mld(2000, GROUP_6, 1));
    sim::advance(2 * SECOND);
    assert_eq!(
        said(&link).iter().map(simple).collect::<Vec<_>>(),
        [one(GROUP_6, 131)]
    );
    host.feed(&link, &query_mld(2000, GROUP_6, 1));
    let report = [&[131, 0, 0, 0, 0, 0, 0, 0][..], &octets(GROUP_6)].concat();
    host.feed(&link, &mld(GROUP_6, &report));
    sim::advance(2 * SECOND);
    assert_eq!(said(&link), []);
    host.feed(&link, &query_mld(2000, GROUP_6, 1));
    sim::advance(2 * SECOND);
    said(&link);
    leave(&host, &link, GROUP_6);
    let (to, kind, group) = simple(&said(&link)[0]);
    assert_eq!((&*to, kind, &*group), ("ff02::2", 132, GROUP_6));
}

#[test]
fn many_groups_take_several_reports_that_fit_the_link() {
    let (host, link) = on_link();
    for number in 0..300 {
        join(
            &host,
            &link,
            &alloc::format!("239.5.{}.{}", number / 100, number % 100),
        );
    }
    sim::advance(10 * SECOND);
    said(&link);
    host.feed(&link, &query_3(10, 2, "0.0.0.0"));
    sim::advance(2 * SECOND);
    let frames = link.sent();
    assert!(frames.iter().all(|frame| frame.len() <= 1514));
    let counts: Vec<usize> = frames
        .iter()
        .map(|frame| records(&read(frame).unwrap()).len())
        .collect();
    assert_eq!(counts, [183, 117]);
}

#[test]
fn packets_to_a_group_are_for_its_members_only() {
    let (host, link) = on_link();
    let receives = |to: &str| {
        let packet = packet(
            if to.contains(':') {
                "fe80::9"
            } else {
                "10.0.0.9"
            },
            to,
            17,
            b"to many",
        );
        let kind = if to.contains(':') { 0x86dd } else { 0x0800 };
        host.feed(&link, &ethernet([1, 0, 0x5e, 1, 2, 3], PEER, kind, &packet));
        let received = host.received();
        assert!(received.iter().all(|(_, info)| info.to_many));
        received.len()
    };
    assert_eq!([receives("224.0.0.1"), receives("ff02::1")], [1, 1]);
    for group in [GROUP, GROUP_6] {
        let foreign = || link.interface.statistics().dropped(Reason::NotForUs);
        let before = foreign();
        assert_eq!((receives(group), foreign()), (0, before + 1));
        join(&host, &link, group);
        assert_eq!(receives(group), 1);
        let other = host.ethernet("other", &[]);
        assert!(
            !host
                .net
                .groups()
                .unwrap()
                .contains(&other.interface, ip(group))
        );
        leave(&host, &link, group);
        assert_eq!((receives(group), foreign()), (0, before + 2));
    }
}

#[test]
fn who_is_not_a_querier_on_the_link_is_not_answered() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    join(&host, &link, GROUP_6);
    sim::advance(10 * SECOND);
    said(&link);
    let changed = |frame: Vec<u8>, change: fn(&mut [u8])| {
        let mut frame = frame;
        change(&mut frame);
        frame
    };
    let of_12 = |len: usize| {
        let mut message = vec![0x11, 10, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0];
        message.truncate(len);
        igmp("224.0.0.1", &message)
    };
    let general = [&[130, 0, 0, 0, 0, 10, 0, 0][..], &[0; 16], &[2, 125, 0, 0]].concat();
    let alert = [5, 2, 0, 0, 1, 0];
    let wrong = [
        (
            "a checksum",
            changed(query_3(10, 2, "0.0.0.0"), |frame| frame[34 + 9] ^= 1),
        ),
        (
            "hops",
            changed(query_3(10, 2, "0.0.0.0"), |frame| {
                with_hops(&mut frame[14..], 2)
            }),
        ),
        ("9 bytes", of_12(9)),
        ("11 bytes", of_12(11)),
        ("7 bytes", of_12(7)),
        ("not a group", query_3(10, 2, "10.0.0.2")),
        (
            "a checksum",
            changed(query_mld(10, "::", 2), |frame| frame[14 + 48 + 5] ^= 1),
        ),
        (
            "hops",
            changed(query_mld(10, "::", 2), |frame| frame[14 + 7] = 255),
        ),
        (
            "from beyond",
            mld_with("fd00::9", "ff02::1", alert, &general),
        ),
        (
            "no alert",
            mld_with("fe80::9", "ff02::1", [1, 4, 0, 0, 0, 0], &general),
        ),
        (
            "half an alert",
            mld_with("fe80::9", "ff02::1", [1, 2, 0, 0, 5, 9], &general),
        ),
        ("26 bytes", mld("ff02::1", &general[..26])),
        ("20 bytes", mld("ff02::1", &general[..20])),
    ];
    for (what, frame) in wrong {
        host.feed(&link, &frame);
        sim::advance(20 * SECOND);
        assert_eq!(said(&link), [], "{what}");
    }
    // Who claims that others have members does not silence us at the newest version.
    host.feed(&link, &query_3(10, 2, "0.0.0.0"));
    host.feed(
        &link,
        &igmp(GROUP, &[&[0x16, 0, 0, 0][..], &octets(GROUP)].concat()),
    );
    sim::advance(2 * SECOND);
    assert_eq!(said(&link).len(), 1);
}

#[test]
fn many_queries_have_few_answers() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    sim::advance(10 * SECOND);
    said(&link);
    for code in [0, 1] {
        for _ in 0..1000 {
            host.feed(&link, &query_3(code, 2, "0.0.0.0"));
            host.feed(&link, &query_3(code, 2, GROUP));
        }
        sim::advance(SECOND);
        let answers = said(&link).len();
        assert!((1..=2).contains(&answers), "{answers} answers");
    }
}

#[test]
fn whatever_arrives_is_survived() {
    let (host, link) = on_link();
    join(&host, &link, GROUP);
    join(&host, &link, GROUP_6);
    let mut numbers = Numbers(7);
    let good = [
        query_1(),
        query_2(10, GROUP),
        query_3(0xff, 7, GROUP),
        query_mld(0xffff, GROUP_6, 2),
        query_mld(1, "::", 1),
    ];
    for _ in 0..5000 {
        let mut frame = good[numbers.below(good.len())].clone();
        for _ in 0..numbers.below(4) {
            let at = 14 + numbers.below(frame.len() - 14);
            frame[at] = numbers.draw() as u8;
        }
        frame.truncate(14 + numbers.below(frame.len() - 13));
        // What is inside is looked at in spite of it.
        if frame.len() >= 34 && frame[14] == 0x45 {
            with_hops(&mut frame[14..], 1);
            if frame.len() >= 38 {
                frame[36..38].fill(0);
                let sum = fold(checksum(0, &frame[34..])).to_be_bytes();
                frame[36..38].copy_from_slice(&sum);
            }
        }
        host.feed(&link, &frame);
    }
    sim::advance(FORGOTTEN);
    said(&link);
    host.feed(&link, &query_3(10, 2, "0.0.0.0"));
    sim::advance(2 * SECOND);
    assert_eq!(records(&said(&link)[0]), [(2, GROUP.into())]);
}
