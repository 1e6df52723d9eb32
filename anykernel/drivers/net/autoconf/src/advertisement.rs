//! Advertisements of routers as messages (RFC 4861 § 4.2, RFC 8106 § 5.1).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

/// Bytes before the options.
const HEADER: usize = 16;
/// Prefixes, and name servers, that are looked at.
const MOST: usize = 16;
const OPTION_PREFIX: u8 = 3;
const OPTION_MTU: u8 = 5;
const OPTION_RDNSS: u8 = 25;

/// Flags of a prefix.
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// A lifetime in seconds; `u32::MAX` is for ever.
pub(crate) type Seconds = u32;

/// A prefix that a router tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) prefix: Ipv6Addr,
    pub(crate) len: u8,
    /// Whoever has it is on the link.
    pub(crate) on_link: bool,
    /// Addresses may be made of it.
    pub(crate) autonomous: bool,
    pub(crate) valid: Seconds,
    pub(crate) preferred: Seconds,
}

/// What a router says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Advertisement {
    /// For how long it is a default router, in seconds; zero: it is none.
    pub(crate) router: Seconds,
    pub(crate) mtu: Option<u32>,
    pub(crate) prefixes: Vec<Prefix>,
    /// Name servers, and for how long.
    pub(crate) servers: Vec<(Ipv6Addr, Seconds)>,
}

impl Advertisement {
    /// Reads a message. `None` if an option has no length or one beyond the end: then none of it counts
    /// (RFC 4861 § 6.1.2). Options that make no sense are passed over.
    pub(crate) fn read(message: &[u8]) -> Option<Advertisement> {
        let (header, mut rest) = message.split_first_chunk::<HEADER>()?;
        let mut advertisement = Advertisement {
            router: u16::from_be_bytes([header[6], header[7]]).into(),
            ..Advertisement::default()
        };
        while !rest.is_empty() {
            let len = usize::from(*rest.get(1)?) * 8;
            let (option, after) = rest.split_at_checked(len).filter(|_| len > 0)?;
            rest = after;
            advertisement.add(option);
        }
        Some(advertisement)
    }

    fn add(&mut self, option: &[u8]) {
        match option {
            // Two reserved bytes.
            [OPTION_MTU, 1, _, _, mtu @ ..] => self.mtu = number(mtu),
            [OPTION_PREFIX, 4, len, flags, rest @ ..] if self.prefixes.len() < MOST => {
                self.prefixes.extend(Prefix::read(*len, *flags, rest));
            }
            // The same.
            [OPTION_RDNSS, _, _, _, rest @ ..] => self.add_servers(rest),
            _ => {}
        }
    }

    /// The lifetime, and addresses.
    fn add_servers(&mut self, bytes: &[u8]) {
        let Some(lifetime) = number(bytes) else {
            return;
        };
        let (addresses, _) = bytes[4..].as_chunks::<16>();
        let room = MOST - self.servers.len();
        let servers = addresses
            .iter()
            .map(|octets| Ipv6Addr::from_octets(*octets));
        let servers = servers.filter(|it| !it.is_multicast() && !it.is_unspecified());
        let timed = servers.map(|address| (address, lifetime));
        self.servers.extend(timed.take(room));
    }
}

impl Prefix {
    /// What follows length and flags: two lifetimes, four reserved bytes, the prefix (RFC 4861 § 4.6.2).
    fn read(len: u8, flags: u8, bytes: &[u8]) -> Option<Prefix> {
        Some(Prefix {
            prefix: Ipv6Addr::from_octets(*bytes.get(12..)?.first_chunk()?),
            len,
            on_link: flags & ON_LINK != 0,
            autonomous: flags & AUTONOMOUS != 0,
            valid: number(bytes)?,
            preferred: number(bytes.get(4..)?)?,
        })
    }
}

/// The number that bytes begin with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|first| u32::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::message::Message;
    use net::testing::Numbers;

    fn good() -> Vec<u8> {
        Message::new(1800)
            .mtu(1400)
            .prefix("fd01::", 64, 0xc0, 3600, 1800)
            .prefix("fd02::", 56, 0x80, u32::MAX, 0)
            .servers(600, &["fd01::53", "fe80::1"])
            .bytes()
    }

    #[test]
    fn everything_is_read() {
        let read = Advertisement::read(&good()).unwrap();
        assert_eq!((read.router, read.mtu), (1800, Some(1400)));
        let prefix = |text: &str, len, autonomous, valid, preferred| Prefix {
            prefix: text.parse().unwrap(),
            len,
            on_link: true,
            autonomous,
            valid,
            preferred,
        };
        let prefixes = [
            prefix("fd01::", 64, true, 3600, 1800),
            prefix("fd02::", 56, false, u32::MAX, 0),
        ];
        assert_eq!(read.prefixes, prefixes);
        let servers = ["fd01::53", "fe80::1"].map(|text| (text.parse().unwrap(), 600));
        assert_eq!(read.servers, servers);
    }

    #[test]
    fn an_option_that_does_not_end_ends_it_all() {
        let good = good();
        let mut none = good.clone();
        none[HEADER + 1] = 0;
        assert_eq!(Advertisement::read(&none), None);
        let ends = [16, 24, 56, 88, good.len()];
        for len in 0..=good.len() {
            let whole = ends.contains(&len);
            assert_eq!(Advertisement::read(&good[..len]).is_some(), whole, "{len}");
        }
    }

    #[test]
    fn mutated_messages_do_no_harm() {
        let good = good();
        let mut numbers = Numbers(7);
        let (mut read, mut refused) = (0, 0);
        for _ in 0..100_000 {
            let mut bytes = good.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bytes.len());
                match numbers.below(3) {
                    0 => bytes[at] = numbers.draw() as u8,
                    1 => bytes[at] ^= 1 << numbers.below(8),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            match Advertisement::read(&bytes) {
                Some(advertisement) => {
                    read += 1;
                    assert!(advertisement.prefixes.len() <= MOST);
                    assert!(advertisement.servers.len() <= MOST);
                }
                None => refused += 1,
            }
        }
        assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
    }
}
