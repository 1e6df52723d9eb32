//! TCP and UDP, shaped like `std::net`.
//!
//! What differs from `std`: a socket belongs to a kernel, which is named where one is made; reading
//! and writing take `&self`; errors are error numbers. With the feature `std` streams implement
//! `std::io::Read` and `Write`.

#[cfg(feature = "std")]
mod io;
mod socket;
mod tcp;
mod udp;

pub use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;

/// Which directions of a connection to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Receiving.
    Read,
    /// Sending: the peer reads to the end.
    Write,
    /// Both.
    Both,
}
