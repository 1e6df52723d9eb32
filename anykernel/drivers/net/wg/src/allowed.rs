//! Whose an address inside is: the network with the longest prefix that has it says (cryptokey routing, whitepaper § 2).

use alloc::vec::Vec;
use core::net::IpAddr;

use hashbrown::HashMap;
use net::Cidr;

use crate::peer::PeerId;

/// The networks of the peers.
#[derive(Default)]
pub(crate) struct AllowedIps {
    /// By network and prefix.
    networks: HashMap<(IpAddr, u8), PeerId>,
    /// The prefixes there are, the longest first: for IPv4 and for IPv6.
    prefixes: [Vec<u8>; 2],
}

impl AllowedIps {
    /// Gives a network to a peer, and takes it from whoever had it.
    pub(crate) fn insert(&mut self, cidr: Cidr, peer: PeerId) {
        let (network, prefix) = (cidr.network().address(), cidr.prefix());
        self.networks.insert((network, prefix), peer);
        let prefixes = &mut self.prefixes[usize::from(network.is_ipv6())];
        if let Err(at) = prefixes.binary_search_by(|other| prefix.cmp(other)) {
            prefixes.insert(at, prefix);
        }
    }

    /// Takes all networks from a peer.
    pub(crate) fn remove(&mut self, peer: PeerId) {
        self.networks.retain(|_, owner| *owner != peer);
        for (family, prefixes) in self.prefixes.iter_mut().enumerate() {
            let networks = &self.networks;
            prefixes.retain(|prefix| {
                let mut left = networks.keys();
                left.any(|(network, other)| {
                    usize::from(network.is_ipv6()) == family && other == prefix
                })
            });
        }
    }

    /// Whose an address is.
    pub(crate) fn find(&self, address: IpAddr) -> Option<PeerId> {
        let prefixes = &self.prefixes[usize::from(address.is_ipv6())];
        prefixes.iter().find_map(|prefix| {
            let network = Cidr::new(address, *prefix).ok()?.network().address();
            self.networks.get(&(network, *prefix)).copied()
        })
    }

    /// The networks of a peer, in no order.
    pub(crate) fn of(&self, peer: PeerId) -> impl Iterator<Item = (IpAddr, u8)> {
        let all = self.networks.iter();
        all.filter(move |(_, owner)| **owner == peer)
            .map(|(network, _)| *network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::testing::ip;

    fn table(networks: &[(&str, u32)]) -> AllowedIps {
        let mut table = AllowedIps::default();
        for (network, peer) in networks {
            table.insert(network.parse().unwrap(), PeerId(*peer));
        }
        table
    }

    #[test]
    fn the_longest_prefix_decides() {
        let table = table(&[
            ("0.0.0.0/0", 1),
            ("10.1.2.3/16", 2),
            ("10.1.7.7/32", 3),
            ("fd00::/8", 4),
        ]);
        let whose = |address| table.find(ip(address)).map(|peer| peer.0);
        assert_eq!(whose("9.9.9.9"), Some(1));
        assert_eq!(whose("10.1.255.1"), Some(2));
        assert_eq!(whose("10.1.7.7"), Some(3));
        assert_eq!(whose("fd12::1"), Some(4));
        assert_eq!(whose("2001:db8::1"), None);
    }

    #[test]
    fn a_network_is_one_peers() {
        let mut table = table(&[("10.0.0.0/8", 1), ("10.2.0.0/16", 2), ("10.0.0.0/8", 2)]);
        assert_eq!(table.find(ip("10.1.1.1")), Some(PeerId(2)));
        table.remove(PeerId(2));
        assert_eq!(table.find(ip("10.1.1.1")), None);
        assert!(table.prefixes.iter().all(Vec::is_empty));
    }
}
