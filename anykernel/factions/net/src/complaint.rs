//! Errors that a host or a router tells the sender of a packet: ICMP (RFC 792, RFC 1191 § 4, RFC 1812 § 4.3.2) and
//! ICMPv6 (RFC 4443 § 3).
//!
//! None is sent about an error, a packet to many or from nobody, or a fragment that is not the first; and
//! no more than so many a second.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Lwp};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{Icmpv4Packet, Icmpv6Packet, IpProtocol, IpRepr, Ipv4Packet};

use crate::{Frame, Interface, IpInfo, Net};

/// How long an error is at most, with its own header: what every link carries.
const LONGEST_V4: usize = 576;
const LONGEST_V6: usize = 1280;

/// Bytes in front of the quote.
const ICMP_HEADER: usize = 8;

const HOP_LIMIT: u8 = 64;

/// How many errors may go out in a row, and then how many a second.
const BURST: u64 = 64;
const RATE: u64 = 1000;

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// Nobody is at its port.
    NoPort,
    /// Nobody speaks its protocol.
    NoProtocol,
    /// There is no route to where it should go.
    NoRoute,
    /// Its next hop does not answer.
    NoHost,
    /// A filter does not let it through.
    Prohibited,
    /// It went over as many routers as it may.
    HopLimit,
    /// It is longer than the link it would leave by carries (this many bytes), and may not be cut up.
    TooLong(u16),
}

impl Complaint {
    /// Type, code and the word after the checksum.
    fn icmpv4(self) -> (u8, u8, u32) {
        match self {
            Complaint::NoRoute => (3, 0, 0),
            Complaint::NoHost => (3, 1, 0),
            Complaint::NoProtocol => (3, 2, 0),
            Complaint::NoPort => (3, 3, 0),
            Complaint::TooLong(mtu) => (3, 4, mtu.into()),
            Complaint::Prohibited => (3, 13, 0),
            Complaint::HopLimit => (11, 0, 0),
        }
    }

    fn icmpv6(self) -> (u8, u8, u32) {
        match self {
            Complaint::NoRoute => (1, 0, 0),
            Complaint::Prohibited => (1, 1, 0),
            Complaint::NoHost => (1, 3, 0),
            Complaint::NoPort => (1, 4, 0),
            Complaint::TooLong(mtu) => (2, 0, mtu.into()),
            Complaint::HopLimit => (3, 0, 0),
            // Where in the packet the protocol's number stands.
            Complaint::NoProtocol => (4, 1, 6),
        }
    }
}

/// How many errors may still be sent (RFC 4443 § 2.4 (f)).
#[derive(Default)]
pub(crate) struct Allowance {
    /// The time up to which it is used up, in nanoseconds.
    used_until: u64,
}

impl Allowance {
    /// Uses some of it, if there is any.
    fn spend(&mut self, now: u64) -> bool {
        const EACH: u64 = 1_000_000_000 / RATE;
        let used = self.used_until.max(now.saturating_sub(BURST * EACH));
        let allowed = used + EACH <= now;
        if allowed {
            self.used_until = used + EACH;
        }
        allowed
    }
}

impl Net {
    /// Tells the sender of a packet, which came in by `interface`, what is wrong with it; or does not, where
    /// that is not done. No lock of a connection is held.
    #[cold]
    pub fn complain(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
        complaint: Complaint,
    ) {
        if !may_be_answered(packet, info) {
            return;
        }
        if !interface.is_loopback() && !self.complaints.with(|left| left.spend(lwp.now())) {
            return;
        }
        // It is no loss that anybody could be told of.
        let _ = self.send_complaint(lwp, interface, packet, info, complaint);
    }

    fn send_complaint(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
        complaint: Complaint,
    ) -> Result<(), Errno> {
        let local = self.table.with(|table| table.is_local(info.dst));
        let source = match local {
            true => info.dst,
            false => self.source_for(lwp, info.src)?,
        };
        let (header_len, longest, protocol, (kind, code, word)) = match source {
            IpAddr::V4(_) => (20, LONGEST_V4, IpProtocol::Icmp, complaint.icmpv4()),
            IpAddr::V6(_) => (40, LONGEST_V6, IpProtocol::Icmpv6, complaint.icmpv6()),
        };
        let quote = packet.payload();
        let quote = &quote[..quote.len().min(longest - header_len - ICMP_HEADER)];
        let len = ICMP_HEADER + quote.len();
        let mut error = self.pool().get(header_len + len)?;
        let bytes = error.payload_mut();
        IpRepr::new(source.into(), info.src.into(), protocol, len, HOP_LIMIT)
            .emit(&mut *bytes, &ChecksumCapabilities::default());
        let message = &mut bytes[header_len..];
        message[ICMP_HEADER..].copy_from_slice(quote);
        // One that was left open is none for who reads it.
        if let Some((at, sum)) = packet.completion()
            && let Some(place) = message[ICMP_HEADER..].get_mut(at..at + 2)
        {
            place.copy_from_slice(&sum);
        }
        message[..ICMP_HEADER].copy_from_slice(&[kind, code, 0, 0, 0, 0, 0, 0]);
        message[4..ICMP_HEADER].copy_from_slice(&word.to_be_bytes());
        match (source, info.src) {
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                Icmpv6Packet::new_unchecked(message).fill_checksum(&from, &to);
            }
            _ => Icmpv4Packet::new_unchecked(message).fill_checksum(),
        }
        // A link-local address means nothing without its link.
        let link_local = matches!(info.src, IpAddr::V6(src) if src.is_unicast_link_local());
        let via = (link_local || interface.is_loopback()).then_some(interface);
        self.output(lwp, error, via)
    }
}

/// Whether a sender may be told of errors (RFC 1122 § 3.2.2, RFC 4443 § 2.4 (e)).
fn may_be_answered(packet: &Frame, info: &IpInfo) -> bool {
    let kind = packet.payload().get(info.payload_offset).copied();
    let (first, is_error) = match info.src {
        IpAddr::V4(_) => (
            Ipv4Packet::new_checked(packet.payload()).is_ok_and(|it| it.frag_offset() == 0),
            info.protocol == u8::from(IpProtocol::Icmp)
                && !matches!(kind, Some(0 | 8 | 9 | 10 | 13..=18)),
        ),
        IpAddr::V6(_) => (
            true,
            info.protocol == u8::from(IpProtocol::Icmpv6) && kind.is_none_or(|kind| kind < 128),
        ),
    };
    let nobody = info.src.is_unspecified() || info.src.is_multicast();
    first && !is_error && !nobody && !info.to_many
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_in_a_burst_and_then_at_a_rate() {
        let mut allowance = Allowance::default();
        let start = 5_000_000_000;
        let burst = (0..1000).filter(|_| allowance.spend(start)).count() as u64;
        assert_eq!(burst, BURST);
        let later = (1..=1000).filter(|ms| allowance.spend(start + ms * 1_000_000));
        assert_eq!(later.count() as u64, RATE);
    }
}
