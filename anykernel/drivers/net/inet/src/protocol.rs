//! The two address families, as the layer of sockets finds them.

use alloc::sync::Arc;

use base::{Errno, Lwp};
use sockets::{FilterPlace, Protocol, Socket};
use syscall::consts::*;

use crate::address::Family;
use crate::datagram::{DatagramSocket, Kind};
use crate::inet::Inet;
use crate::options::{Options, STREAM};
use crate::tcp::TcpSocket;

/// One address family.
pub(crate) struct InetProtocol {
    inet: Arc<Inet>,
    family: Family,
}

impl InetProtocol {
    pub(crate) fn new(inet: Arc<Inet>, family: Family) -> Self {
        InetProtocol { inet, family }
    }
}

impl Protocol for InetProtocol {
    fn family(&self) -> u16 {
        self.family.number()
    }

    fn socket(&self, _lwp: &Lwp<'_>, kind: u32, protocol: u32) -> Result<Arc<dyn Socket>, Errno> {
        let datagram = |kind| Ok(DatagramSocket::new(&self.inet, self.family, kind) as Arc<_>);
        match (kind, protocol) {
            (SOCK_STREAM, 0 | IPPROTO_TCP) => {
                let options = Options::new(STREAM, self.inet.settings.tcp_buffer);
                let filter = FilterPlace::default();
                Ok(TcpSocket::new(&self.inet, self.family, options, filter))
            }
            (SOCK_DGRAM, 0 | IPPROTO_UDP) => datagram(Kind::Udp),
            (SOCK_RAW, 1..=255) => datagram(Kind::Raw(protocol as u8)),
            (SOCK_STREAM | SOCK_DGRAM | SOCK_RAW, _) => Err(Errno::EPROTONOSUPPORT),
            _ => Err(Errno::ESOCKTNOSUPPORT),
        }
    }
}
