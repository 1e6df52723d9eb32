//! Datagrams from one socket of the kernel to another.
//!
//! Between the two are headers that nobody reads, unless somebody looks at what the loopback interface carries, or a
//! filter: then, and whenever nobody is found, the datagram goes the whole way. It is counted as if it had.

use core::sync::atomic::Ordering;

use base::{Errno, Events, Lwp};
use net::{Frame, Reason};
use syscall::UioIn;

use super::{Datagram, DatagramSocket, Route};
use crate::udp::HEADER;

impl DatagramSocket {
    /// Puts what is to be sent into the queue of the socket it is for. Nothing, if it has to go the whole way.
    pub(crate) fn hand_over(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        route: &Route,
    ) -> Option<Result<usize, Errno>> {
        let net = &self.inet.net;
        let interface = route.via.as_ref()?;
        if cfg!(feature = "multicast") && route.to.addr.is_multicast() {
            return None;
        }
        if !interface.is_private() || self.inet.raw_sockets.load(Ordering::Relaxed) != 0 {
            return None;
        }
        let tables = &self.inet.tables;
        let socket = tables.read(lwp, |tables| tables.udp.find(route.to, route.from).cloned())?;
        if socket.filter.is_used() {
            return None;
        }
        let frame = match self.filled(data) {
            Ok(frame) => frame,
            Err(errno) => return Some(Err(errno)),
        };
        let len = frame.len();
        let headers = HEADER + if route.to.addr.is_ipv4() { 20 } else { 40 };
        interface.count_own(lwp, headers + len);
        let mut arrived = Some(Datagram::of(
            interface,
            (route.from, route.to.addr),
            route.hop_limit,
            frame,
        ));
        socket.change(lwp, |state| {
            ((), Events::IN.when(state.queue(&mut arrived)))
        });
        if let Some(refused) = arrived {
            interface.count_dropped(Reason::QueueFull, 1);
            net.pool().recycle(refused.frame);
        }
        Some(Ok(len))
    }

    fn filled(&self, data: &mut UioIn<'_>) -> Result<Frame, Errno> {
        let pool = self.inet.net.pool();
        let mut frame = pool.get(data.remaining())?;
        match data.take(frame.payload_mut()) {
            Ok(_) => Ok(frame),
            Err(errno) => {
                pool.recycle(frame);
                Err(errno)
            }
        }
    }
}
