//! TCP and UDP, shaped like `std::net`.
//!
//! What differs from `std`: a socket belongs to a kernel, which is named where one is made; reading
//! and writing take `&self`; errors are error numbers. With the feature `std` streams implement
//! `std::io::Read` and `Write`. With the component `resolver`, hosts have names: `lookup`, and
//! `TcpStream::connect_host`; with the component `multicast`, a `UdpSocket` joins groups.

mod internet;
#[cfg(feature = "resolver")]
mod lookup;
mod tcp;
mod udp;

pub use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

pub use crate::socket::Shutdown;
#[cfg(feature = "resolver")]
pub use lookup::lookup;
pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;
