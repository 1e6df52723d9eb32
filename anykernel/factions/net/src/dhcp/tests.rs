use alloc::vec::Vec;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, Ipv4Packet, Ipv4Repr,
};

use super::*;
use crate::testing::{Attached, Host, arp, boot, boot_with, ethernet, ip};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 42);
const ROUTERS: [u8; 10] = [3, 8, 10, 7, 0, 1, 10, 7, 0, 3];

/// What the client said.
struct Said {
    kind: DhcpMessageType,
    transaction: u32,
    requested: Option<Ipv4Addr>,
    /// The address that it has.
    ours: Ipv4Addr,
    to: Ipv4Addr,
}

fn heard(link: &Attached) -> Vec<Said> {
    let mut heard = Vec::new();
    for bytes in link.sent() {
        let frame = EthernetFrame::new_checked(&bytes[..]).unwrap();
        let Ok(packet) = Ipv4Packet::new_checked(frame.payload()) else {
            continue;
        };
        if packet.next_header() != IpProtocol::Udp {
            continue;
        }
        let to = packet.dst_addr();
        assert_eq!(frame.dst_addr().is_broadcast(), to.is_broadcast());
        assert!(packet.verify_checksum());
        let udp = UdpPacket::new_checked(packet.payload()).unwrap();
        assert!(udp.verify_checksum(&packet.src_addr().into(), &to.into()));
        assert_eq!((udp.src_port(), udp.dst_port()), (68, 67));
        let dhcp = DhcpPacket::new_checked(udp.payload()).unwrap();
        let repr = DhcpRepr::parse(&dhcp).unwrap();
        assert_eq!(repr.client_ip, packet.src_addr());
        heard.push(Said {
            kind: repr.message_type,
            transaction: repr.transaction_id,
            requested: repr.requested_ip,
            ours: repr.client_ip,
            to,
        });
    }
    heard
}

/// The one thing that the client said.
#[track_caller]
fn heard_one(link: &Attached) -> Said {
    let mut heard = heard(link);
    assert_eq!(heard.len(), 1);
    heard.remove(0)
}

/// Says something to the client, as a server does.
fn say(host: &Host, link: &Attached, message_type: DhcpMessageType, transaction_id: u32) {
    say_of(host, link, message_type, transaction_id, OFFERED);
}

/// The same, of some address.
fn say_of(
    host: &Host,
    link: &Attached,
    message_type: DhcpMessageType,
    transaction_id: u32,
    your_ip: Ipv4Addr,
) {
    let us = link.interface.hardware_address();
    let repr = DhcpRepr {
        message_type,
        transaction_id,
        secs: 0,
        client_hardware_address: EthernetAddress(us),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip,
        server_ip: SERVER,
        router: None,
        subnet_mask: Some(Ipv4Addr::new(255, 255, 0, 0)),
        relay_agent_ip: Ipv4Addr::UNSPECIFIED,
        broadcast: false,
        requested_ip: None,
        client_identifier: None,
        server_identifier: Some(SERVER),
        parameter_request_list: None,
        dns_servers: Some([SERVER].into_iter().collect()),
        max_size: None,
        lease_duration: Some(3600),
        renew_duration: None,
        rebind_duration: None,
        additional_options: &[smoltcp::wire::DhcpOption {
            kind: ROUTERS[0],
            data: &ROUTERS[2..],
        }],
    };
    let len = repr.buffer_len();
    let mut bytes = alloc::vec![0; 28 + len];
    let caps = ChecksumCapabilities::default();
    Ipv4Repr {
        src_addr: SERVER,
        dst_addr: OFFERED,
        next_header: IpProtocol::Udp,
        payload_len: 8 + len,
        hop_limit: 64,
    }
    .emit(&mut Ipv4Packet::new_unchecked(&mut bytes[..]), &caps);
    UdpRepr {
        src_port: 67,
        dst_port: 68,
    }
    .emit(
        &mut UdpPacket::new_unchecked(&mut bytes[20..]),
        &SERVER.into(),
        &OFFERED.into(),
        len,
        |place| repr.emit(&mut DhcpPacket::new_unchecked(place)).unwrap(),
        &caps,
    );
    host.feed(link, &ethernet(us, [2, 0, 0, 0, 0, 1], 0x0800, &bytes));
}

#[test]
fn gets_address_gateway_and_name_server() {
    let (host, link, transaction) = asking();
    say(&host, &link, DhcpMessageType::Offer, transaction);
    let request = heard_one(&link);
    assert_eq!(request.kind, DhcpMessageType::Request);
    assert_eq!(
        (request.transaction, request.requested),
        (transaction, Some(OFFERED))
    );
    say(&host, &link, DhcpMessageType::Ack, transaction);
    host.in_kernel(|lwp, net| {
        assert!(net.is_local(lwp, ip("10.7.0.42")));
        assert_eq!(net.source_for(lwp, ip("8.8.8.8")), Ok(ip("10.7.0.42")));
        let lease = net.lease(&link.interface).unwrap();
        assert_eq!(lease.cidr, "10.7.0.42/16".parse().unwrap());
        assert_eq!(lease.router, Some(SERVER));
        assert_eq!(lease.dns, [Some(SERVER), None, None]);
        let spans = [lease.renews, lease.rebinds, lease.expires].map(|time| time - lwp.now());
        assert_eq!(spans, [1800, 3150, 3600].map(|seconds| seconds * SECOND));
        // It is there already.
        assert_eq!(net.dhcp(lwp, &link.interface), Ok(lease));
    });
    link.sent();
    // Nothing happens before it is time.
    sim::advance(1799 * SECOND);
    assert!(link.sent().is_empty());
}

/// A host that asks, and the transaction that it asks in.
fn asking() -> (Host, Attached, u32) {
    let host = boot_with(&[("ip", "dhcp")]);
    let link = host.ethernet("virt", &[]);
    // What it said first was taken away with the announcements; it says it again.
    sim::advance(1_100_000_000);
    let said = heard_one(&link);
    assert_eq!(said.kind, DhcpMessageType::Discover);
    (host, link, said.transaction)
}

/// A host with a lease, whose server is known as a neighbour.
fn leased() -> (Host, Attached) {
    let (host, link, transaction) = asking();
    say(&host, &link, DhcpMessageType::Offer, transaction);
    heard(&link);
    say(&host, &link, DhcpMessageType::Ack, transaction);
    (host, link)
}

/// Lets time pass, in which the server answers who asks for its hardware address.
fn pass(host: &Host, link: &Attached, seconds: u64) -> Vec<Said> {
    sim::advance(seconds * SECOND);
    let mut said = heard(link);
    let us = link.interface.hardware_address();
    let from = [2, 0, 0, 0, 0, 1];
    let answer = arp(2, from, "10.7.0.1", us, "10.7.0.42");
    host.feed(link, &ethernet(us, from, 0x0806, &answer));
    said.extend(heard(link));
    said
}

fn has_address(host: &Host) -> bool {
    host.in_kernel(|lwp, net| net.is_local(lwp, ip("10.7.0.42")))
}

#[test]
fn a_lease_is_renewed_by_its_server() {
    let (host, link) = leased();
    let asked = pass(&host, &link, 1801);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].ours, asked[0].to), (OFFERED, SERVER));
    assert_eq!(
        (asked[0].kind, asked[0].requested),
        (DhcpMessageType::Request, None)
    );
    say(&host, &link, DhcpMessageType::Ack, asked[0].transaction);
    let lease = host.net.lease(&link.interface).unwrap();
    let now = host.in_kernel(|lwp, _| lwp.now());
    assert_eq!(lease.expires, now + 3600 * SECOND);
    assert!(has_address(&host));
    // The same again, and so on.
    assert!(pass(&host, &link, 1799).is_empty());
    assert_eq!(pass(&host, &link, 2).len(), 1);
}

#[test]
fn a_lease_that_nobody_renews_ends() {
    let (host, link) = leased();
    let mut asked = pass(&host, &link, 1801);
    for _ in 0..2000 {
        asked.extend(pass(&host, &link, 1));
        if asked
            .last()
            .is_some_and(|said| said.kind == DhcpMessageType::Discover)
        {
            break;
        }
        assert!(has_address(&host));
    }
    let first = asked.pop().unwrap();
    assert_eq!((first.ours, first.requested), (Ipv4Addr::UNSPECIFIED, None));
    assert!(!has_address(&host));
    assert!(host.net.lease(&link.interface).is_none());
    host.in_kernel(|lwp, net| assert!(net.source_for(lwp, ip("8.8.8.8")).is_err()));
    // At half of what is left until all are asked, 3150 s, and until the end, but not more often than each minute.
    let renewals = asked.iter().filter(|said| said.to == SERVER).count();
    let rebindings = asked.iter().filter(|said| said.to.is_broadcast()).count();
    assert_eq!((renewals, rebindings), (6, 4));
    // Another is as good.
    say(&host, &link, DhcpMessageType::Offer, first.transaction);
    heard(&link);
    say(&host, &link, DhcpMessageType::Ack, first.transaction);
    assert!(has_address(&host));
}

#[test]
fn a_lease_is_given_back_or_changed_as_the_server_says() {
    let (host, link) = leased();
    let asked = pass(&host, &link, 1801);
    let other = Ipv4Addr::new(10, 7, 0, 43);
    say_of(
        &host,
        &link,
        DhcpMessageType::Ack,
        asked[0].transaction,
        other,
    );
    assert!(!has_address(&host));
    host.in_kernel(|lwp, net| {
        assert!(net.is_local(lwp, other.into()));
        assert_eq!(net.source_for(lwp, ip("8.8.8.8")), Ok(other.into()));
    });
    let asked = pass(&host, &link, 1801);
    say(&host, &link, DhcpMessageType::Nak, asked[0].transaction);
    assert_eq!(heard_one(&link).kind, DhcpMessageType::Discover);
    host.in_kernel(|lwp, net| assert!(!net.is_local(lwp, other.into())));
}

#[test]
fn looks_for_another_offer_when_one_is_withdrawn() {
    let (host, link, transaction) = asking();
    say(&host, &link, DhcpMessageType::Offer, transaction);
    heard(&link);
    say(&host, &link, DhcpMessageType::Nak, transaction);
    let again = heard_one(&link);
    assert_eq!(again.kind, DhcpMessageType::Discover);
    assert_ne!(again.transaction, transaction);
    // Late answers do nothing.
    say(&host, &link, DhcpMessageType::Ack, transaction);
    assert!(host.net.lease(&link.interface).is_none());
}

#[test]
fn gives_up_after_ten_seconds_and_leaves_nothing_behind() {
    let host = boot();
    let link = host.ethernet("virt", &[]);
    host.in_kernel(|lwp, net| {
        let begin = lwp.now();
        assert_eq!(net.dhcp(lwp, &link.interface), Err(Errno::ETIMEDOUT));
        let took = lwp.now() - begin;
        assert!((10 * SECOND..11 * SECOND).contains(&took), "{took}");
    });
    // At 0, 1, 3 and 7 seconds.
    assert_eq!(heard(&link).len(), 4);
    assert!(sim::run_until_idle(3600 * SECOND));
    assert!(heard(&link).is_empty());
}

#[test]
fn an_interface_without_ethernet_has_no_dhcp() {
    let host = boot();
    let lo = host.loopback();
    let error = host.in_kernel(|lwp, net| net.dhcp(lwp, &lo.interface));
    assert_eq!(error, Err(Errno::EOPNOTSUPP));
}

/// Has the link of a host that has a lease lost and found again; what it asks then.
fn found_again(host: &Host, link: &Attached) -> Said {
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, false));
    sim::advance(SECOND);
    assert!(heard(link).is_empty() && has_address(host));
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, true));
    let asked = heard_one(link);
    assert_eq!(asked.kind, DhcpMessageType::Request);
    // Of all, with an address that is to be proved, and as nobody yet (RFC 2131 § 4.3.2, INIT-REBOOT).
    assert_eq!(
        (asked.ours, asked.requested),
        (Ipv4Addr::UNSPECIFIED, Some(OFFERED))
    );
    assert!(asked.to.is_broadcast() && has_address(host));
    assert!(host.net.lease(&link.interface).is_some());
    asked
}

#[test]
fn a_lease_is_good_or_not_where_a_link_leads_that_is_back() {
    let (host, link) = leased();
    sim::advance(600 * SECOND);
    let asked = found_again(&host, &link);
    say(&host, &link, DhcpMessageType::Ack, asked.transaction);
    let lease = host.net.lease(&link.interface).unwrap();
    let now = host.in_kernel(|lwp, _| lwp.now());
    assert_eq!(lease.expires, now + 3600 * SECOND);
    assert!(has_address(&host));
    // Another network, where it is nobody's.
    let asked = found_again(&host, &link);
    say(&host, &link, DhcpMessageType::Nak, asked.transaction);
    assert_eq!(heard_one(&link).kind, DhcpMessageType::Discover);
    assert!(!has_address(&host));
}

#[test]
fn a_lease_that_nobody_vouches_for_is_kept_for_its_time() {
    let (host, link) = leased();
    found_again(&host, &link);
    sim::advance(60 * SECOND);
    assert_eq!(heard(&link).len(), 3);
    assert!(has_address(&host));
    // It is renewed in time as ever.
    assert_eq!(pass(&host, &link, 1740)[0].to, SERVER);
}

#[test]
fn who_has_no_lease_asks_at_once_where_the_link_is_back() {
    let (host, link, transaction) = asking();
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, false));
    sim::advance(300 * SECOND);
    heard(&link);
    host.in_kernel(|lwp, net| net.set_carrier(lwp, &link.interface, true));
    let asked = heard_one(&link);
    assert_eq!(asked.kind, DhcpMessageType::Discover);
    assert_ne!(asked.transaction, transaction);
}
