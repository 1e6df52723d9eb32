//! The console of a guest that is not the first: its ring, and the port for news of it.
//!
//! The port stays masked: nothing is done when the reader has read, and who waits for that asks Xen to wait.

use super::ring::{Page, Ring};
use super::{GET_PARAMETER, SCHED_OP, Xen};
use crate::clock;
use crate::console::each_byte;
use crate::memory::PAGE;

/// Numbers of what hypercalls do (xen/include/public/sched.h, event_channel.h).
const POLL: usize = 3;
const EVENT_CHANNEL_OP: usize = 32;
const SEND: usize = 4;
/// Parameters of the guest: where the ring is, and its port (xen/include/public/hvm/params.h).
const CONSOLE_PAGE: u32 = 17;
const CONSOLE_PORT: u32 = 18;

/// How often to wait for the reader, and how long at most, in nanoseconds.
const PATIENCE: u32 = 10;
const SPAN: u64 = 50_000_000;

/// What to wait for: news by one of some ports, or a time.
#[repr(C)]
struct Poll {
    ports: usize,
    count: u32,
    until: u64,
}

/// The console.
pub(crate) struct Console {
    xen: &'static Xen,
    ring: Ring,
    port: u32,
    /// Nobody took the last bytes. What comes then is dropped until somebody does.
    stuck: bool,
}

impl Console {
    /// The guest's, if it has one.
    pub(crate) fn find(xen: &'static Xen) -> Option<Console> {
        let page = xen.parameter(GET_PARAMETER, CONSOLE_PAGE, 0) as usize;
        // The entry mapped as much.
        if !(1..1 << 20).contains(&page) {
            return None;
        }
        let page = core::ptr::with_exposed_provenance::<Page>(page * PAGE);
        Some(Console {
            xen,
            // SAFETY: Xen has it there, for this, and it is numbers.
            ring: Ring::new(unsafe { &*page }),
            port: xen.parameter(GET_PARAMETER, CONSOLE_PORT, 0) as u32,
            stuck: false,
        })
    }

    /// Writes, as far as somebody reads.
    pub(crate) fn write(&mut self, text: &[u8]) {
        each_byte(text, &mut |byte| {
            let has_room = self.ring.has_room() || self.wait();
            if has_room {
                self.ring.put(byte);
            }
            has_room
        });
        self.send();
    }

    /// Lets the reader see what was written, and tells it.
    fn send(&mut self) {
        self.ring.publish();
        // SAFETY: Xen reads the port, which is there.
        unsafe {
            let port = &mut self.port;
            self.xen.hypercalls.operate(EVENT_CHANNEL_OP, SEND, port);
        }
    }

    /// Waits for room. False if there is none.
    fn wait(&mut self) -> bool {
        let mut patience = if self.stuck { 0 } else { PATIENCE };
        self.send();
        loop {
            if let Some(shared) = self.xen.shared.get() {
                shared.forget(self.port);
            }
            self.stuck = !self.ring.has_room();
            if !self.stuck || patience == 0 {
                return !self.stuck;
            }
            patience -= 1;
            let mut poll = Poll {
                ports: (&raw const self.port).expose_provenance(),
                count: 1,
                until: clock::now() + SPAN,
            };
            // SAFETY: Xen reads the port, which is there.
            unsafe { self.xen.hypercalls.operate(SCHED_OP, POLL, &mut poll) };
        }
    }
}
