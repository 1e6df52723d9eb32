//! What a protocol family offers to the layer of sockets.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use base::{Errno, Events, Lwp, OpenFile, Readiness, Wait};
use syscall::{Control, SockAddr, UioIn, UioOut};

use crate::FilterPlace;

/// A protocol family, such as IPv4.
pub trait Protocol: Send + Sync {
    /// Its number, `AF_…`.
    fn family(&self) -> u16;

    /// Makes a socket of `kind` (`SOCK_…`) for `protocol` (zero: the kind's usual one).
    fn socket(&self, lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<Arc<dyn Socket>, Errno>;

    /// Makes two sockets that are connected to each other; `EOPNOTSUPP` where the protocol has no such thing.
    fn pair(&self, lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<[Arc<dyn Socket>; 2], Errno> {
        self.socket(lwp, kind, protocol)?.close(lwp);
        Err(Errno::EOPNOTSUPP)
    }
}

/// What a send call has beside the data.
#[derive(Default)]
pub struct Outgoing {
    /// The destination, where the caller named one.
    pub to: Option<SockAddr>,
    /// Open files to go with the first byte. A protocol that carries some takes them when it takes data; what it
    /// leaves here is its caller's to release.
    pub files: Vec<Arc<OpenFile>>,
    /// Control data that is the protocol's, of other levels than `SOL_SOCKET`.
    pub control: Vec<Control>,
}

/// What a receive call hears beside the data.
#[derive(Default)]
pub struct Incoming {
    /// The sender, where the protocol tells.
    pub from: Option<SockAddr>,
    /// `MSG_TRUNC` and its like.
    pub flags: u32,
    /// Open files that came along, to be released by whoever does not want them.
    pub files: Vec<Arc<OpenFile>>,
    /// Control data that the protocol has to give.
    pub control: Vec<Control>,
    /// The process that sent it, if the socket wants to hear of it (`SO_PASSCRED`).
    pub sender: Option<i32>,
}

/// One end of a communication. Operations that may have to wait are steps: see [`base::block`].
pub trait Socket: Any + Send + Sync {
    /// What the socket has news of.
    fn readiness(&self) -> &Readiness;
    /// What it is ready for at this moment, where that takes a look.
    fn events(&self, _lwp: &Lwp<'_>) -> Events {
        self.readiness().level()
    }
    /// The address family, `AF_…`.
    fn domain(&self) -> u16;
    /// The type, `SOCK_…`.
    fn kind(&self) -> u32;
    /// The protocol's number.
    fn protocol(&self) -> u32;

    /// Gives the socket an address.
    fn bind(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno>;
    /// Makes the socket accept connections.
    fn listen(&self, lwp: &Lwp<'_>, backlog: u32) -> Result<(), Errno>;
    /// Takes a connection somebody made.
    fn try_accept(&self, lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait>;
    /// Connects. The first call starts it; repeated ones report how far it is: `Wait::For(OUT)`
    /// while it is under way, then success or the error.
    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait>;
    /// What a caller of [`connect`](Self::connect) hears who would not wait, though it is under way.
    fn connecting_errno(&self) -> Errno {
        Errno::EINPROGRESS
    }
    /// Sends what it can take of `data`, with `MSG_…` flags.
    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait>;
    /// Receives what there is, with `MSG_…` flags: how many bytes were put into the caller's memory, or with
    /// `MSG_TRUNC` how long the datagram was.
    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait>;
    /// Ends one or both directions, `SHUT_…`.
    fn shutdown(&self, lwp: &Lwp<'_>, how: u32) -> Result<(), Errno>;

    /// The address of this end.
    fn local_address(&self, lwp: &Lwp<'_>) -> SockAddr;
    /// The address of the other end; `ENOTCONN`.
    fn peer_address(&self, lwp: &Lwp<'_>) -> Result<SockAddr, Errno>;
    /// Sets an option; `ENOPROTOOPT` for one that is not known.
    fn set_option(&self, lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno>;
    /// Reads an option; `ENOPROTOOPT` for one that is not known.
    fn option(&self, lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno>;
    /// Where it has a filter for what arrives, if it can have one.
    fn filter(&self) -> Option<&FilterPlace> {
        None
    }
    /// Bytes that can be received at once (`FIONREAD`).
    fn readable(&self, lwp: &Lwp<'_>) -> Result<usize, Errno>;

    /// The last descriptor is gone. Called once, with no lock held.
    fn close(&self, lwp: &Lwp<'_>);
}
