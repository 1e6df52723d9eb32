//! The resolver for C programs; `<rump/netdb.h>` makes `getaddrinfo` of it.

use alloc::string::String;
use core::fmt::Write;
use core::net::SocketAddr;

use base::{Errno, Lwp};
use markers::public;
use syscall::{Str, UioOut, UserOut};

use crate::resolver::{Found, Resolver};

/// Finds the addresses of a host, of the family RUMP_AF_INET, RUMP_AF_INET6, or RUMP_AF_UNSPEC for both, and
/// writes text that ends with a null byte: a line with the name that has them, and one with each address, the first
/// to be tried first; a link-local one with `%` and the number of its interface. Returns how many bytes there are, of
/// which those that fit were written. ENOENT: there is no such name; ENODATA: it has no such address; EINVAL: it is no
/// name; EDESTADDRREQ: no name server is known; ETIMEDOUT, EAGAIN, EPROTO, ELOOP: those there are do not answer,
/// cannot find out, will not say, or speak of aliases without end.
#[public(resolver)]
pub fn lookup(lwp: &Lwp<'_>, host: Str<'_>, family: i32, text: UserOut<'_>) -> Result<u32, Errno> {
    let family = u16::try_from(family).map_err(|_| Errno::EAFNOSUPPORT)?;
    let found = lwp.state::<Resolver>()?.lookup(lwp, host.get()?, family)?;
    let lines = lines(&found);
    let bytes = lines.as_bytes();
    let fits = bytes.len().min(text.len().saturating_sub(1));
    if !text.is_empty() {
        let mut out = UioOut::from(text);
        out.put(&bytes[..fits])?;
        out.put(&[0])?;
    }
    u32::try_from(bytes.len() + 1).map_err(|_| Errno::EOVERFLOW)
}

fn lines(found: &Found) -> String {
    let mut lines = String::new();
    let _ = writeln!(lines, "{}", found.name);
    for address in &found.addresses {
        let _ = match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => {
                writeln!(lines, "{}%{}", v6.ip(), v6.scope_id())
            }
            other => writeln!(lines, "{}", other.ip()),
        };
    }
    lines
}
