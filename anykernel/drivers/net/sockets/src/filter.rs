//! Filters of sockets: whether a socket gets what arrives for it, and how much of that (`SO_ATTACH_FILTER`).
//!
//! Here is the place a socket has for one. Who knows how filters are made is a component that publishes
//! [`FilterOptions`], and switches on the feature `filter` of this crate; without it there are no such options, the place
//! is nothing, and packets cost no look at it.

#[cfg(not(feature = "filter"))]
mod no_place;
#[cfg(feature = "filter")]
mod place;

use alloc::sync::Arc;

use base::{Errno, Lwp};
use syscall::OptIn;

use crate::Socket;
#[cfg(not(feature = "filter"))]
pub use no_place::FilterPlace;
#[cfg(feature = "filter")]
pub use place::FilterPlace;

/// What arrives at a socket.
pub struct Arrival<'a> {
    /// All of it, from the network's header on where it has one.
    pub bytes: &'a mut [u8],
    /// Where in it a filter begins to look.
    pub start: usize,
    /// How it came, if it came over a network.
    pub origin: Option<Origin>,
}

/// How something came over a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// What the network carries there, `IPPROTO_…`.
    pub protocol: u8,
    /// It was for many: its address says which.
    pub to_many: bool,
    /// The interface's index, and what it is: a loopback, or one of Ethernet.
    pub interface: u32,
    /// See `interface`.
    pub loopback: bool,
    /// See `interface`.
    pub ethernet: bool,
}

/// Judges what arrives at a socket.
pub trait Filter: Send + Sync {
    /// How many bytes are kept, from where it begins to look; zero: the socket gets nothing. Of a protocol that
    /// looks at its header again, enough is left for that, with lengths that are true.
    fn judge(&self, arrival: &mut Arrival<'_>) -> usize;
}

/// The options about filters, once there is somebody who makes some.
pub struct FilterOptions {
    /// Sets one of them, at the place of a socket.
    pub set: fn(&Lwp<'_>, &FilterPlace, name: u32, value: &OptIn<'_>) -> Result<(), Errno>,
}

impl FilterOptions {
    /// What sets them, and the place of a socket; `ENOPROTOOPT` without either.
    pub(crate) fn of<'a>(
        lwp: &Lwp<'_>,
        socket: &'a Arc<dyn Socket>,
    ) -> Result<(Arc<Self>, &'a FilterPlace), Errno> {
        if !cfg!(feature = "filter") {
            return Err(Errno::ENOPROTOOPT);
        }
        let options = lwp.state().map_err(|_| Errno::ENOPROTOOPT)?;
        Ok((options, socket.filter().ok_or(Errno::ENOPROTOOPT)?))
    }
}
