//! Which socket has which name.
//!
//! Paths are kept here as well, byte for byte, and belong to no file system: a path is free again as soon as its
//! socket is closed.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;

use base::Errno;
use base::sync::Leaf;
use syscall::consts::*;

use crate::datagram::DatagramSocket;
use crate::name::Name;
use crate::stream::StreamSocket;

/// Of the names that the kernel gives, five hexadecimal digits each.
const GIVEN: u32 = 1 << 20;

/// A socket with a name.
#[derive(Clone)]
pub(crate) enum Named {
    /// Of streams or packets.
    Stream(Arc<StreamSocket>),
    Datagram(Arc<DatagramSocket>),
}

impl Named {
    fn kind(&self) -> u32 {
        match self {
            Named::Stream(socket) => socket.kind,
            Named::Datagram(_) => SOCK_DGRAM,
        }
    }
}

/// A name as the table has it: abstract ones are apart for each type of socket.
type Key = (u32, Name);

fn key(name: &Name, kind: u32) -> Key {
    (if name.is_abstract() { kind } else { 0 }, name.clone())
}

struct Table {
    sockets: BTreeMap<Key, Named>,
    /// The next name to give.
    next: u32,
}

/// All names of a kernel.
pub(crate) struct Names(Leaf<Table>);

impl Names {
    pub(crate) fn new() -> Self {
        Names(Leaf::new(Table {
            sockets: BTreeMap::new(),
            next: 0,
        }))
    }

    /// Gives a socket a name: this one, or any. `EADDRINUSE`, or `ENOSPC` if all are taken.
    pub(crate) fn add(&self, name: Option<Name>, socket: &Named) -> Result<Arc<Name>, Errno> {
        let kind = socket.kind();
        self.0.with(|table| {
            let name = match name {
                Some(name) if table.sockets.contains_key(&key(&name, kind)) => {
                    return Err(Errno::EADDRINUSE);
                }
                Some(name) => name,
                None => table.any(kind)?,
            };
            table.sockets.insert(key(&name, kind), socket.clone());
            Ok(Arc::new(name))
        })
    }

    /// Takes a name away from its socket.
    pub(crate) fn remove(&self, name: &Name, kind: u32) {
        let _dropped_outside = self.0.with(|table| table.sockets.remove(&key(name, kind)));
    }

    /// The socket with a name: `ECONNREFUSED` if there is none, `ENOENT` if it were a path, `EPROTOTYPE` if it is of
    /// another type.
    pub(crate) fn find(&self, name: &Name, kind: u32) -> Result<Named, Errno> {
        let found = self
            .0
            .with(|table| table.sockets.get(&key(name, kind)).cloned());
        match found {
            Some(named) if named.kind() == kind => Ok(named),
            Some(_) => Err(Errno::EPROTOTYPE),
            None if name.is_abstract() => Err(Errno::ECONNREFUSED),
            None => Err(Errno::ENOENT),
        }
    }
}

impl Table {
    fn any(&mut self, kind: u32) -> Result<Name, Errno> {
        for _ in 0..GIVEN {
            let name = Name::abstract_name(format!("{:05x}", self.next).as_bytes());
            self.next = (self.next + 1) % GIVEN;
            if !self.sockets.contains_key(&key(&name, kind)) {
                return Ok(name);
            }
        }
        Err(Errno::ENOSPC)
    }
}
