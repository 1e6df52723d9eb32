//! The messages of IGMP and MLD, in packets: what is heard is checked, what is said is put together.
//!
//! Queries of MLD have to come from a station on the link, which may not have passed anything on; of both protocols they
//! have a single hop to go. Queries that name sources are taken to ask for the whole group: the answer to that holds theirs.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use net::IpInfo;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet, checksum};

use crate::membership::{Record, Report, Version};

const MILLISECOND: u64 = 1_000_000;

/// Types of IGMP (RFC 3376 § 4) and of MLD (RFC 3810 § 5).
const IGMP_QUERY: u8 = 0x11;
const IGMP_REPORT_1: u8 = 0x12;
const IGMP_REPORT_2: u8 = 0x16;
const IGMP_LEAVE: u8 = 0x17;
const IGMP_REPORT_3: u8 = 0x22;
const MLD_QUERY: u8 = 130;
const MLD_REPORT_1: u8 = 131;
const MLD_DONE: u8 = 132;
const MLD_REPORT_2: u8 = 143;

const ALL_ROUTERS_4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const REPORTS_4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
const ALL_ROUTERS_6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const REPORTS_6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x16);

/// The option that has routers look at a packet: of IPv4 (RFC 2113), and of IPv6 in a header of its own, with padding
/// (RFC 2711).
const ALERT_4: [u8; 4] = [148, 4, 0, 0];
const ALERT_6: [u8; 8] = [58, 0, 5, 2, 0, 0, 1, 0];

const HEADER_4: usize = 20 + ALERT_4.len();
const HEADER_6: usize = 40 + ALERT_6.len();

/// What other stations say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Query(Query),
    /// At an older version: a group has members.
    Report(IpAddr),
}

/// Somebody asks for members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) version: Version,
    /// Of a group; none: of all.
    pub(crate) group: Option<IpAddr>,
    /// In how many nanoseconds at most.
    pub(crate) within: u64,
    /// How often news are to be told; zero: it does not say.
    pub(crate) robustness: u8,
}

/// Reads a packet to many; nothing, if it is not of these protocols, or not as it has to be.
pub(crate) fn read(packet: &[u8], info: &IpInfo) -> Option<Heard> {
    // It has to come from the link itself.
    if info.hop_limit != 1 {
        return None;
    }
    let rest = packet.get(info.payload_offset..)?;
    match (info.src, info.protocol) {
        (IpAddr::V4(_), 2) => read_igmp(rest, info),
        (IpAddr::V6(src), 0) if src.is_unicast_link_local() => read_mld(rest, info),
        _ => None,
    }
}

fn read_igmp(message: &[u8], info: &IpInfo) -> Option<Heard> {
    let [kind, code, _, _, a, b, c, d] = *message.first_chunk()?;
    if checksum::data(message) != !0 {
        return None;
    }
    let group = Ipv4Addr::from([a, b, c, d]);
    if let IGMP_REPORT_1 | IGMP_REPORT_2 = kind {
        return report(group.into(), info);
    }
    if kind != IGMP_QUERY {
        return None;
    }
    // By the length (RFC 3376 § 7.1).
    let (version, tenths) = match (message.len(), code) {
        (8, 0) => (Version::One, 100),
        (8, _) => (Version::Two, u64::from(code)),
        (12.., _) => (Version::Three, decode(code.into(), 4)),
        _ => return None,
    };
    query(group.into(), version, tenths * 100, message.get(8))
}

fn read_mld(packet: &[u8], info: &IpInfo) -> Option<Heard> {
    let len = usize::from(*packet.get(1)?) * 8 + 8;
    let (options, message) = packet.split_at_checked(len)?;
    if options[0] != u8::from(IpProtocol::Icmpv6) || !has_alert(&options[2..]) {
        return None;
    }
    let head: &[u8; 24] = message.first_chunk()?;
    if mld_checksum(info.src, info.dst, message) != !0 {
        return None;
    }
    let group: &[u8; 16] = head.last_chunk()?;
    let group = IpAddr::V6((*group).into());
    match head[0] {
        MLD_REPORT_1 => return report(group, info),
        MLD_QUERY => {}
        _ => return None,
    }
    let code = u16::from_be_bytes([head[4], head[5]]);
    // By the length (RFC 3810 § 8.1).
    let (version, milliseconds) = match message.len() {
        24 => (Version::Two, u64::from(code)),
        28.. => (Version::Three, decode(code.into(), 12)),
        _ => return None,
    };
    query(group, version, milliseconds, message.get(24))
}

fn report(group: IpAddr, info: &IpInfo) -> Option<Heard> {
    (group == info.dst).then_some(Heard::Report(group))
}

fn query(group: IpAddr, version: Version, milliseconds: u64, flags: Option<&u8>) -> Option<Heard> {
    let group = (!group.is_unspecified()).then_some(group);
    if group.is_some_and(|group| !group.is_multicast()) {
        return None;
    }
    Some(Heard::Query(Query {
        version,
        group,
        within: milliseconds * MILLISECOND,
        robustness: flags.map_or(0, |flags| flags & 7),
    }))
}

/// A number that has an exponent of three bits if its first bit is set, and so many bits after it (RFC 3376 § 4.1.1,
/// RFC 3810 § 5.1.3).
fn decode(code: u64, bits: u32) -> u64 {
    if code >> (bits + 3) == 0 {
        return code;
    }
    let mantissa = code & ((1 << bits) - 1) | 1 << bits;
    mantissa << ((code >> bits & 7) + 3)
}

/// Whether routers are to look at a packet with these options.
fn has_alert(mut options: &[u8]) -> bool {
    while let [kind, rest @ ..] = options {
        options = match (kind, rest) {
            (0, _) => rest,
            (5, [2, 0, 0, ..]) => return true,
            (_, [len, data @ ..]) => data.get(usize::from(*len)..).unwrap_or(&[]),
            _ => return false,
        };
    }
    false
}

/// The packets that a report is, from one of our own addresses: many groups take several.
pub(crate) fn write(
    own: impl Iterator<Item = IpAddr>,
    ipv4: bool,
    report: &Report,
    mtu: usize,
) -> Vec<Vec<u8>> {
    let (routers, reports): (IpAddr, IpAddr) = match ipv4 {
        true => (ALL_ROUTERS_4.into(), REPORTS_4.into()),
        false => (ALL_ROUTERS_6.into(), REPORTS_6.into()),
    };
    let kind = |igmp, mld| if ipv4 { igmp } else { mld };
    let messages = match report {
        Report::Members(Version::One, group) => {
            vec![(*group, simple(kind(IGMP_REPORT_1, MLD_REPORT_1), *group))]
        }
        Report::Members(_, group) => {
            vec![(*group, simple(kind(IGMP_REPORT_2, MLD_REPORT_1), *group))]
        }
        Report::Left(group) => vec![(routers, simple(kind(IGMP_LEAVE, MLD_DONE), *group))],
        Report::Records(records) => {
            let (header, record) = if ipv4 { (HEADER_4, 8) } else { (HEADER_6, 20) };
            let most = mtu.saturating_sub(header + 8) / record;
            let parts = records.chunks(most.max(1));
            parts
                .map(|part| {
                    (
                        reports,
                        with_records(kind(IGMP_REPORT_3, MLD_REPORT_2), part),
                    )
                })
                .collect()
        }
    };
    let source = own.fold(None, |found, own| match own {
        IpAddr::V4(_) if ipv4 => found.or(Some(own)),
        IpAddr::V6(address) if !ipv4 && address.is_unicast_link_local() => found.or(Some(own)),
        _ => found,
    });
    let packets = messages.into_iter().filter_map(|(to, message)| match to {
        IpAddr::V4(to) => in_ipv4(source, to, message),
        IpAddr::V6(to) => in_ipv6(source, to, message),
    });
    packets.collect()
}

/// A message about a group, of an older version.
fn simple(kind: u8, group: IpAddr) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    match group {
        IpAddr::V4(group) => message.extend(group.octets()),
        IpAddr::V6(group) => {
            message.extend([0; 4]);
            message.extend(group.octets());
        }
    }
    message
}

/// A report of the newest version.
fn with_records(kind: u8, records: &[(Record, IpAddr)]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0, 0];
    message.extend((records.len() as u16).to_be_bytes());
    for (record, group) in records {
        // No sources, and nothing after them.
        message.extend([*record as u8, 0, 0, 0]);
        match group {
            IpAddr::V4(group) => message.extend(group.octets()),
            IpAddr::V6(group) => message.extend(group.octets()),
        }
    }
    message
}

fn in_ipv4(source: Option<IpAddr>, to: Ipv4Addr, mut message: Vec<u8>) -> Option<Vec<u8>> {
    let sum = !checksum::data(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let len = u16::try_from(HEADER_4 + message.len()).ok()?;
    let mut packet = vec![0; HEADER_4];
    packet[20..].copy_from_slice(&ALERT_4);
    let mut header = Ipv4Packet::new_unchecked(&mut packet[..]);
    header.set_version(4);
    header.set_header_len(HEADER_4 as u8);
    // Control of a network (RFC 3376 § 4).
    header.set_dscp(0xc0 >> 2);
    header.set_total_len(len);
    header.set_dont_frag(true);
    header.set_hop_limit(1);
    header.set_next_header(IpProtocol::Igmp);
    header.set_dst_addr(to);
    if let Some(IpAddr::V4(source)) = source {
        header.set_src_addr(source);
    }
    header.fill_checksum();
    packet.extend(message);
    Some(packet)
}

fn in_ipv6(source: Option<IpAddr>, to: Ipv6Addr, mut message: Vec<u8>) -> Option<Vec<u8>> {
    let source = source.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
    let sum = !mld_checksum(source, to.into(), &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let len = u16::try_from(ALERT_6.len() + message.len()).ok()?;
    let mut packet = vec![0; 40];
    let mut header = Ipv6Packet::new_unchecked(&mut packet[..]);
    header.set_version(6);
    header.set_payload_len(len);
    header.set_next_header(IpProtocol::HopByHop);
    header.set_hop_limit(1);
    header.set_dst_addr(to);
    if let IpAddr::V6(source) = source {
        header.set_src_addr(source);
    }
    packet.extend(ALERT_6);
    packet.extend(message);
    Some(packet)
}

/// The checksum of a message as it stands: all bits are set if that in it is right.
fn mld_checksum(src: IpAddr, dst: IpAddr, message: &[u8]) -> u16 {
    let pseudo = checksum::pseudo_header(
        &src.into(),
        &dst.into(),
        IpProtocol::Icmpv6,
        message.len() as u32,
    );
    checksum::combine(&[pseudo, checksum::data(message)])
}
