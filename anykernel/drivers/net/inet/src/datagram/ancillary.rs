//! What control data says of a datagram: of one that was received, where it was sent to, how far it might still have gone,
//! and when it arrived; of one to be sent, from where. Layouts are those of Linux's `ip(7)`, `ipv6(7)` and `socket(7)`.

use alloc::vec::Vec;
use core::net::IpAddr;

use base::Errno;
use syscall::Control;
use syscall::consts::*;

use super::Datagram;
use crate::address::Family;
use crate::options::{Opt, Options};

/// In which unit a program wants to hear the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Nanoseconds,
}

/// What a socket wants to hear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ancillary {
    time: Option<Unit>,
    packet_info: bool,
    packet_info6: bool,
    ttl: bool,
    hop_limit6: bool,
}

/// Where a program wants a datagram to come from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chosen {
    /// The address; the usual one if none is said.
    pub(crate) from: Option<IpAddr>,
    /// The interface's index; zero for the usual.
    pub(crate) interface: u32,
}

impl Ancillary {
    /// What these options ask for.
    pub(crate) fn of(options: &Options) -> Self {
        let unit = if options.is(Opt::Time) {
            Some(Unit::Microseconds)
        } else {
            let nanoseconds = options.is(Opt::TimeInNanoseconds);
            nanoseconds.then_some(Unit::Nanoseconds)
        };
        Ancillary {
            time: unit,
            packet_info: options.is(Opt::PacketInfo),
            packet_info6: options.is(Opt::PacketInfo6),
            ttl: options.is(Opt::ReceiveHopLimit),
            hop_limit6: options.is(Opt::ReceiveHopLimit6),
        }
    }

    /// When something arrived, in nanoseconds since 1970, if that is of interest.
    pub(crate) fn time(&self, at: u64) -> Option<Control> {
        let (kind, rest) = match self.time? {
            Unit::Microseconds => (SO_TIMESTAMP, at % 1_000_000_000 / 1000),
            Unit::Nanoseconds => (SO_TIMESTAMPNS, at % 1_000_000_000),
        };
        Some(Control {
            level: SOL_SOCKET,
            kind,
            data: [at / 1_000_000_000, rest].map(u64::to_ne_bytes).concat(),
        })
    }

    /// What is said of a datagram to a socket of this family.
    pub(super) fn say(&self, family: Family, datagram: &Datagram) -> Vec<Control> {
        let mut all = Vec::new();
        let time = self.time(match datagram.at {
            // It was here before anybody asked.
            0 if self.time.is_some() => hypercall::clock::wall(),
            at => at,
        });
        all.extend(time);
        let mut say = |level, kind, parts: &[&[u8]]| {
            all.push(Control {
                level,
                kind,
                data: parts.concat(),
            });
        };
        let interface = datagram.interface.to_ne_bytes();
        let hops = i32::from(datagram.hop_limit).to_ne_bytes();
        if let IpAddr::V4(to) = datagram.to {
            let to = to.octets();
            if self.packet_info {
                say(IPPROTO_IP, IP_PKTINFO, &[&interface, &to, &to]);
            }
            if self.ttl {
                say(IPPROTO_IP, IP_TTL, &[&hops]);
            }
        }
        if family == Family::V6 {
            let to = match datagram.to {
                IpAddr::V4(to) => to.to_ipv6_mapped(),
                IpAddr::V6(to) => to,
            };
            if self.packet_info6 {
                let kind = IPV6_PKTINFO;
                say(IPPROTO_IPV6, kind, &[&to.octets(), &interface]);
            }
            if self.hop_limit6 && datagram.to.is_ipv6() {
                say(IPPROTO_IPV6, IPV6_HOPLIMIT, &[&hops]);
            }
        }
        all
    }
}

impl Chosen {
    /// What control data asks for. `EINVAL` for what is not known, or not whole.
    pub(crate) fn read(control: &[Control]) -> Result<Self, Errno> {
        let mut chosen = Chosen::default();
        for one in control {
            let data = &one.data[..];
            let (from, interface): (IpAddr, _) = match (one.level, one.kind) {
                (IPPROTO_IP, IP_PKTINFO) => {
                    let data: &[u8; 12] = data.try_into().map_err(|_| Errno::EINVAL)?;
                    let from: [u8; 4] = [data[4], data[5], data[6], data[7]];
                    (from.into(), [data[0], data[1], data[2], data[3]])
                }
                (IPPROTO_IPV6, IPV6_PKTINFO) => {
                    let data: &[u8; 20] = data.try_into().map_err(|_| Errno::EINVAL)?;
                    let from: &[u8; 16] = data.first_chunk().ok_or(Errno::EINVAL)?;
                    let from = IpAddr::from(*from).to_canonical();
                    (from, [data[16], data[17], data[18], data[19]])
                }
                _ => return Err(Errno::EINVAL),
            };
            chosen.from = (!from.is_unspecified()).then_some(from);
            chosen.interface = u32::from_ne_bytes(interface);
        }
        Ok(chosen)
    }
}
