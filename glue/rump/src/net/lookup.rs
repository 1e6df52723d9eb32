//! Names of hosts.

use alloc::vec::Vec;
use core::net::SocketAddr;

use resolver::Resolver;
use syscall::consts::AF_UNSPEC;

use super::TcpStream;
use crate::{Errno, Kernel, Result};

/// The addresses of a host, which is named or is an address itself, with a port; the one to try first comes first. There
/// is at least one.
///
/// `ENOENT` if there is no such name, `ENODATA` if it has no address, `EINVAL` for what is no name, `EDESTADDRREQ`
/// if no name server is known, `ETIMEDOUT` if none answers, `EAGAIN` and others if they have no answer.
///
/// ```no_run
/// # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
/// for address in rump::net::lookup(kernel, "www.example.org", 80)? {
///     println!("{address}");
/// }
/// # Ok(()) }
/// ```
pub fn lookup(kernel: &Kernel, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    let found = kernel.enter(|lwp| lwp.state::<Resolver>()?.lookup(lwp, host, AF_UNSPEC))?;
    let mut addresses = found.addresses;
    for address in &mut addresses {
        address.set_port(port);
    }
    Ok(addresses)
}

impl TcpStream {
    /// Connects to a host by its name: to the first of its addresses that answers. The error is the last one's, or
    /// that of [`lookup`].
    pub fn connect_host(kernel: &Kernel, host: &str, port: u16) -> Result<Self> {
        let mut last = Errno::ENODATA;
        for address in lookup(kernel, host, port)? {
            match TcpStream::connect(kernel, address) {
                Ok(stream) => return Ok(stream),
                Err(errno) => last = errno,
            }
        }
        Err(last)
    }
}
