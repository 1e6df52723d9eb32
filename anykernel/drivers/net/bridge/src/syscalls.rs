//! Bridges for C programs: NetBSD's calls.

use base::{Errno, Lwp};
use markers::public;
use net::Net;
use syscall::Str;

use crate::Bridges;

/// Makes a bridge, an interface named `bridge` with a number, without members. EINVAL: not such a name; EEXIST: it is there.
#[public(netconfig)]
pub fn ifcreate(lwp: &Lwp<'_>, name: Str<'_>) -> Result<(), Errno> {
    let (net, bridges) = (lwp.state::<Net>()?, lwp.state::<Bridges>()?);
    bridges.create(&net, name.get()?).map(drop)
}

/// Makes an Ethernet interface a member of a bridge. ENXIO: there is no such bridge or interface; EINVAL: it is not of Ethernet, or
/// carries less than 1500 bytes; EBUSY: it is in a bridge or carries VLANs.
#[public(netconfig)]
pub fn bradd(lwp: &Lwp<'_>, bridge: Str<'_>, interface: Str<'_>) -> Result<(), Errno> {
    let (net, bridges) = (lwp.state::<Net>()?, lwp.state::<Bridges>()?);
    bridges
        .find(bridge.get()?)?
        .join(&net.interface(interface.get()?)?)
}

/// Lets an interface out of a bridge. ENOENT: it is no member.
#[public(netconfig)]
pub fn brdel(lwp: &Lwp<'_>, bridge: Str<'_>, interface: Str<'_>) -> Result<(), Errno> {
    let (net, bridges) = (lwp.state::<Net>()?, lwp.state::<Bridges>()?);
    bridges
        .find(bridge.get()?)?
        .part(&net.interface(interface.get()?)?)
}
