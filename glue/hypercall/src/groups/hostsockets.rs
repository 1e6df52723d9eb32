//! Sockets of the host.

use crate::{Bytes, BytesMut, Upcall, group};

/// Where one end of a communication is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketName {
    /// The address family: [`NONE`](Self::NONE), [`IPV4`](Self::IPV4), [`IPV6`](Self::IPV6), or another, of which
    /// nothing else is told and which the host refuses as it does.
    pub family: u32,
    /// The port, as a number.
    pub port: u32,
    /// The address, its highest byte first; IPv4's are the first four.
    pub address: [u8; 16],
    /// The flow of IPv6, as a number.
    pub flow: u32,
    /// The interface that an address of IPv6 is on, by the host's number; zero for those that need none.
    pub scope: u32,
}

impl SocketName {
    /// No name. To connect to it is to end a connection.
    pub const NONE: u32 = 0;
    /// IPv4.
    pub const IPV4: u32 = 2;
    /// IPv6.
    pub const IPV6: u32 = 10;
}

/// What comes with received data.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// Who sent it; no name where the host does not say.
    pub from: SocketName,
    /// `MSG_TRUNC`, `MSG_CTRUNC` and their like.
    pub flags: u32,
    /// Bytes of control data.
    pub control: u32,
}

/// A batch of news of sockets.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketNews {
    /// Which sockets have news.
    pub sockets: [u64; 32],
    /// What each became ready for, also if it was so before, as when more data came: `POLLIN` and its like.
    pub events: [u32; 32],
}

group! {
    /// Sockets of the host: its own network.
    ///
    /// Families, types, protocols, flags, options, their values, bits of readiness and error numbers are Linux's (of
    /// x86-64 and the generic table). What can fail returns a negated error number. No call waits: what cannot be done
    /// now is `EAGAIN`, and a connection under way `EINPROGRESS` and, when asked again, `EALREADY`, as of a socket that
    /// does not block. None raises a signal.
    ///
    /// Control data is a sequence of records: level, kind and length of what follows, each of 32 bits in the machine's
    /// order; then so many bytes, and zeros up to a multiple of four.
    pub trait HostSockets as hostsockets {
        /// Makes a kernel known and returns its handle. `arrived` is called whenever a watched socket has news, by any
        /// thread, also by one that is in another hypercall.
        fn attach(arrived: Upcall) -> u64;
        /// Forgets the kernel and closes what it has open. When this returns, no upcall is under way and none will
        /// come.
        fn detach(kernel: u64);
        /// Makes a socket and returns a handle.
        fn open(kernel: u64, family: u32, kind: u32, protocol: u32) -> i64;
        /// Gives it a name.
        fn bind(socket: u64, name: &SocketName) -> i64;
        /// Has it accept connections, of which `backlog` may wait.
        fn listen(socket: u64, backlog: u32) -> i64;
        /// Takes a connection: a handle, and in `from` who made it.
        fn accept(socket: u64, from: &mut SocketName) -> i64;
        /// Connects it, begins to, or says how far that is.
        fn connect(socket: u64, name: &SocketName) -> i64;
        /// Sends, to `to` if that is a name, and returns how many bytes were taken.
        fn send(socket: u64, data: Bytes<'_>, flags: u32, to: &SocketName, control: Bytes<'_>) -> i64;
        /// Receives, and returns how many bytes; with the flag `MSG_TRUNC` how many there were.
        fn receive(
            socket: u64,
            data: BytesMut<'_>,
            flags: u32,
            with: &mut Reception,
            control: BytesMut<'_>,
        ) -> i64;
        /// Ends one direction or both, `SHUT_…`.
        fn shutdown(socket: u64, how: u32) -> i64;
        /// Sets an option.
        fn set_option(socket: u64, level: u32, name: u32, value: Bytes<'_>) -> i64;
        /// Reads an option as far as it fits, and returns its length.
        fn option(socket: u64, level: u32, name: u32, value: BytesMut<'_>) -> i64;
        /// Fills in its name.
        fn name(socket: u64, name: &mut SocketName) -> i64;
        /// Fills in its peer's name.
        fn peer(socket: u64, name: &mut SocketName) -> i64;
        /// Bytes that can be received at once, of datagrams those of the first.
        fn received(socket: u64) -> i64;
        /// Bytes of a stream, with its end, that the peer has not acknowledged.
        fn unsent(socket: u64) -> i64;
        /// What it is ready for at this moment: `POLLIN` and its like. All that sockets became ready for before is news
        /// by then.
        fn events(socket: u64) -> u32;
        /// Has it watched for news from now on. What it is ready for already is none. To be asked for once.
        fn watch(socket: u64) -> i64;
        /// Fills in news of the kernel's sockets, and says of how many. If that is all there is room for, there may be
        /// more.
        fn news(kernel: u64, news: &mut SocketNews) -> usize;
        /// Closes it. What lingers is not waited for.
        fn close(socket: u64);
    }
}
