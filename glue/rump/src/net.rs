//! TCP and UDP, shaped like `std::net`.
//!
//! What differs from `std`: a socket belongs to a kernel, which is named where one is made; reading
//! and writing take `&self`; errors are error numbers. With the feature `std` streams implement
//! `std::io::Read` and `Write`. With the component `resolver`, hosts have names: `lookup`, and
//! `TcpStream::connect_host`.

#[cfg(feature = "std")]
mod io;
#[cfg(feature = "resolver")]
mod lookup;
mod socket;
mod tcp;
mod udp;

pub use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

#[cfg(feature = "resolver")]
pub use lookup::lookup;
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
