//! What control data says of a datagram: of one that was received, where it was sent to, how far it might still have gone,
//! and when it arrived; of one to be sent, from where. Layouts are those of Linux's `ip(7)`, `ipv6(7)` and `socket(7)`.

use alloc::vec::Vec;
use core::net::IpAddr;

use base::Errno;
use syscall::Control;
use syscall::consts::*;

use super::Datagram;
use crate::address::Family;
use crate::options;

/// In which unit a program wants to hear the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Nanoseconds,
}

/// What a socket wants to hear.
#[derive(Clone, Copy, Debug, Default)]
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
    /// Whether the time of arrival is of interest.
    pub(crate) fn is_timed(&self) -> bool {
        self.time.is_some()
    }

    fn place(&mut self, level: u32, name: u32) -> Option<&mut bool> {
        match (level, name) {
            (IPPROTO_IP, IP_PKTINFO) => Some(&mut self.packet_info),
            (IPPROTO_IP, IP_RECVTTL) => Some(&mut self.ttl),
            (IPPROTO_IPV6, IPV6_RECVPKTINFO) => Some(&mut self.packet_info6),
            (IPPROTO_IPV6, IPV6_RECVHOPLIMIT) => Some(&mut self.hop_limit6),
            _ => None,
        }
    }

    /// Sets an option; nothing, if it is none of these.
    pub(crate) fn set(&mut self, level: u32, name: u32, value: &[u8]) -> Option<Result<(), Errno>> {
        let unit = match (level, name) {
            (SOL_SOCKET, SO_TIMESTAMP) => Some(Unit::Microseconds),
            (SOL_SOCKET, SO_TIMESTAMPNS) => Some(Unit::Nanoseconds),
            _ => None,
        };
        if unit.is_some() {
            let set = options::int(value).map(|on| {
                // The one takes the place of the other, and none of either.
                self.time = unit.filter(|_| on != 0);
            });
            return Some(set);
        }
        let place = self.place(level, name)?;
        let on = match level {
            // As Linux has it, no value is zero here.
            IPPROTO_IP if value.is_empty() => Ok(0),
            IPPROTO_IP => options::small_int(value),
            _ => options::int(value),
        };
        Some(on.map(|on| *place = on != 0))
    }

    /// Reads an option; nothing, if it is none of these.
    pub(crate) fn get(&mut self, level: u32, name: u32) -> Option<bool> {
        match (level, name) {
            (SOL_SOCKET, SO_TIMESTAMP) => Some(self.time == Some(Unit::Microseconds)),
            (SOL_SOCKET, SO_TIMESTAMPNS) => Some(self.time == Some(Unit::Nanoseconds)),
            _ => self.place(level, name).map(|on| *on),
        }
    }

    /// What is said of a datagram to a socket of this family.
    pub(super) fn of(&self, family: Family, datagram: &Datagram) -> Vec<Control> {
        let mut all = Vec::new();
        let mut say = |level, kind, parts: &[&[u8]]| {
            all.push(Control {
                level,
                kind,
                data: parts.concat(),
            });
        };
        if let Some(unit) = self.time {
            let at = match datagram.at {
                // It was here before anybody asked.
                0 => hypercall::clock::wall(),
                at => at,
            };
            let seconds = (at / 1_000_000_000).to_ne_bytes();
            let (kind, rest) = match unit {
                Unit::Microseconds => (SO_TIMESTAMP, at % 1_000_000_000 / 1000),
                Unit::Nanoseconds => (SO_TIMESTAMPNS, at % 1_000_000_000),
            };
            say(SOL_SOCKET, kind, &[&seconds, &rest.to_ne_bytes()]);
        }
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
