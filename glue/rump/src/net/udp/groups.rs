//! Groups of datagram sockets, as those of `std` have them.

use core::net::{Ipv4Addr, Ipv6Addr};

use syscall::consts::*;

use super::UdpSocket;
use crate::Result;

impl UdpSocket {
    /// Joins a group on the interface that has this address; unspecified: where packets to the group leave. `EADDRINUSE`
    /// for a group that the socket is in, `EINVAL` for an address that is none of a group, `ENODEV` for an interface
    /// that there is not, `ENOBUFS` for more than 20 groups.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()> {
        self.change_v4(IP_ADD_MEMBERSHIP, group, interface)
    }

    /// Leaves a group, named as when it was joined. `EADDRNOTAVAIL` for one that the socket is not in.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()> {
        self.change_v4(IP_DROP_MEMBERSHIP, group, interface)
    }

    fn change_v4(&self, name: u32, group: &Ipv4Addr, interface: &Ipv4Addr) -> Result<()> {
        let value = [group.octets(), interface.octets()].concat();
        self.0.set_bytes(IPPROTO_IP, name, &value)
    }

    /// Joins a group of IPv6 on the interface with this number; zero: where packets to the group leave. Errors are those of
    /// [`join_multicast_v4`](Self::join_multicast_v4), and there may be more groups.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()> {
        self.change_v6(IPV6_ADD_MEMBERSHIP, group, interface)
    }

    /// Leaves a group of IPv6. `EADDRNOTAVAIL` for one that the socket is not in.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> Result<()> {
        self.change_v6(IPV6_DROP_MEMBERSHIP, group, interface)
    }

    fn change_v6(&self, name: u32, group: &Ipv6Addr, interface: u32) -> Result<()> {
        let value = [&group.octets()[..], &interface.to_ne_bytes()].concat();
        self.0.set_bytes(IPPROTO_IPV6, name, &value)
    }

    /// Says how many hops datagrams to groups of IPv4 may go: at first one, which is as far as the link; with zero they
    /// stay in the kernel. `EINVAL` for more than 255.
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> Result<()> {
        self.0.set_number(IPPROTO_IP, IP_MULTICAST_TTL, hops)
    }

    /// How many hops datagrams to groups of IPv4 may go.
    pub fn multicast_ttl_v4(&self) -> Result<u32> {
        self.0.number(IPPROTO_IP, IP_MULTICAST_TTL)
    }

    /// Says whether members in this kernel hear what is sent to groups of IPv4: at first they do.
    pub fn set_multicast_loop_v4(&self, heard: bool) -> Result<()> {
        self.0
            .set_number(IPPROTO_IP, IP_MULTICAST_LOOP, heard.into())
    }

    /// Whether members in this kernel hear what is sent to groups of IPv4.
    pub fn multicast_loop_v4(&self) -> Result<bool> {
        Ok(self.0.number(IPPROTO_IP, IP_MULTICAST_LOOP)? != 0)
    }

    /// Says whether members in this kernel hear what is sent to groups of IPv6: at first they do.
    pub fn set_multicast_loop_v6(&self, heard: bool) -> Result<()> {
        self.0
            .set_number(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, heard.into())
    }

    /// Whether members in this kernel hear what is sent to groups of IPv6.
    pub fn multicast_loop_v6(&self) -> Result<bool> {
        Ok(self.0.number(IPPROTO_IPV6, IPV6_MULTICAST_LOOP)? != 0)
    }
}
