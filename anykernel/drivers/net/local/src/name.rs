//! Names of sockets: `struct sockaddr_un` behind the family.

use alloc::boxed::Box;

use base::Errno;
use syscall::SockAddr;
use syscall::consts::AF_UNIX;

/// The size of `sun_path`.
const LONGEST: usize = 108;

/// The name of a socket. An abstract one begins with a zero, and its bytes mean nothing; any other is a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(Box<[u8]>);

impl Name {
    /// An abstract name.
    pub(crate) fn abstract_name(bytes: &[u8]) -> Self {
        Name([&[0], bytes].concat().into())
    }

    pub(crate) fn is_abstract(&self) -> bool {
        self.0.first() == Some(&0)
    }

    /// The name in an address; none if the address is no longer than the family. `EINVAL` for another family and
    /// for what is too long.
    pub(crate) fn of(address: &SockAddr) -> Result<Option<Name>, Errno> {
        let SockAddr::Other {
            family: AF_UNIX,
            data,
            len,
        } = address
        else {
            return Err(Errno::EINVAL);
        };
        let bytes = data.get(..usize::from(*len)).ok_or(Errno::EINVAL)?;
        if bytes.len() > LONGEST {
            return Err(Errno::EINVAL);
        }
        let ends = match bytes.first() {
            None => return Ok(None),
            Some(0) => None,
            Some(_) => bytes.iter().position(|byte| *byte == 0),
        };
        Ok(Some(Name(bytes[..ends.unwrap_or(bytes.len())].into())))
    }

    /// The address of a socket with this name, or with none.
    pub(crate) fn address(name: Option<&Name>) -> SockAddr {
        let mut data = [0; 126];
        let mut len = 0;
        if let Some(name) = name {
            data[..name.0.len()].copy_from_slice(&name.0);
            // A path ends with a zero, which counts.
            len = name.0.len() + usize::from(!name.is_abstract());
        }
        SockAddr::Other {
            family: AF_UNIX,
            data,
            len: len as u8,
        }
    }
}
