//! Having smoltcp send again what is missing.
//!
//! There is one way to have it leave anything but what follows: the timer with which it goes back to what is not
//! confirmed first. So its clock is turned on that far, for a moment; what is not missing goes no further than
//! [`Outgoing`](crate::outgoing).

use smoltcp::iface::PollResult;

use super::{Connection, instant};

impl Connection {
    /// Sends again what is missing, as much as may leave.
    #[inline]
    pub(super) fn repeat(&mut self, now: u64) {
        if let Some(recovery) = &mut self.device.out.recovery {
            recovery.tick(now);
            if let Some(then) = recovery.repeats(now) {
                self.go_back(then, now);
            }
        }
    }

    #[cold]
    fn go_back(&mut self, then: u64, now: u64) {
        // The last of it may be short.
        self.socket_mut().set_nagle_enabled(false);
        let mut clock = then;
        loop {
            let (device, sockets) = (&mut self.device, &mut self.sockets);
            let sent = self.interface.poll_egress(instant(clock), device, sockets);
            if sent != PollResult::SocketStateChanged {
                break;
            }
            clock = now;
        }
    }

    /// When to look at what the peer owes.
    pub(super) fn overdue_at(&self) -> u64 {
        let recovery = self.device.out.recovery.as_ref();
        recovery.map_or(u64::MAX, |recovery| recovery.tick_at())
    }
}
