//! The format of messages (RFC 4861 § 4). smoltcp has it too, but only together with all it does for Ethernet, which would
//! come into every connection.

use core::net::Ipv6Addr;

use smoltcp::wire::Icmpv6Packet;

use super::HOP_LIMIT;
use crate::{Reason, ethernet};

/// Types of messages.
const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;

/// Options: the sender's hardware address, that of who has the target.
const SOURCE: u8 = 1;
const TARGET: u8 = 2;

/// Bytes in front of a target, and with it; of a router's advertisement in front of its options; of an option
/// with a hardware address.
const HEADER: usize = 8;
const WITH_TARGET: usize = 24;
const ROUTER_HEADER: usize = 16;
const OPTION: usize = 8;

/// Flags of an advertisement.
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// What is said to a link.
#[derive(Clone, Copy, Debug)]
pub enum Discovery {
    /// Which routers are there?
    RouterSolicitation {
        /// Who asks.
        hardware: [u8; 6],
    },
    /// Who has this address?
    Solicitation {
        /// The address.
        target: Ipv6Addr,
        /// Who asks; nobody, if it is to be known whether the address is free.
        hardware: Option<[u8; 6]>,
    },
    /// This address is ours, also if somebody knows better.
    Advertisement {
        /// The address.
        target: Ipv6Addr,
        /// Who has it.
        hardware: [u8; 6],
        /// Whether it is an answer.
        solicited: bool,
    },
}

/// The type, the flags, the target, and the option with a hardware address.
type Parts = (u8, u8, Option<Ipv6Addr>, Option<(u8, [u8; 6])>);

impl Discovery {
    fn parts(&self) -> Parts {
        match *self {
            Discovery::RouterSolicitation { hardware } => {
                (ROUTER_SOLICITATION, 0, None, Some((SOURCE, hardware)))
            }
            Discovery::Solicitation { target, hardware } => (
                SOLICITATION,
                0,
                Some(target),
                hardware.map(|hardware| (SOURCE, hardware)),
            ),
            Discovery::Advertisement {
                target,
                hardware,
                solicited,
            } => {
                let flags = OVERRIDE | if solicited { SOLICITED } else { 0 };
                (ADVERTISEMENT, flags, Some(target), Some((TARGET, hardware)))
            }
        }
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        let (_, _, target, option) = self.parts();
        let with_target = if target.is_some() {
            WITH_TARGET
        } else {
            HEADER
        };
        with_target + if option.is_some() { OPTION } else { 0 }
    }

    /// Writes it to a place of its length, with its checksum.
    pub(super) fn emit(&self, place: &mut [u8], from: Ipv6Addr, to: Ipv6Addr) {
        let (kind, flags, target, option) = self.parts();
        place.fill(0);
        (place[0], place[4]) = (kind, flags);
        if let Some(target) = target {
            place[HEADER..WITH_TARGET].copy_from_slice(&target.octets());
        }
        if let Some((number, hardware)) = option {
            let at = place.len() - OPTION;
            // The length is in units of eight bytes.
            place[at..at + 2].copy_from_slice(&[number, 1]);
            place[at + 2..].copy_from_slice(&hardware);
        }
        Icmpv6Packet::new_unchecked(place).fill_checksum(&from, &to);
    }
}

/// A message, as far as it concerns us.
pub(super) enum Message {
    Solicit {
        target: Ipv6Addr,
        from: Option<[u8; 6]>,
    },
    Advertise {
        target: Ipv6Addr,
        hardware: Option<[u8; 6]>,
        overrides: bool,
    },
    /// A router says something.
    Router,
    Other,
}

/// Reads a message and checks what RFC 4861 § 6.1.2 and § 7.1 have a receiver check.
pub(super) fn read(
    bytes: &[u8],
    src: Ipv6Addr,
    dst: Ipv6Addr,
    hop_limit: u8,
) -> Result<Message, Reason> {
    let Some(&[kind, code, _, _, flags, ..]) = bytes.first_chunk::<HEADER>() else {
        return Err(Reason::Malformed);
    };
    if !Icmpv6Packet::new_unchecked(bytes).verify_checksum(&src, &dst) {
        return Err(Reason::Checksum);
    }
    if hop_limit != HOP_LIMIT || code != 0 {
        return Err(Reason::Malformed);
    }
    match kind {
        ROUTER_ADVERTISEMENT if src.is_unicast_link_local() && bytes.len() >= ROUTER_HEADER => {
            Ok(Message::Router)
        }
        ROUTER_ADVERTISEMENT => Err(Reason::Malformed),
        SOLICITATION => {
            let target = target(bytes)?;
            let from = hardware(bytes, SOURCE)?;
            if src.is_unspecified() && (from.is_some() || !dst.is_multicast()) {
                return Err(Reason::Malformed);
            }
            Ok(Message::Solicit { target, from })
        }
        ADVERTISEMENT => {
            let target = target(bytes)?;
            let solicited = flags & SOLICITED != 0;
            if src.is_unspecified() || (solicited && dst.is_multicast()) {
                return Err(Reason::Malformed);
            }
            Ok(Message::Advertise {
                target,
                hardware: hardware(bytes, TARGET)?,
                overrides: flags & OVERRIDE != 0,
            })
        }
        _ => Ok(Message::Other),
    }
}

fn target(bytes: &[u8]) -> Result<Ipv6Addr, Reason> {
    let target = bytes.get(HEADER..).and_then(|rest| rest.first_chunk());
    let target = Ipv6Addr::from(*target.ok_or(Reason::Malformed)?);
    match target.is_multicast() {
        true => Err(Reason::Malformed),
        false => Ok(target),
    }
}

/// The hardware address in the option of this number, which is one station's. All options must be whole.
fn hardware(bytes: &[u8], wanted: u8) -> Result<Option<[u8; 6]>, Reason> {
    let mut found = None;
    let mut rest = bytes.get(WITH_TARGET..).unwrap_or_default();
    while let [number, units, ..] = *rest {
        let (option, after) = rest
            .split_at_checked(usize::from(units) * 8)
            .filter(|(option, _)| !option.is_empty())
            .ok_or(Reason::Malformed)?;
        rest = after;
        if number == wanted {
            let address = option[2..].first_chunk().copied();
            found = address.filter(|it| ethernet::is_unicast(*it));
            if found.is_none() {
                return Err(Reason::Malformed);
            }
        }
    }
    match rest {
        [] => Ok(found),
        _ => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{Icmpv6Repr, NdiscNeighborFlags, NdiscRepr};

    const FROM: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const TO: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
    const HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 9];

    fn bytes(message: &Discovery) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec![0xee; message.len()];
        message.emit(&mut bytes, FROM, TO);
        bytes
    }

    #[test]
    fn messages_are_what_another_reads() {
        let solicitation = Discovery::Solicitation {
            target: TO,
            hardware: Some(HARDWARE),
        };
        let advertisement = Discovery::Advertisement {
            target: TO,
            hardware: HARDWARE,
            solicited: true,
        };
        let routers = Discovery::RouterSolicitation { hardware: HARDWARE };
        for message in [solicitation, advertisement, routers] {
            let bytes = bytes(&message);
            let packet = Icmpv6Packet::new_checked(&bytes[..]).unwrap();
            let checksums = ChecksumCapabilities::default();
            let Icmpv6Repr::Ndisc(read) =
                Icmpv6Repr::parse(&FROM, &TO, &packet, &checksums).unwrap()
            else {
                panic!("{message:?}");
            };
            match read {
                NdiscRepr::NeighborSolicit {
                    target_addr,
                    lladdr,
                } => {
                    assert_eq!(target_addr, TO);
                    assert_eq!(lladdr.unwrap().as_bytes(), HARDWARE);
                }
                NdiscRepr::NeighborAdvert {
                    flags,
                    target_addr,
                    lladdr,
                } => {
                    assert_eq!(target_addr, TO);
                    assert_eq!(lladdr.unwrap().as_bytes(), HARDWARE);
                    let expected = NdiscNeighborFlags::SOLICITED | NdiscNeighborFlags::OVERRIDE;
                    assert_eq!(flags, expected);
                }
                NdiscRepr::RouterSolicit { lladdr } => {
                    assert_eq!(lladdr.unwrap().as_bytes(), HARDWARE);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let message = Discovery::Solicitation {
            target: TO,
            hardware: Some(HARDWARE),
        };
        let whole = bytes(&message);
        assert!(read(&whole, FROM, TO, HOP_LIMIT).is_ok());
        for len in 0..whole.len() {
            let mut cut = whole[..len].to_vec();
            if len >= 4 {
                Icmpv6Packet::new_unchecked(&mut cut[..]).fill_checksum(&FROM, &TO);
            }
            // Without its option it is a question all the same.
            assert_eq!(
                read(&cut, FROM, TO, HOP_LIMIT).is_ok(),
                len == WITH_TARGET,
                "{len}"
            );
        }
        for option in [[1, 0], [1, 2], [9, 255]] {
            let mut lie = whole.clone();
            lie[WITH_TARGET..WITH_TARGET + 2].copy_from_slice(&option);
            Icmpv6Packet::new_unchecked(&mut lie[..]).fill_checksum(&FROM, &TO);
            assert!(read(&lie, FROM, TO, HOP_LIMIT).is_err(), "{option:?}");
        }
    }
}
