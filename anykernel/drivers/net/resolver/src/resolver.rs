//! A look-up: what the text is, who knows the name, and which of its addresses comes first.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use base::sync::Leaf;
use base::{Errno, Lwp};
use net::{NameServer, Net};
use sockets::Families;
use syscall::consts::{AF_INET, AF_INET6, AF_UNSPEC};

use crate::cache::Cache;
use crate::exchange::{self, Question};
use crate::hosts::Hosts;
use crate::message::{Answer, Kind};
use crate::name::Name;
use crate::order;

/// The port of name servers.
const PORT: u16 = 53;
/// Servers asked.
const MOST_SERVERS: usize = 3;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name that has the addresses: the one asked for, or what it is an alias of.
    pub name: String,
    /// Its addresses, the first to be tried first, with the port zero. At least one.
    pub addresses: Vec<SocketAddr>,
}

/// The resolver of a kernel.
pub struct Resolver {
    net: Arc<Net>,
    families: Arc<Families>,
    /// Servers of the boot's.
    servers: Vec<IpAddr>,
    hosts: Hosts,
    cache: Leaf<Cache>,
}

impl Resolver {
    pub(crate) fn new(
        net: Arc<Net>,
        families: Arc<Families>,
        servers: Vec<IpAddr>,
        hosts: Hosts,
    ) -> Arc<Self> {
        Arc::new(Resolver {
            net,
            families,
            servers,
            hosts,
            cache: Leaf::new(Cache::default()),
        })
    }

    /// Finds the addresses of a host of a family, `AF_INET`, `AF_INET6`, or `AF_UNSPEC` for both; of what is an address
    /// already, that. Waits for servers, up to ten seconds each and three of them.
    ///
    /// `ENOENT` if there is no such name, `ENODATA` if it has no such address, `EINVAL` for what is neither name
    /// nor address, `EDESTADDRREQ` if no server is known, `ETIMEDOUT` if none answers, `EAGAIN` if they cannot find
    /// out, `EPROTO` if they will not say, `ELOOP` for aliases without end, `EAFNOSUPPORT` for another family.
    pub fn lookup(&self, lwp: &Lwp<'_>, host: &str, family: u16) -> Result<Found, Errno> {
        let kinds: &[Kind] = match family {
            AF_UNSPEC => &[Kind::V6, Kind::V4],
            AF_INET => &[Kind::V4],
            AF_INET6 => &[Kind::V6],
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        let wanted = |address: &IpAddr| {
            let kind = if address.is_ipv4() {
                Kind::V4
            } else {
                Kind::V6
            };
            kinds.contains(&kind)
        };
        if let Some(address) = self.numeric(host) {
            let address = address?;
            if !wanted(&address.ip()) {
                return Err(Errno::ENODATA);
            }
            return Ok(Found {
                name: host.to_string(),
                addresses: [address].into(),
            });
        }
        let name = Name::parse(host)?;
        let (name, mut addresses) = match self.hosts.find(&name) {
            Some(known) => (name, known?),
            None => self.resolve(lwp, &name, kinds)?,
        };
        addresses.retain(wanted);
        if addresses.is_empty() {
            return Err(Errno::ENODATA);
        }
        order::sort(lwp, &self.net, &mut addresses);
        let end = |address: IpAddr| SocketAddr::new(address, 0);
        Ok(Found {
            name: name.to_string(),
            addresses: addresses.into_iter().map(end).collect(),
        })
    }

    /// The address that the text is, if it is one: `10.0.0.1`, `fd00::1`, `fe80::1%virt0`.
    fn numeric(&self, text: &str) -> Option<Result<SocketAddr, Errno>> {
        if let Some((address, zone)) = text.split_once('%') {
            let address: Ipv6Addr = address.parse().ok()?;
            let interface = self.net.interface(zone).map_err(|_| Errno::EINVAL);
            let end = |index| SocketAddrV6::new(address, 0, 0, index).into();
            return Some(interface.map(|interface| end(interface.index())));
        }
        let address: IpAddr = text.parse().ok()?;
        Some(Ok(SocketAddr::new(address, 0)))
    }

    /// Has the addresses of a name from memory, or from servers.
    fn resolve(
        &self,
        lwp: &Lwp<'_>,
        name: &Name,
        kinds: &[Kind],
    ) -> Result<(Name, Vec<IpAddr>), Errno> {
        let now = lwp.now();
        let mut answers: Vec<Answer> = Vec::new();
        let mut questions: Vec<Question> = Vec::new();
        for kind in kinds {
            match self.cache.with(|cache| cache.find(name, *kind, now)) {
                Some(answer) => answers.push(answer),
                None => questions.push(Question::new(*kind)),
            }
        }
        let mut failure = None;
        if !questions.is_empty() {
            let servers = self.servers();
            if servers.is_empty() {
                return Err(Errno::EDESTADDRREQ);
            }
            exchange::ask(lwp, &self.families, &servers, name, &mut questions)?;
            let (memory, now) = (lwp.instance().memory(), lwp.now());
            for question in questions {
                match question.answer {
                    Ok(answer) => {
                        self.cache.with(|cache| {
                            cache.put(name, question.kind, &answer, memory, now);
                        });
                        answers.push(answer);
                    }
                    Err(errno) => failure = Some(errno),
                }
            }
        }
        combine(answers, failure)
    }

    /// The servers to ask, in turn.
    fn servers(&self) -> Vec<SocketAddr> {
        let told = self.net.name_servers().into_iter();
        let ours = self.servers.iter().map(|address| NameServer {
            address: *address,
            interface: 0,
        });
        let end = |server: NameServer| match server.address {
            IpAddr::V6(address) if address.is_unicast_link_local() => {
                SocketAddrV6::new(address, PORT, 0, server.interface).into()
            }
            address => SocketAddr::new(address, PORT),
        };
        ours.chain(told).map(end).take(MOST_SERVERS).collect()
    }
}

/// The addresses of all answers. What could not be found out counts only if there are none.
fn combine(answers: Vec<Answer>, failure: Option<Errno>) -> Result<(Name, Vec<IpAddr>), Errno> {
    let mut found = Vec::new();
    let mut owner = None;
    let mut missing = None;
    for answer in answers {
        match answer.addresses {
            Ok(addresses) => {
                found.extend(addresses);
                owner.get_or_insert(answer.name);
            }
            // A name that has one kind of address exists.
            Err(errno) if missing != Some(Errno::ENODATA) => missing = Some(errno),
            Err(_) => {}
        }
    }
    let owner = owner.ok_or(failure.or(missing).unwrap_or(Errno::ENODATA))?;
    Ok((owner, found))
}
