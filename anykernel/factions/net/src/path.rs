//! What is known of the ways to other hosts: how long packets may be that get there (RFC 1191, RFC 8201). Protocols learn
//! it from errors that routers send, and have checked that such an error is about a packet of theirs.

use alloc::vec::Vec;
use core::net::IpAddr;

use base::Lwp;

use crate::input::destination;
use crate::{Frame, Interface, Net};

/// Hosts remembered; another one takes the place of the oldest.
const MOST: usize = 64;

/// For how long: then a longer packet is tried (RFC 1191 § 6.3).
const LIFETIME: u64 = 600_000_000_000;

/// The least that a path is believed to carry: IPv4's is what Linux has, IPv6's what every link must carry.
const LEAST_V4: usize = 552;
const LEAST_V6: usize = 1280;

#[derive(Default)]
pub(crate) struct Paths(Vec<Path>);

struct Path {
    to: IpAddr,
    mtu: usize,
    until: u64,
}

impl Paths {
    fn mtu(&self, to: IpAddr, now: u64) -> Option<usize> {
        let path = self.0.iter().find(|path| path.to == to)?;
        (path.until > now).then_some(path.mtu)
    }

    fn learn(&mut self, to: IpAddr, mtu: usize, now: u64) {
        self.0.retain(|path| path.to != to && path.until > now);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        let until = now + LIFETIME;
        self.0.push(Path { to, mtu, until });
    }
}

impl Net {
    /// The longest packet that gets to a host by way of an interface, in bytes, as far as is known.
    #[inline]
    pub fn path_mtu(&self, lwp: &Lwp<'_>, interface: &Interface, to: IpAddr) -> usize {
        if self.narrow.get() == 0 {
            return interface.mtu();
        }
        let known = self.paths.with(|paths| paths.mtu(to, lwp.now()));
        known.map_or(interface.mtu(), |mtu| mtu.min(interface.mtu()))
    }

    /// The same for where a packet goes.
    #[inline]
    pub(crate) fn mtu_for(&self, lwp: &Lwp<'_>, interface: &Interface, packet: &Frame) -> usize {
        if self.narrow.get() == 0 {
            return interface.mtu();
        }
        let to = destination(packet);
        to.map_or(interface.mtu(), |to| self.path_mtu(lwp, interface, to))
    }

    /// Takes a router's word for it that longer packets do not get to a host. Returns what is believed.
    #[cold]
    pub fn learn_path_mtu(&self, lwp: &Lwp<'_>, to: IpAddr, mtu: usize) -> usize {
        let mtu = mtu.max(match to {
            IpAddr::V4(_) => LEAST_V4,
            IpAddr::V6(_) => LEAST_V6,
        });
        self.paths.with(|paths| {
            paths.learn(to, mtu, lwp.now());
            self.narrow.set(1);
        });
        mtu
    }
}
