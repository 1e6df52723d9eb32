//! No groups: nobody knows how to join any in this kernel. Datagrams to them leave as the routes say, by a hop.

use core::net::IpAddr;

use base::{Errno, Lwp};
use net::{Frame, Interface};

use crate::address::Family;
use crate::datagram::{DatagramSocket, Route};
use crate::options::{GROUP_HOP_LIMIT, Options};

impl Options {
    pub(crate) fn group_hop_limit(&self, _ipv4: bool) -> u8 {
        GROUP_HOP_LIMIT
    }
}

#[inline(always)]
pub(crate) fn check(
    _family: Family,
    _sockets: u8,
    _level: u32,
    _name: u32,
    _value: &[u8],
) -> Result<(), Errno> {
    Ok(())
}

impl DatagramSocket {
    #[inline(always)]
    pub(crate) fn aim(&self, _route: &mut Route, _link: u32) -> Result<(), Errno> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn emit(&self, lwp: &Lwp<'_>, frame: Frame, route: &Route) -> Result<(), Errno> {
        self.inet.net.output(lwp, frame, route.via.as_ref())
    }

    #[inline(always)]
    pub(crate) fn hears(&self, _interface: &Interface, _to: IpAddr) -> bool {
        true
    }

    #[inline(always)]
    pub(crate) fn set_group_option(
        &self,
        _lwp: &Lwp<'_>,
        _level: u32,
        _name: u32,
        _value: &[u8],
    ) -> Option<Result<(), Errno>> {
        None
    }

    #[inline(always)]
    pub(crate) fn leave_groups(&self, _lwp: &Lwp<'_>) {}
}
