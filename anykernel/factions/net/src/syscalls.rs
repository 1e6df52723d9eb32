//! Configuration for C programs: NetBSD's `rump_pub_netconfig_*` calls, and some of our own.

use alloc::format;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::{Errno, Lwp};
use markers::{public, syscall};
use syscall::{NewFd, Str, UioOut, UserOut};

use crate::{Cidr, Net};

fn address(text: Str<'_>) -> Result<IpAddr, Errno> {
    text.get()?.parse().map_err(|_| Errno::EINVAL)
}

fn ipv4(text: Str<'_>) -> Result<Ipv4Addr, Errno> {
    text.get()?.parse().map_err(|_| Errno::EINVAL)
}

fn ipv6(text: Str<'_>) -> Result<Ipv6Addr, Errno> {
    text.get()?.parse().map_err(|_| Errno::EINVAL)
}

fn prefix(bits: i32) -> Result<u8, Errno> {
    u8::try_from(bits).map_err(|_| Errno::EINVAL)
}

/// Has packets come and go over an interface such as `virt0`. ENXIO: there is no such interface.
#[public(netconfig)]
pub fn ifup(lwp: &Lwp<'_>, name: Str<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    net.up(lwp, &net.interface(name.get()?)?);
    Ok(())
}

/// Has packets neither come nor go over an interface.
#[public(netconfig)]
pub fn ifdown(lwp: &Lwp<'_>, name: Str<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    net.down(lwp, &net.interface(name.get()?)?);
    Ok(())
}

/// Gives an interface an IPv4 address with a mask such as `255.255.255.0`, and has it up. EINVAL: not an
/// address or a mask; EEXIST: the kernel has the address.
#[public(netconfig)]
pub fn ipv4_ifaddr(
    lwp: &Lwp<'_>,
    name: Str<'_>,
    addr: Str<'_>,
    netmask: Str<'_>,
) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    net.add_address(
        lwp,
        &interface,
        Cidr::with_mask(ipv4(addr)?, ipv4(netmask)?)?,
    )
}

/// Gives an interface an IPv4 address with a prefix of so many bits, and has it up.
#[public(netconfig)]
pub fn ipv4_ifaddr_cidr(
    lwp: &Lwp<'_>,
    name: Str<'_>,
    addr: Str<'_>,
    bits: i32,
) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    net.add_address(
        lwp,
        &interface,
        Cidr::new(ipv4(addr)?.into(), prefix(bits)?)?,
    )
}

/// Gives an interface an IPv6 address with a prefix of so many bits, and has it up.
#[public(netconfig)]
pub fn ipv6_ifaddr(lwp: &Lwp<'_>, name: Str<'_>, addr: Str<'_>, bits: i32) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    net.add_address(
        lwp,
        &interface,
        Cidr::new(ipv6(addr)?.into(), prefix(bits)?)?,
    )
}

/// Takes an address away from an interface. EADDRNOTAVAIL: it has it not.
#[public(netconfig)]
pub fn ifaddr_remove(lwp: &Lwp<'_>, name: Str<'_>, addr: Str<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    net.remove_address(&interface, address(addr)?)
}

/// Has IPv4 packets for elsewhere go to a gateway. ENETUNREACH: it is on no network of ours.
#[public(netconfig)]
pub fn ipv4_gw(lwp: &Lwp<'_>, gateway: Str<'_>) -> Result<(), Errno> {
    lwp.state::<Net>()?.add_gateway(lwp, ipv4(gateway)?.into())
}

/// Has IPv6 packets for elsewhere go to a gateway. ENETUNREACH: it is on no network of ours.
#[public(netconfig)]
pub fn ipv6_gw(lwp: &Lwp<'_>, gateway: Str<'_>) -> Result<(), Errno> {
    lwp.state::<Net>()?.add_gateway(lwp, ipv6(gateway)?.into())
}

/// Gets address and gateway of an interface from a DHCP server. ETIMEDOUT: none answered within 10 s.
#[public(netconfig)]
pub fn dhcp_ipv4_oneshot(lwp: &Lwp<'_>, name: Str<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    net.dhcp(lwp, &interface).map(|_| ())
}

/// Records what an interface sends and receives: a descriptor from which a pcap stream can be read.
/// Closing it ends the recording. ENXIO: there is no such interface.
#[syscall]
pub fn ifcapture(lwp: &Lwp<'_>, name: Str<'_>) -> Result<NewFd, Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    let capture = net.capture(lwp, &interface)?;
    lwp.process().open(lwp, capture, 0)
}

/// The same, but records only what a classic packet filter wants: `program` is what `tcpdump -ddd` writes for a link of
/// that kind. EINVAL: it is no program, and the log says why; ENOSYS: the component `bpf` is missing.
#[syscall]
pub fn ifcapture_filtered(lwp: &Lwp<'_>, name: Str<'_>, program: Str<'_>) -> Result<NewFd, Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    let capture = net.capture_filtered(lwp, &interface, program.get()?)?;
    lwp.process().open(lwp, capture, 0)
}

/// Writes an interface's counters as a line of text that ends with a null byte. ENOSPC: there is no room
/// for it (512 bytes are enough).
#[public(netconfig)]
pub fn ifstats(lwp: &Lwp<'_>, name: Str<'_>, text: UserOut<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    let line = format!("{}: {}\n\0", interface.name(), interface.statistics());
    if text.len() < line.len() {
        return Err(Errno::ENOSPC);
    }
    UioOut::from(text).put(line.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests;
