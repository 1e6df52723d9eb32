//! Names of sockets.

use core::fmt;

use syscall::SockAddr;
use syscall::consts::AF_UNIX;

use crate::{Errno, Result};

/// The most bytes of a path, without its end, and of an abstract name.
const LONGEST: usize = 107;

/// The name of a socket, which it need not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SocketAddr(SockAddr);

impl SocketAddr {
    /// The name that is a path; `EINVAL` if it is empty, too long or has a zero in it. There is no file system behind
    /// it: paths are compared byte by byte.
    pub fn from_pathname(path: impl AsRef<[u8]>) -> Result<Self> {
        let path = path.as_ref();
        if path.is_empty() || path.contains(&0) {
            return Err(Errno::EINVAL);
        }
        // The zero at its end counts.
        Self::of(path, path.len() + 1)
    }

    /// An abstract name, of any bytes; `EINVAL` if it is too long.
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> Result<Self> {
        let name = name.as_ref();
        let mut bytes = [0; LONGEST + 1];
        let place = bytes.get_mut(1..1 + name.len()).ok_or(Errno::EINVAL)?;
        place.copy_from_slice(name);
        Self::of(&bytes[..1 + name.len()], 1 + name.len())
    }

    fn of(bytes: &[u8], len: usize) -> Result<Self> {
        if len > LONGEST + 1 {
            return Err(Errno::EINVAL);
        }
        let mut data = [0; 126];
        data[..bytes.len()].copy_from_slice(bytes);
        Ok(SocketAddr(SockAddr::Other {
            family: AF_UNIX,
            data,
            len: len as u8,
        }))
    }

    /// The address a call told, or that of a socket without a name.
    pub(super) fn told(address: Option<SockAddr>) -> Self {
        SocketAddr(address.unwrap_or(SockAddr::Other {
            family: AF_UNIX,
            data: [0; 126],
            len: 0,
        }))
    }

    pub(super) fn get(&self) -> SockAddr {
        self.0
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            SockAddr::Other { data, len, .. } => data.get(..usize::from(*len)).unwrap_or(&[]),
            _ => &[],
        }
    }

    /// Whether the socket has no name.
    pub fn is_unnamed(&self) -> bool {
        self.bytes().is_empty()
    }

    /// The path, if it is one.
    pub fn as_pathname(&self) -> Option<&[u8]> {
        let path = self.bytes().strip_suffix(&[0])?;
        (!path.is_empty() && path[0] != 0).then_some(path)
    }

    /// The abstract name, if it is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        self.bytes().strip_prefix(&[0])
    }
}

impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.as_pathname() {
            write!(f, "\"{}\" (pathname)", path.escape_ascii())
        } else if let Some(name) = self.as_abstract_name() {
            write!(f, "\"{}\" (abstract)", name.escape_ascii())
        } else {
            f.write_str("(unnamed)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn names_are_what_they_were_made_of() {
        let path = SocketAddr::from_pathname("/run/x").unwrap();
        assert_eq!(path.as_pathname(), Some(&b"/run/x"[..]));
        assert_eq!((path.as_abstract_name(), path.is_unnamed()), (None, false));
        let name = SocketAddr::from_abstract_name(b"x\0").unwrap();
        assert_eq!(name.as_abstract_name(), Some(&b"x\0"[..]));
        assert_eq!(name.as_pathname(), None);
        let unnamed = SocketAddr::told(None);
        assert!(unnamed.is_unnamed());
        assert_eq!(
            format!("{path:?} {name:?} {unnamed:?}"),
            r#""/run/x" (pathname) "x\x00" (abstract) (unnamed)"#
        );
        assert!(SocketAddr::from_pathname([b'x'; 107]).is_ok());
        assert!(SocketAddr::from_abstract_name([0; 107]).is_ok());
        for bad in [&[b'x'; 108][..], b"", b"a\0b"] {
            assert_eq!(SocketAddr::from_pathname(bad), Err(Errno::EINVAL));
        }
        assert_eq!(SocketAddr::from_abstract_name([0; 108]), Err(Errno::EINVAL));
    }
}
