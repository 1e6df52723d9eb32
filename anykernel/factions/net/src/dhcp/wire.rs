//! The format of messages (RFC 2131 § 2, RFC 2132). smoltcp has it too, but only together with all it does for Ethernet,
//! which would come into every connection.

use core::net::Ipv4Addr;

/// Bytes in front of the options, with the four that say that options follow.
const FIXED: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Whose message it is, and on what: Ethernet, with addresses of six bytes.
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: [u8; 2] = [1, 6];

mod option {
    pub(super) const PAD: u8 = 0;
    pub(super) const MASK: u8 = 1;
    pub(super) const ROUTER: u8 = 3;
    pub(super) const NAME_SERVERS: u8 = 6;
    pub(super) const REQUESTED_ADDRESS: u8 = 50;
    pub(super) const LEASE_TIME: u8 = 51;
    pub(super) const KIND: u8 = 53;
    pub(super) const SERVER: u8 = 54;
    pub(super) const WANTED: u8 = 55;
    pub(super) const LONGEST: u8 = 57;
    pub(super) const RENEWAL_TIME: u8 = 58;
    pub(super) const REBINDING_TIME: u8 = 59;
    pub(super) const CLIENT: u8 = 61;
    pub(super) const END: u8 = 255;
}

/// Options we ask for.
const WANTED: [u8; 6] = [
    option::MASK,
    option::ROUTER,
    option::NAME_SERVERS,
    option::LEASE_TIME,
    option::RENEWAL_TIME,
    option::REBINDING_TIME,
];

/// The longest message we take, of the 1500 bytes of an Ethernet frame.
const LONGEST: u16 = 1472;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Discover,
    Offer,
    Request,
    Ack,
    Nak,
}

impl Kind {
    const ALL: [(Kind, u8); 5] = [
        (Kind::Discover, 1),
        (Kind::Offer, 2),
        (Kind::Request, 3),
        (Kind::Ack, 5),
        (Kind::Nak, 6),
    ];

    fn number(self) -> u8 {
        let found = Kind::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or(0, |(_, number)| *number)
    }
}

/// What a client says.
pub(super) struct Query {
    pub(super) kind: Kind,
    pub(super) transaction: u32,
    /// Seconds since it began to ask.
    pub(super) secs: u16,
    pub(super) hardware: [u8; 6],
    /// The address it has, or none.
    pub(super) ours: Ipv4Addr,
    /// The server whose offer it takes.
    pub(super) server: Option<Ipv4Addr>,
    /// The address that it would like to have.
    pub(super) wanted: Option<Ipv4Addr>,
}

/// Bytes of the longest query.
pub(super) const QUERY: usize = FIXED + 3 + 6 + 6 + 9 + 8 + 4 + 1;

impl Query {
    /// Writes it, and zeros after it: the place is for the longest.
    pub(super) fn emit(&self, place: &mut [u8; QUERY]) {
        place.fill(0);
        place[0] = REQUEST;
        place[1..3].copy_from_slice(&ETHERNET);
        place[4..8].copy_from_slice(&self.transaction.to_be_bytes());
        place[8..10].copy_from_slice(&self.secs.to_be_bytes());
        place[12..16].copy_from_slice(&self.ours.octets());
        place[28..34].copy_from_slice(&self.hardware);
        place[FIXED - 4..FIXED].copy_from_slice(&COOKIE);
        let mut at = FIXED;
        let mut put = |kind: u8, parts: &[&[u8]]| {
            let len: usize = parts.iter().map(|part| part.len()).sum();
            place[at] = kind;
            place[at + 1] = len as u8;
            at += 2;
            for part in parts {
                place[at..at + part.len()].copy_from_slice(part);
                at += part.len();
            }
        };
        put(option::KIND, &[&[self.kind.number()]]);
        // Its hardware address, of the kind that Ethernet has.
        put(option::CLIENT, &[&ETHERNET[..1], &self.hardware]);
        for (kind, address) in [
            (option::REQUESTED_ADDRESS, self.wanted),
            (option::SERVER, self.server),
        ] {
            if let Some(address) = address {
                put(kind, &[&address.octets()]);
            }
        }
        put(option::LONGEST, &[&LONGEST.to_be_bytes()]);
        put(option::WANTED, &[&WANTED]);
        place[at] = option::END;
    }
}

/// What a server says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) transaction: u32,
    pub(super) hardware: [u8; 6],
    /// The address it offers or lends.
    pub(super) address: Ipv4Addr,
    pub(super) server: Option<Ipv4Addr>,
    pub(super) mask: Option<Ipv4Addr>,
    /// The first of them.
    pub(super) router: Option<Ipv4Addr>,
    /// The first three.
    pub(super) name_servers: [Option<Ipv4Addr>; 3],
    /// Seconds: until the lease is over, to be renewed, to be had from any server.
    pub(super) times: [Option<u32>; 3],
}

impl Answer {
    /// Reads a message. Nothing, if it is none of a server's, or not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let fixed = bytes.first_chunk::<FIXED>()?;
        if fixed[0] != REPLY || fixed[1..3] != ETHERNET || fixed[FIXED - 4..] != COOKIE {
            return None;
        }
        let mut kind = None;
        let mut answer = Answer {
            kind: Kind::Nak,
            transaction: u32::from_be_bytes(*fixed[4..].first_chunk()?),
            hardware: *fixed[28..].first_chunk()?,
            address: address(&fixed[16..])?,
            server: None,
            mask: None,
            router: None,
            name_servers: [None; 3],
            times: [None; 3],
        };
        let mut rest = &bytes[FIXED..];
        while let [number, after @ ..] = rest {
            rest = match *number {
                option::PAD => after,
                option::END => break,
                number => {
                    let (len, after) = after.split_first()?;
                    let data = after.get(..usize::from(*len))?;
                    match number {
                        option::KIND => {
                            let mut known = Kind::ALL.iter();
                            kind = known.find(|(_, it)| [*it] == *data).map(|(kind, _)| *kind);
                        }
                        option::SERVER => answer.server = address(data),
                        option::MASK => answer.mask = address(data),
                        option::ROUTER => answer.router = address(data),
                        option::NAME_SERVERS => {
                            let places = answer.name_servers.iter_mut();
                            for (place, data) in places.zip(data.chunks_exact(4)) {
                                *place = address(data);
                            }
                        }
                        option::LEASE_TIME => answer.times[0] = seconds(data),
                        option::RENEWAL_TIME => answer.times[1] = seconds(data),
                        option::REBINDING_TIME => answer.times[2] = seconds(data),
                        _ => {}
                    }
                    &after[usize::from(*len)..]
                }
            };
        }
        answer.kind = kind?;
        Some(answer)
    }
}

fn address(data: &[u8]) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::from(*data.first_chunk::<4>()?))
}

fn seconds(data: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*data.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::wire::{DhcpMessageType, DhcpPacket, DhcpRepr};

    #[test]
    fn queries_are_what_another_reads() {
        let hardware = [2, 0, 0, 0, 0, 9];
        let [server, offered] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 42)];
        for (kind, server, wanted) in [
            (Kind::Discover, None, None),
            (Kind::Request, Some(server), Some(offered)),
            (Kind::Request, None, Some(offered)),
        ] {
            let mut bytes = [0xee; QUERY];
            Query {
                kind,
                transaction: 0x0102_0304,
                secs: 7,
                hardware,
                ours: Ipv4Addr::UNSPECIFIED,
                server,
                wanted,
            }
            .emit(&mut bytes);
            let packet = DhcpPacket::new_checked(&bytes[..]).unwrap();
            let read = DhcpRepr::parse(&packet).unwrap();
            let expected = match kind {
                Kind::Discover => DhcpMessageType::Discover,
                _ => DhcpMessageType::Request,
            };
            assert_eq!(read.message_type, expected);
            assert_eq!((read.transaction_id, read.secs), (0x0102_0304, 7));
            assert_eq!(read.client_hardware_address.0, hardware);
            assert_eq!(read.client_identifier.unwrap().0, hardware);
            assert_eq!(read.requested_ip, wanted);
            assert_eq!(read.server_identifier, server);
            assert_eq!(read.max_size, Some(LONGEST));
            assert_eq!(read.parameter_request_list, Some(&WANTED[..]));
        }
    }

    #[test]
    fn what_is_cut_off_or_lies_about_lengths_is_no_answer() {
        let mut bytes = alloc::vec![0; FIXED];
        bytes[0] = REPLY;
        bytes[1..3].copy_from_slice(&ETHERNET);
        bytes[FIXED - 4..].copy_from_slice(&COOKIE);
        assert!(Answer::read(&bytes).is_none());
        bytes.extend([option::PAD, option::KIND, 1, 5]);
        // Without an end, as some send it.
        assert_eq!(Answer::read(&bytes).unwrap().kind, Kind::Ack);
        bytes.extend([option::NAME_SERVERS, 9, 1, 1, 1, 1, 2, 2, 2, 2, 3]);
        let servers = Answer::read(&bytes).unwrap().name_servers;
        assert_eq!(servers.iter().flatten().count(), 2);
        for len in 0..bytes.len() {
            let whole = [FIXED + 4, FIXED + 15].contains(&len);
            assert_eq!(Answer::read(&bytes[..len]).is_some(), whole, "{len}");
        }
        bytes.push(option::ROUTER);
        assert!(Answer::read(&bytes).is_none());
        bytes.push(200);
        assert!(Answer::read(&bytes).is_none());
    }
}
