//! VLANs for C programs.

use base::{Errno, Lwp};
use markers::public;
use net::Net;
use syscall::Str;

use crate::Trunks;

/// Makes an interface for the VLAN of this number (1 to 4094) on the Ethernet interface `parent`, named `virt0.7` for number 7 on
/// `virt0`. EINVAL: no such number, or the interface is not of Ethernet; EEXIST: it is there; EBUSY: the interface is in a bridge.
#[public(netconfig)]
pub fn vlan_create(lwp: &Lwp<'_>, parent: Str<'_>, number: i32) -> Result<(), Errno> {
    let (net, trunks) = (lwp.state::<Net>()?, lwp.state::<Trunks>()?);
    let number = u16::try_from(number).map_err(|_| Errno::EINVAL)?;
    let parent = net.interface(parent.get()?)?;
    trunks.create(lwp, &net, &parent, number).map(drop)
}
