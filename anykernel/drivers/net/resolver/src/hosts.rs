//! What is known without asking anybody: the parameters, and the names that RFC 6761 takes out.

use alloc::format;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::{Errno, Failure};

use crate::name::Name;

/// Names with their addresses.
pub(crate) struct Hosts(Vec<(Name, IpAddr)>);

/// The items of a list with commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|it| !it.is_empty())
}

/// Reads a list of name servers.
pub(crate) fn servers(text: &str) -> Result<Vec<IpAddr>, Failure> {
    let address = |item: &str| {
        item.parse().map_err(|_| {
            let message = format!(
                "parameter nameserver: \"{item}\" is not an address; write one such as 10.0.0.1 or fd00::1"
            );
            Failure::new(Errno::EINVAL, message)
        })
    };
    items(text).map(address).collect()
}

impl Hosts {
    /// Reads `db=10.0.0.7,db=fd00::7`.
    pub(crate) fn parse(text: &str) -> Result<Hosts, Failure> {
        let host = |item: &str| {
            let (name, address) = item.split_once('=')?;
            let name = Name::parse(name.trim()).ok()?;
            Some((name, address.trim().parse().ok()?))
        };
        let wrong = |item: &str| {
            let message = format!(
                "parameter hosts: \"{item}\" is not a name with an address; write a list such as \
                 db=10.0.0.7,db=fd00::7"
            );
            Failure::new(Errno::EINVAL, message)
        };
        let hosts = items(text).map(|item| host(item).ok_or_else(|| wrong(item)));
        hosts.collect::<Result<_, _>>().map(Hosts)
    }

    /// The addresses of a name that nobody is to be asked for; `ENOENT` for one that is none.
    pub(crate) fn find(&self, name: &Name) -> Option<Result<Vec<IpAddr>, Errno>> {
        let named = self.0.iter().filter(|(other, _)| other == name);
        let addresses: Vec<_> = named.map(|(_, address)| *address).collect();
        if !addresses.is_empty() {
            return Some(Ok(addresses));
        }
        if name.is_under("localhost") {
            let loopback = [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
            return Some(Ok(loopback.into()));
        }
        name.is_under("invalid").then_some(Err(Errno::ENOENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let hosts = Hosts::parse("db=10.0.0.7, DB=fd00::7,other=10.0.0.8").unwrap();
        let find = |name: &str| hosts.find(&Name::parse(name).unwrap());
        let both = ["10.0.0.7", "fd00::7"].map(|text| text.parse().unwrap());
        assert_eq!(find("db"), Some(Ok(both.into())));
        assert_eq!(find("none"), None);
        let loopback = ["::1", "127.0.0.1"].map(|text| text.parse().unwrap());
        assert_eq!(find("localhost."), Some(Ok(loopback.into())));
        assert_eq!(find("any.localhost"), Some(Ok(loopback.into())));
        assert_eq!(find("any.invalid"), Some(Err(Errno::ENOENT)));
        assert_eq!(servers("10.0.0.7,fd00::7").unwrap(), both);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["db", "db=", "=10.0.0.1", "db=10.0.0.256", "d b=10.0.0.1"] {
            assert!(Hosts::parse(text).is_err(), "{text}");
        }
        assert!(servers("dns").is_err());
    }
}
