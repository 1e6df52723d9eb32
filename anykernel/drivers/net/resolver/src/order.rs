//! Which of several addresses is tried first (RFC 6724 § 6), as far as a host without home and temporary addresses
//! tells them apart.

use core::cmp::Reverse;
use core::net::IpAddr;

use base::Lwp;
use net::{Cidr, Net, common_prefix, scope};

/// The default policy table (RFC 6724 § 2.1): prefix, precedence, label.
const POLICY: [([u16; 8], u8, u8, u8); 9] = [
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, 50, 0),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, 35, 4),
    ([0; 8], 96, 1, 3),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, 5, 5),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, 30, 2),
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16, 1, 12),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, 1, 11),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, 3, 13),
    ([0; 8], 0, 40, 1),
];

/// The precedence and the label of an address.
fn policy(address: IpAddr) -> (u8, u8) {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let line = POLICY.iter().find(|(prefix, len, ..)| {
        let network = Cidr::new(IpAddr::from(*prefix), *len);
        network.is_ok_and(|network| network.contains(address.into()))
    });
    line.map_or((0, 0), |(_, _, precedence, label)| (*precedence, *label))
}

/// Brings addresses into the order in which they are to be tried.
pub(crate) fn sort(lwp: &Lwp<'_>, net: &Net, addresses: &mut [IpAddr]) {
    addresses.sort_by_cached_key(|address| rank(*address, net.source_for(lwp, *address).ok()));
}

/// What is tried first has the smallest; what has the same keeps its order, which is the servers' choice.
fn rank(address: IpAddr, source: Option<IpAddr>) -> impl Ord {
    let (precedence, label) = policy(address);
    let prefix = match (address, source) {
        // Rule 9, where prefixes say something of the way.
        (IpAddr::V6(_), Some(source)) => common_prefix(address, source).min(64),
        _ => 0,
    };
    (
        // Rules 1, 2, 5, 6 and 8.
        source.is_none(),
        source.map(scope) != Some(scope(address)),
        source.map(|source| policy(source).1) != Some(label),
        Reverse(precedence),
        scope(address),
        Reverse(prefix),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use net::testing::{boot, ip};

    #[test]
    fn what_can_be_reached_and_is_near_comes_first() {
        let host = boot();
        host.ethernet("virt", &["10.0.0.2/24", "2001:db8:1::2/64", "fd00::2/64"]);
        host.in_kernel(|lwp, net| {
            let sorted = |addresses: &[&str]| {
                let mut addresses: Vec<IpAddr> = addresses.iter().map(|it| ip(it)).collect();
                sort(lwp, net, &mut addresses);
                addresses
            };
            let all = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|it| ip(it)).collect() };
            // There is no route to the last two, for which precedence decides then.
            assert_eq!(
                sorted(&["10.0.0.9", "192.0.2.1", "2001:db8:1::9", "2001:db8:2::9"]),
                all(&["2001:db8:1::9", "10.0.0.9", "2001:db8:2::9", "192.0.2.1"])
            );
            assert_eq!(
                sorted(&["fd00::9", "10.0.0.9", "2001:db8:1::9"]),
                all(&["2001:db8:1::9", "10.0.0.9", "fd00::9"])
            );
            // Addresses that are equally good stay as the server turned them.
            let turned = ["10.0.0.9", "10.0.0.3", "10.0.0.7"];
            assert_eq!(sorted(&turned), all(&turned));
        });
    }
}
