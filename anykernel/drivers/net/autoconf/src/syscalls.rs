//! Automatic configuration for C programs: NetBSD's `rump_pub_netconfig_auto_ipv6`.

use base::{Errno, Lwp};
use markers::public;
use net::Net;
use syscall::Str;

use crate::Autoconf;

/// Configures an interface by what routers advertise, from now on, and waits until it has an IPv6 address. ETIMEDOUT:
/// no router told of one within 15 s; EADDRINUSE: others have those told of; EOPNOTSUPP: it is no Ethernet.
#[public(netconfig)]
pub fn auto_ipv6(lwp: &Lwp<'_>, name: Str<'_>) -> Result<(), Errno> {
    let net = lwp.state::<Net>()?;
    let interface = net.interface(name.get()?)?;
    lwp.state::<Autoconf>()?.configure(lwp, &net, &interface)
}
