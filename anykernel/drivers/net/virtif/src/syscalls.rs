//! Opening links for C programs: NetBSD's `rump_pub_shmif_create`.

use alloc::format;

use base::{Errno, Level, Lwp, log};
use markers::public;
use net::Net;
use syscall::Str;

use crate::port::Port;
use crate::{Ports, refusal};

/// What interfaces of this call are named.
const NAME: &str = "shmif";

/// Opens the Ethernet segment in the file `path`, which is made if there is none, and makes it the interface
/// `shmif` with a number, which is the result. A name without a slash is that of a segment inside the process.
/// EPROTONOSUPPORT: this host has no segments; ENOSPC: it has no place left; EINVAL: the file is something else.
#[public(shmif)]
pub fn create(lwp: &Lwp<'_>, path: Str<'_>) -> Result<u32, Errno> {
    let (net, ports) = (lwp.state::<Net>()?, lwp.state::<Ports>()?);
    let url = format!("bus:{}", path.get()?);
    let port = Port::open(lwp, &net, NAME, &url).inspect_err(|errno| {
        log!(lwp.instance(), Level::Error, "{}", refusal(&url, *errno));
    })?;
    let number = port
        .name()
        .strip_prefix(NAME)
        .and_then(|it| it.parse().ok());
    ports.0.with(|ports| ports.push(port));
    number.ok_or(Errno::EIO)
}
