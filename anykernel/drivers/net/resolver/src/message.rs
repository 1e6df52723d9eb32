//! Questions and answers as messages (RFC 1035 § 4). The format is smoltcp's; what an answer has to be to be
//! believed is decided here.

use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::Errno;
use smoltcp::wire::{
    DnsFlags, DnsOpcode, DnsPacket, DnsQueryType, DnsQuestion, DnsRcode, DnsRecord, DnsRecordData,
    DnsRepr,
};

use crate::name::Name;

/// Records of an answer that are looked at.
const MOST_RECORDS: usize = 512;
/// Addresses taken from an answer.
const MOST_ADDRESSES: usize = 128;
/// Aliases followed from the name asked for to the one that has the addresses.
const MOST_ALIASES: usize = 16;
/// How long an answer is remembered at most, in seconds: a day, and three hours that there is none (RFC 2308 § 5).
const LONGEST: u32 = 86_400;
const LONGEST_NEGATIVE: u32 = 10_800;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    V4,
    V6,
}

impl Kind {
    fn record(self) -> DnsQueryType {
        match self {
            Kind::V4 => DnsQueryType::A,
            Kind::V6 => DnsQueryType::Aaaa,
        }
    }
}

/// What a server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The name that has the addresses: the one asked for, or what it is an alias of.
    pub(crate) name: Name,
    /// `ENOENT` if there is no such name, `ENODATA` if it has none of these addresses.
    pub(crate) addresses: Result<Vec<IpAddr>, Errno>,
    /// How long that is so, in seconds.
    pub(crate) ttl: u32,
}

/// What a message says to a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Answer(Answer),
    /// It did not fit into a datagram.
    Truncated,
    /// `EAGAIN` if the server could not find out, `EPROTO` if it would not, `ELOOP` for aliases without end.
    Failed(Errno),
}

/// A question.
pub(crate) fn question(id: u16, name: &Name, kind: Kind) -> Vec<u8> {
    let repr = DnsRepr {
        transaction_id: id,
        opcode: DnsOpcode::Query,
        flags: DnsFlags::RECURSION_DESIRED,
        question: DnsQuestion {
            name: name.bytes(),
            type_: kind.record(),
        },
    };
    let mut bytes = vec![0; repr.buffer_len()];
    repr.emit(&mut DnsPacket::new_unchecked(&mut bytes[..]));
    bytes
}

/// Reads a message. `None` if it is no answer to this question, or makes no sense.
pub(crate) fn read(bytes: &[u8], id: u16, name: &Name, kind: Kind) -> Option<Reply> {
    let packet = DnsPacket::new_checked(bytes).ok()?;
    let ours = packet.transaction_id() == id
        && packet.flags().contains(DnsFlags::RESPONSE)
        && packet.opcode() == DnsOpcode::Query
        && packet.question_count() == 1;
    if !ours {
        return None;
    }
    let (rest, asked) = DnsQuestion::parse(packet.payload()).ok()?;
    if asked.type_ != kind.record() || Name::read(&packet, asked.name)? != *name {
        return None;
    }
    if packet.flags().contains(DnsFlags::TRUNCATED) {
        return Some(Reply::Truncated);
    }
    let missing = match packet.rcode() {
        DnsRcode::NoError => Errno::ENODATA,
        DnsRcode::NXDomain => Errno::ENOENT,
        DnsRcode::ServFail => return Some(Reply::Failed(Errno::EAGAIN)),
        _ => return Some(Reply::Failed(Errno::EPROTO)),
    };
    let (records, rest) = records(rest, packet.answer_record_count())?;
    let mut answer = Answer {
        name: name.clone(),
        addresses: Err(missing),
        ttl: LONGEST,
    };
    if let Err(errno) = follow(&packet, &records, kind, &mut answer) {
        return Some(Reply::Failed(errno));
    }
    if answer.addresses.is_err() {
        answer.ttl = answer.ttl.min(negative_ttl(&packet, rest));
    }
    Some(Reply::Answer(answer))
}

/// Reads `count` records, and says where they end.
fn records(mut bytes: &[u8], count: u16) -> Option<(Vec<DnsRecord<'_>>, &[u8])> {
    let mut records = Vec::new();
    for _ in 0..count {
        let (rest, record) = DnsRecord::parse(bytes).ok()?;
        bytes = rest;
        if records.len() < MOST_RECORDS {
            records.push(record);
        }
    }
    Some((records, bytes))
}

/// Goes from the name asked for over its aliases to addresses. `ELOOP` if this does not end, `EPROTO` for an alias of
/// what is no host's name.
fn follow(
    packet: &DnsPacket<&[u8]>,
    records: &[DnsRecord<'_>],
    kind: Kind,
    answer: &mut Answer,
) -> Result<(), Errno> {
    let owners: Vec<Option<Name>> = records
        .iter()
        .map(|record| Name::read(packet, record.name))
        .collect();
    for _ in 0..=MOST_ALIASES {
        let (mut addresses, mut alias) = (Vec::new(), None);
        for (record, owner) in records.iter().zip(&owners) {
            if owner.as_ref() != Some(&answer.name) {
                continue;
            }
            match (&record.data, kind) {
                (DnsRecordData::A(address), Kind::V4) => addresses.push(IpAddr::V4(*address)),
                (DnsRecordData::Aaaa(address), Kind::V6) => addresses.push(IpAddr::V6(*address)),
                (DnsRecordData::Cname(target), _) => alias = Some(*target),
                _ => continue,
            }
            answer.ttl = answer.ttl.min(seconds(record.ttl));
        }
        if !addresses.is_empty() {
            addresses.truncate(MOST_ADDRESSES);
            answer.addresses = Ok(addresses);
            return Ok(());
        }
        match alias {
            Some(target) => answer.name = Name::read(packet, target).ok_or(Errno::EPROTO)?,
            None => return Ok(()),
        }
    }
    Err(Errno::ELOOP)
}

/// A time to live; one that would be negative is none (RFC 2181 § 8).
fn seconds(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

/// How long it may be remembered that there is nothing: as the zone's record says (RFC 2308 § 5), and not at all
/// without one.
fn negative_ttl(packet: &DnsPacket<&[u8]>, bytes: &[u8]) -> u32 {
    let Some((records, _)) = records(bytes, packet.authority_record_count()) else {
        return 0;
    };
    let ttl = records.iter().find_map(|record| match record.data {
        // Two names and five numbers, of which the last counts.
        DnsRecordData::Other(DnsQueryType::Soa, data) => {
            let minimum = u32::from_be_bytes(*data.last_chunk()?);
            Some(seconds(record.ttl).min(seconds(minimum)))
        }
        _ => None,
    });
    ttl.unwrap_or(0).min(LONGEST_NEGATIVE)
}

#[cfg(test)]
mod tests;
