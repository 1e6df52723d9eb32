//! `SO_LINGER`: what closing does with data that has not arrived.
//!
//! The host hears of it only where the connection is to be reset. To wait is the layer of sockets' business, as for
//! any protocol: what is closed here is open on the host until its data has arrived, or its time is up.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Callout, Errno, Events, Lwp};
use hypercall::hostsockets;
use syscall::consts::*;

use crate::socket::{HostSocket, done};

/// What a socket's program wants, and how far that is.
#[derive(Default)]
pub(crate) struct Linger {
    on: bool,
    /// As it was said when it was last on.
    seconds: i32,
    /// When the time is up, of one that lingers.
    end: Option<Arc<Callout>>,
}

impl Linger {
    /// What a connection has of its listener.
    pub(crate) fn inherited(&self) -> Linger {
        Linger {
            on: self.on,
            seconds: self.seconds,
            end: None,
        }
    }

    /// The option's value.
    pub(crate) fn value(&self) -> Vec<u8> {
        value(self.on.into(), self.seconds)
    }
}

/// A `struct linger`.
fn value(on: i32, seconds: i32) -> Vec<u8> {
    [on, seconds].map(i32::to_ne_bytes).as_flattened().to_vec()
}

impl HostSocket {
    /// Sets the option. `EINVAL` for a value that is too short.
    pub(crate) fn set_linger(&self, bytes: &[u8]) -> Result<(), Errno> {
        let (words, _) = bytes.as_chunks();
        let [on, seconds, ..] = words else {
            return Err(Errno::EINVAL);
        };
        let (on, seconds) = (i32::from_ne_bytes(*on) != 0, i32::from_ne_bytes(*seconds));
        let resets = on && seconds == 0;
        let host = value(resets.into(), 0);
        done(hostsockets::set_option(
            self.handle,
            SOL_SOCKET,
            SO_LINGER,
            host.as_slice().into(),
        ))?;
        self.linger.with(|linger| {
            linger.on = on;
            if on {
                linger.seconds = seconds;
            }
        });
        Ok(())
    }

    /// Says the host that nothing more will be sent, and whether there is something to wait for.
    pub(crate) fn begin_to_linger(&self, lwp: &Lwp<'_>) -> bool {
        let span = self.linger.with(|linger| match linger.on {
            true => u64::try_from(linger.seconds).unwrap_or(0),
            false => 0,
        });
        // The kernel itself closes what is left at its end, and does not wait.
        if span == 0 || self.kind.kind != SOCK_STREAM || lwp.process().pid() == 0 {
            return false;
        }
        let begun = self
            .watch(lwp)
            .and_then(|()| done(hostsockets::shutdown(self.handle, SHUT_WR)));
        let Some(me) = self.me.upgrade() else {
            return false;
        };
        if begun.is_err() || self.has_arrived() {
            return false;
        }
        let weak = self.me.clone();
        let end = Callout::new(move |lwp| {
            if let Some(socket) = weak.upgrade() {
                socket.end_lingering(lwp);
            }
        });
        self.linger.with(|linger| linger.end = Some(end.clone()));
        self.sockin.lingering.with(|all| all.push(me));
        end.set(lwp, lwp.now().saturating_add(span * 1_000_000_000));
        // News from before that found nobody lingering.
        self.go_on_lingering(lwp);
        true
    }

    /// Whether there is nothing, or nobody, to wait for.
    fn has_arrived(&self) -> bool {
        hostsockets::unsent(self.handle) <= 0
            || Events(hostsockets::events(self.handle)).intersects(Events::ERR)
    }

    /// Closes what lingers if its data has arrived.
    pub(crate) fn go_on_lingering(&self, lwp: &Lwp<'_>) {
        if self.linger.with(|linger| linger.end.is_some()) && self.has_arrived() {
            self.end_lingering(lwp);
        }
    }

    pub(crate) fn end_lingering(&self, lwp: &Lwp<'_>) {
        if let Some(end) = self.linger.with(|linger| linger.end.take()) {
            end.cancel(lwp);
            let _dropped_outside = self.sockin.lingering.with(|all| {
                let at = all.iter().position(|other| core::ptr::eq(&**other, self));
                at.map(|at| all.swap_remove(at))
            });
            self.end(lwp);
        }
    }
}
