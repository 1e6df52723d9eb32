//! A kernel on a link whose routers speak by script.

pub(crate) mod message;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use base::{Errno, System};
use net::testing::{Attached, Host, PARAMS, boot_system, ethernet, icmpv6, ip};
use net::{link_local, solicited_node};

use crate::Autoconf;
use message::Message;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

const SECOND: u64 = 1_000_000_000;
const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];
const FROM: &str = "fe80::1";

/// A kernel that configures its interface, and what it said at first.
fn auto() -> (Host, Attached) {
    let host = boot_system(&SYSTEM, &[("ip", "auto")]);
    let link = host.ethernet("virt", &[]);
    (host, link)
}

/// Has a router of that address say something to all.
fn say(host: &Host, link: &Attached, from: &str, message: Message) {
    let packet = icmpv6(from, "ff02::1", &message.bytes());
    let all = [0x33, 0x33, 0, 0, 0, 1];
    host.feed(link, &ethernet(all, ROUTER, 0x86dd, &packet));
}

/// What was sent of neighbour discovery: the type, the source, the destination, the target if there is one.
fn sent(link: &Attached) -> Vec<(u8, String, String, String)> {
    let text = |bytes: &[u8]| {
        let octets: [u8; 16] = bytes.try_into().unwrap();
        Ipv6Addr::from(octets).to_string()
    };
    let frames = link.sent().into_iter();
    let messages = frames.filter(|frame| frame[12..14] == [0x86, 0xdd] && frame[20] == 58);
    messages
        .map(|frame| {
            let packet = &frame[14..];
            let target = match packet[40] {
                135 | 136 => text(&packet[48..64]),
                _ => String::new(),
            };
            (
                packet[40],
                text(&packet[8..24]),
                text(&packet[24..40]),
                target,
            )
        })
        .collect()
}

/// The address that the interface makes of a prefix.
fn own(link: &Attached, prefix: &str) -> Ipv6Addr {
    let prefix: Ipv6Addr = prefix.parse().unwrap();
    let local = link_local(link.interface.hardware_address());
    Ipv6Addr::from_bits(prefix.to_bits() | local.to_bits() & u128::from(u64::MAX))
}

fn has(host: &Host, address: Ipv6Addr) -> bool {
    host.in_kernel(|lwp, net| net.is_local(lwp, address.into()))
}

/// By whom packets to an address go.
fn way(host: &Host, to: &str) -> Option<IpAddr> {
    host.net.next_hop(ip(to)).map(|(_, next_hop)| next_hop)
}

#[test]
fn asks_three_times_and_no_more() {
    let (_host, link) = auto();
    let local = link_local(link.interface.hardware_address()).to_string();
    let mut asked = Vec::new();
    for _ in 0..60 {
        sim::advance(SECOND);
        asked.extend(sent(&link));
    }
    // The first question went out with the announcements.
    let question = (133, local, "ff02::2".to_string(), String::new());
    assert_eq!(asked, [question.clone(), question]);
}

#[test]
fn an_advertisement_gives_address_network_router_servers_and_mtu() {
    let (host, link) = auto();
    let message = Message::new(1800)
        .mtu(1400)
        .prefix("fd01::", 64, 0xc0, 3600, 1800)
        .servers(600, &["fd01::53"]);
    say(&host, &link, FROM, message);
    let address = own(&link, "fd01::");
    // Others are asked first.
    let group = solicited_node(address).to_string();
    let probe = (135, "::".to_string(), group, address.to_string());
    assert_eq!(sent(&link), [probe]);
    assert!(!has(&host, address));
    sim::advance(1_100_000_000);
    assert!(has(&host, address));
    let announced: Vec<_> = sent(&link)
        .into_iter()
        .map(|said| (said.0, said.3))
        .collect();
    assert_eq!(announced, [(136, address.to_string())]);
    assert_eq!(way(&host, "fd01::9"), Some(ip("fd01::9")));
    assert_eq!(way(&host, "2001:db8::9"), Some(ip(FROM)));
    host.in_kernel(|lwp, net| {
        assert_eq!(net.source_for(lwp, ip("2001:db8::9")), Ok(address.into()));
        let servers: Vec<_> = net.name_servers().iter().map(|it| it.address).collect();
        assert_eq!(servers, [ip("fd01::53")]);
    });
    assert_eq!(link.interface.mtu(), 1400);
    // Nobody asks for routers any more.
    sim::advance(60 * SECOND);
    assert_eq!(sent(&link), []);
}

#[test]
fn everything_ends_in_time() {
    let (host, link) = auto();
    let message = Message::new(100)
        .prefix("fd01::", 64, 0xc0, 400, 200)
        .servers(300, &["fd01::53"]);
    say(&host, &link, FROM, message);
    sim::advance(99 * SECOND);
    assert_eq!(way(&host, "2001:db8::9"), Some(ip(FROM)));
    sim::advance(2 * SECOND);
    assert_eq!(way(&host, "2001:db8::9"), None);
    let other: net::Cidr = "fd01::2/128".parse().unwrap();
    host.in_kernel(|lwp, net| {
        net.add_address(lwp, &link.interface, other).unwrap();
        let address = own(&link, "fd01::");
        let source = || net.source_for(lwp, address_in("fd01::", address));
        assert_eq!(source(), Ok(address.into()));
    });
    sim::advance(100 * SECOND);
    // Out of use: the other one is as good now.
    host.in_kernel(|lwp, net| {
        let address = own(&link, "fd01::");
        let source = net.source_for(lwp, address_in("fd01::", address));
        assert_eq!(source, Ok(ip("fd01::2")));
        assert!(net.is_local(lwp, address.into()));
        assert_eq!(net.name_servers().len(), 1);
    });
    sim::advance(100 * SECOND);
    assert_eq!(host.net.name_servers(), []);
    assert_eq!(way(&host, "fd01::9"), Some(ip("fd01::9")));
    sim::advance(100 * SECOND);
    assert!(!has(&host, own(&link, "fd01::")));
    assert_eq!(way(&host, "fd01::9"), None);
    // And nothing is left to be done.
    assert!(sim::run_until_idle(3600 * SECOND));
}

/// A neighbour of ours, whose address differs from it in the last bit.
fn address_in(prefix: &str, own: Ipv6Addr) -> IpAddr {
    let prefix: Ipv6Addr = prefix.parse().unwrap();
    let host = own.to_bits() & u128::from(u64::MAX) ^ 1;
    Ipv6Addr::from_bits(prefix.to_bits() | host).into()
}

#[test]
fn what_others_have_is_not_taken() {
    let other = [2, 0, 0, 0, 0, 9];
    let all = [0x33, 0x33, 0, 0, 0, 1];
    for by_advertisement in [false, true] {
        let (host, link) = auto();
        say(
            &host,
            &link,
            FROM,
            Message::new(0).prefix("fd01::", 64, 0xc0, 3600, 3600),
        );
        let address = own(&link, "fd01::");
        let text = address.to_string();
        let mut message = if by_advertisement {
            alloc::vec![136, 0, 0, 0, 0x20, 0, 0, 0]
        } else {
            alloc::vec![135, 0, 0, 0, 0, 0, 0, 0]
        };
        message.extend(address.octets());
        let packet = if by_advertisement {
            message.extend([2, 1]);
            message.extend(other);
            icmpv6(&text, "ff02::1", &message)
        } else {
            icmpv6("::", &solicited_node(address).to_string(), &message)
        };
        host.feed(&link, &ethernet(all, other, 0x86dd, &packet));
        sim::advance(5 * SECOND);
        assert!(!has(&host, address), "{by_advertisement}");
        let log = host.kernel.instance().log_lines();
        let told = log.iter().any(|line| line.contains("another station's"));
        assert!(told, "{log:?}");
        // It is not tried again with each advertisement.
        link.sent();
        say(
            &host,
            &link,
            FROM,
            Message::new(0).prefix("fd01::", 64, 0xc0, 3600, 3600),
        );
        assert_eq!(sent(&link), []);
        let error = configure(&host, &link);
        assert_eq!(error, Err(Errno::EADDRINUSE));
    }
}

/// The call that waits.
fn configure(host: &Host, link: &Attached) -> Result<(), Errno> {
    host.in_kernel(|lwp, net| {
        let autoconf = lwp.state::<Autoconf>().unwrap();
        autoconf.configure(lwp, net, &link.interface)
    })
}

#[test]
fn a_call_waits_for_the_address_or_gives_up() {
    let host = boot_system(&SYSTEM, &[]);
    let link = host.ethernet("virt", &[]);
    let now = || host.in_kernel(|lwp, _| lwp.now());
    let begin = now();
    assert_eq!(configure(&host, &link), Err(Errno::ETIMEDOUT));
    let took = now() - begin;
    assert!((15 * SECOND..16 * SECOND).contains(&took), "{took}");
    let asked = sent(&link).iter().filter(|said| said.0 == 133).count();
    assert_eq!(asked, 3);
    say(
        &host,
        &link,
        FROM,
        Message::new(1800).prefix("fd01::", 64, 0xc0, 3600, 3600),
    );
    assert_eq!(configure(&host, &link), Ok(()));
    assert!(has(&host, own(&link, "fd01::")));
    let lo = host.loopback();
    assert_eq!(configure(&host, &lo), Err(Errno::EOPNOTSUPP));
}

#[test]
fn who_is_not_asked_is_not_heard() {
    let host = boot_system(&SYSTEM, &[]);
    let link = host.ethernet("virt", &["fd02::2/64"]);
    say(
        &host,
        &link,
        FROM,
        Message::new(1800).prefix("fd01::", 64, 0xc0, 3600, 3600),
    );
    sim::advance(5 * SECOND);
    assert!(!has(&host, own(&link, "fd01::")));
    assert_eq!(way(&host, "2001:db8::9"), None);
    assert_eq!(sent(&link), []);
}

#[test]
fn only_routers_on_the_link_are_heard() {
    let (host, link) = auto();
    let good = || Message::new(1800).prefix("fd01::", 64, 0xc0, 3600, 3600);
    say(&host, &link, "fd01::1", good());
    // One that came from further away, and one with a wrong sum.
    let all = [0x33, 0x33, 0, 0, 0, 1];
    let packet = icmpv6(FROM, "ff02::1", &good().bytes());
    for at in [7, 60] {
        let mut wrong = packet.clone();
        wrong[at] ^= 1;
        host.feed(&link, &ethernet(all, ROUTER, 0x86dd, &wrong));
    }
    sim::advance(2 * SECOND);
    assert!(!has(&host, own(&link, "fd01::")));
    assert_eq!(way(&host, "2001:db8::9"), None);
}

#[test]
fn a_router_that_leaves_makes_room_for_the_next() {
    let (host, link) = auto();
    say(&host, &link, FROM, Message::new(1800));
    say(&host, &link, "fe80::2", Message::new(1800));
    assert_eq!(way(&host, "2001:db8::9"), Some(ip(FROM)));
    say(&host, &link, FROM, Message::new(0));
    assert_eq!(way(&host, "2001:db8::9"), Some(ip("fe80::2")));
    say(&host, &link, "fe80::2", Message::new(0));
    assert_eq!(way(&host, "2001:db8::9"), None);
}

/// Whatever a router says, what is remembered and sent is bounded.
#[test]
fn a_flood_of_prefixes_and_routers_is_bounded() {
    let (host, link) = auto();
    for number in 0..500 {
        let prefix = alloc::format!("fd01:{number:x}::");
        let router = alloc::format!("fe80::{:x}", number + 1);
        let server = alloc::format!("fd01::{number:x}:1");
        let message = Message::new(1800)
            .prefix(&prefix, 64, 0xc0, 3600, 3600)
            .servers(600, &[&server]);
        say(&host, &link, &router, message);
    }
    sim::advance(2 * SECOND);
    // Beside the link-local one.
    assert_eq!(host.net.addresses().len(), 17);
    assert_eq!(host.net.name_servers().len(), 3);
    assert!(host.net.routes().len() <= 2 * 17 + 1);
}

#[test]
fn asks_again_where_the_link_is_back() {
    let (host, link) = auto();
    say(&host, &link, FROM, Message::new(1800));
    sim::advance(60 * SECOND);
    sent(&link);
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, false));
    sim::advance(SECOND);
    assert!(sent(&link).is_empty());
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, true));
    let asked = |link: &Attached| {
        let messages = sent(link).into_iter();
        messages.filter(|(kind, ..)| *kind == 133).count()
    };
    assert_eq!(asked(&link), 1);
    // Nobody answers, but the old router has its time.
    sim::advance(60 * SECOND);
    assert_eq!(asked(&link), 2);
    assert_eq!(way(&host, "fd09::1"), Some(ip(FROM)));
}
