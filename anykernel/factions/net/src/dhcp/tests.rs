use alloc::vec::Vec;

use smoltcp::wire::EthernetFrame;

use super::*;
use crate::testing::{Attached, Host, boot, boot_with, ethernet, ip};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);
const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 42);
const ROUTERS: [u8; 10] = [3, 8, 10, 7, 0, 1, 10, 7, 0, 3];

/// What the client said: type, transaction, requested address.
fn heard(link: &Attached) -> Vec<(DhcpMessageType, u32, Option<Ipv4Addr>)> {
    let mut heard = Vec::new();
    for bytes in link.sent() {
        let frame = EthernetFrame::new_checked(&bytes[..]).unwrap();
        let Ok(packet) = Ipv4Packet::new_checked(frame.payload()) else {
            continue;
        };
        if packet.next_header() != IpProtocol::Udp {
            continue;
        }
        assert!(frame.dst_addr().is_broadcast());
        assert!(packet.verify_checksum());
        let udp = UdpPacket::new_checked(packet.payload()).unwrap();
        assert!(udp.verify_checksum(&packet.src_addr().into(), &packet.dst_addr().into()));
        assert_eq!((udp.src_port(), udp.dst_port()), (68, 67));
        let dhcp = DhcpPacket::new_checked(udp.payload()).unwrap();
        let repr = DhcpRepr::parse(&dhcp).unwrap();
        heard.push((repr.message_type, repr.transaction_id, repr.requested_ip));
    }
    heard
}

/// Says something to the client, as a server does.
fn say(host: &Host, link: &Attached, message_type: DhcpMessageType, transaction_id: u32) {
    let us = link.interface.hardware_address();
    let repr = DhcpRepr {
        message_type,
        transaction_id,
        secs: 0,
        client_hardware_address: EthernetAddress(us),
        client_ip: Ipv4Addr::UNSPECIFIED,
        your_ip: OFFERED,
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
    let host = boot_with(&[("ip", "dhcp")]);
    let link = host.ethernet("virt", &[]);
    // What it said first was taken away with the announcements; it says it again.
    sim::advance(1_100_000_000);
    let discover = heard(&link);
    assert_eq!(discover.len(), 1);
    let (kind, transaction, _) = discover[0];
    assert_eq!(kind, DhcpMessageType::Discover);
    say(&host, &link, DhcpMessageType::Offer, transaction);
    let expected = (DhcpMessageType::Request, transaction, Some(OFFERED));
    assert_eq!(heard(&link), [expected]);
    say(&host, &link, DhcpMessageType::Ack, transaction);
    host.in_kernel(|lwp, net| {
        assert!(net.is_local(lwp, ip("10.7.0.42")));
        assert_eq!(net.source_for(lwp, ip("8.8.8.8")), Ok(ip("10.7.0.42")));
        let lease = net.lease(&link.interface).unwrap();
        assert_eq!(lease.cidr, "10.7.0.42/16".parse().unwrap());
        assert_eq!(lease.router, Some(SERVER));
        assert_eq!(lease.dns, [Some(SERVER), None, None]);
        assert_eq!(lease.expires, lwp.now() + 3600 * SECOND);
        // It is there already.
        assert_eq!(net.dhcp(lwp, &link.interface), Ok(lease));
    });
    link.sent();
    assert!(sim::run_until_idle(7200 * SECOND));
    assert!(heard(&link).is_empty());
}

#[test]
fn looks_for_another_offer_when_one_is_withdrawn() {
    let host = boot_with(&[("ip", "dhcp")]);
    let link = host.ethernet("virt", &[]);
    sim::advance(1_100_000_000);
    let transaction = heard(&link)[0].1;
    say(&host, &link, DhcpMessageType::Offer, transaction);
    heard(&link);
    say(&host, &link, DhcpMessageType::Nak, transaction);
    let again = heard(&link);
    assert_eq!(again[0].0, DhcpMessageType::Discover);
    assert_ne!(again[0].1, transaction);
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
