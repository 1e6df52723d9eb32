//! Addresses with prefixes.

use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use base::Errno;

use crate::Interface;

/// An address and how many of its leading bits name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// The bits of an address, left-aligned.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// How many leading bits two addresses of one family have in common.
pub fn common_prefix(a: IpAddr, b: IpAddr) -> u8 {
    if a.is_ipv4() != b.is_ipv4() {
        return 0;
    }
    let width = if a.is_ipv4() { 32 } else { 128 };
    (bits(a) ^ bits(b)).leading_zeros().min(width) as u8
}

impl Cidr {
    /// `EINVAL` for a prefix longer than the address.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, Errno> {
        let width = if address.is_ipv4() { 32 } else { 128 };
        if prefix > width {
            return Err(Errno::EINVAL);
        }
        Ok(Cidr { address, prefix })
    }

    /// From an address and a mask such as `255.255.255.0`; `EINVAL` for a mask with a hole.
    pub fn with_mask(address: Ipv4Addr, mask: Ipv4Addr) -> Result<Self, Errno> {
        let bits = mask.to_bits();
        if bits.leading_ones() + bits.trailing_zeros() < 32 {
            return Err(Errno::EINVAL);
        }
        Cidr::new(address.into(), bits.leading_ones() as u8)
    }

    /// Every address of the family of `like`.
    pub fn everything(like: IpAddr) -> Self {
        let address = match like {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Cidr { address, prefix: 0 }
    }

    /// The address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Length of the prefix in bits.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && common_prefix(self.address, address) >= self.prefix
    }

    /// The same network with the host's bits zero.
    pub fn network(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        };
        Cidr { address, ..*self }
    }

    /// The address that means all hosts of the network; none for IPv6, and for networks of one or two.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        match self.address {
            IpAddr::V4(address) if self.prefix < 31 => {
                let hosts = u32::MAX >> self.prefix;
                Some(Ipv4Addr::from_bits(address.to_bits() | hosts))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = Errno;

    /// Reads `10.0.0.2/24`; a missing prefix is that of a single host.
    fn from_str(text: &str) -> Result<Self, Errno> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| Errno::EINVAL)?;
        let prefix = match prefix {
            "" if !text.contains('/') => {
                if address.is_ipv4() {
                    32
                } else {
                    128
                }
            }
            prefix => prefix.parse().map_err(|_| Errno::EINVAL)?,
        };
        Cidr::new(address, prefix)
    }
}

/// An address of an interface.
#[derive(Clone, Debug)]
pub struct InterfaceAddress {
    /// Whose it is.
    pub interface: Arc<Interface>,
    /// The address and its network.
    pub cidr: Cidr,
    /// It goes out of use: what begins is from another one, if there is one (RFC 4862 § 5.5.4).
    pub deprecated: bool,
}

/// The link-local address that a hardware address makes (RFC 4291, appendix A).
pub fn link_local(hardware: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = hardware;
    Ipv6Addr::from_octets([
        0xfe,
        0x80,
        0,
        0,
        0,
        0,
        0,
        0,
        a ^ 2,
        b,
        c,
        0xff,
        0xfe,
        d,
        e,
        f,
    ])
}

/// The multicast group of all that could have this address (RFC 4291 § 2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let tail = address.to_bits() & 0xff_ffff;
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_contain_what_shares_their_prefix() {
        assert!(cidr("10.1.2.3/8").contains("10.255.0.1".parse().unwrap()));
        assert!(!cidr("10.1.2.3/16").contains("10.2.0.1".parse().unwrap()));
        assert!(cidr("0.0.0.0/0").contains("1.2.3.4".parse().unwrap()));
        assert!(!cidr("0.0.0.0/0").contains("::1".parse().unwrap()));
        assert!(cidr("fd00::/64").contains("fd00::1".parse().unwrap()));
        assert!(!cidr("fd00::1/128").contains("fd00::2".parse().unwrap()));
        assert_eq!(cidr("10.1.2.3/16").network(), cidr("10.1.0.0/16"));
        assert_eq!(cidr("1.2.3.4/0").network(), cidr("0.0.0.0/0"));
        assert_eq!(cidr("fd00::5/64").network().to_string(), "fd00::/64");
    }

    #[test]
    fn broadcast_is_the_last_address() {
        assert_eq!(
            cidr("10.1.2.3/16").broadcast().unwrap().to_string(),
            "10.1.255.255"
        );
        assert_eq!(cidr("10.1.2.3/31").broadcast(), None);
        assert_eq!(cidr("fd00::1/64").broadcast(), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "10.0.0.1/33",
            "10.0.0/8",
            "::1/129",
            "1.2.3.4/",
            "x",
            "::1/-1",
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(Errno::EINVAL), "{text}");
        }
        let hole = Cidr::with_mask([10, 0, 0, 1].into(), [255, 0, 255, 0].into());
        assert_eq!(hole, Err(Errno::EINVAL));
        let mask = Cidr::with_mask([10, 0, 0, 1].into(), [255, 255, 255, 0].into());
        assert_eq!(mask, Ok(cidr("10.0.0.1/24")));
        let all = Cidr::with_mask([10, 0, 0, 1].into(), [0, 0, 0, 0].into());
        assert_eq!(all, Ok(cidr("10.0.0.1/0")));
    }

    #[test]
    fn addresses_made_of_addresses() {
        assert_eq!(
            link_local([2, 0, 0, 0, 0, 1]).to_string(),
            "fe80::ff:fe00:1"
        );
        assert_eq!(
            solicited_node("fd00::12:3456".parse().unwrap()).to_string(),
            "ff02::1:ff12:3456"
        );
    }
}
