//! Captures: a descriptor that yields what an interface sends and receives as a pcap stream.
//!
//! Frames are recorded where locks may be held, so readers are woken by deferred work. Which are recorded may be up to a
//! program; what those are is known to whoever publishes [`CaptureFilters`].

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};

use base::sync::Leaf;
use base::{Charge, Errno, Events, File, Instance, Level, Lwp, Readiness, Wait, Wakes, Work, log};
use syscall::UioOut;

use crate::interface::Listener;
use crate::{Frame, Interface, Medium, Net};

/// Bytes a capture holds until they are read. What comes when it is full is dropped and counted.
const CAPACITY: usize = 1 << 20;

/// The longest part of a frame that is recorded.
const SNAPLEN: usize = 65535 + 64;

/// Nanosecond time stamps, in the byte order of the reader's machine.
const MAGIC: u32 = 0xa1b2_3c4d;
const LINKTYPE_ETHERNET: u32 = 1;
const LINKTYPE_RAW: u32 = 101;

/// Chooses what a capture records.
pub trait CaptureFilter: Send + Sync {
    /// How many bytes of a frame on an interface are recorded; zero: it is not. Locks may be held.
    fn judge(&self, interface: &Interface, frame: &[u8]) -> usize;
}

/// A filter that was made of text, or why none was.
pub type ReadCaptureFilter = Result<Arc<dyn CaptureFilter>, Errno>;

/// Who makes such filters of text.
pub struct CaptureFilters {
    /// Makes one. `EINVAL` if the text is none, and the log says why.
    pub read: fn(&Lwp<'_>, &str) -> ReadCaptureFilter,
}

/// An open capture.
pub struct Capture {
    interface: Weak<Interface>,
    readiness: Readiness,
    state: Leaf<State>,
    wake: Arc<Work>,
    filter: Option<Arc<dyn CaptureFilter>>,
    _charge: Charge,
}

struct State {
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Net {
    /// Starts to record what an interface sends and receives. The file yields a pcap stream, and ends
    /// the recording when it is closed. `ENOMEM` if there is no room for its buffer.
    pub fn capture(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
    ) -> Result<Arc<Capture>, Errno> {
        let capture = Capture::new(lwp.instance(), interface, None)?;
        interface.add_capture(capture.clone());
        Ok(capture)
    }

    /// The same, of what a program wants: text, such as `tcpdump -ddd` writes. `EINVAL` for what is no program, and the
    /// log says why; `ENOSYS` if no component knows programs.
    pub fn capture_filtered(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        program: &str,
    ) -> Result<Arc<Capture>, Errno> {
        let Ok(filters) = lwp.state::<CaptureFilters>() else {
            let missing =
                "programs for captures need the component bpf, which is not in this kernel";
            log!(lwp.instance(), Level::Error, "net: {missing}");
            return Err(Errno::ENOSYS);
        };
        let filter = (filters.read)(lwp, program)?;
        let capture = Capture::new(lwp.instance(), interface, Some(filter))?;
        interface.add_capture(capture.clone());
        Ok(capture)
    }
}

impl Capture {
    fn new(
        instance: &Arc<Instance>,
        interface: &Arc<Interface>,
        filter: Option<Arc<dyn CaptureFilter>>,
    ) -> Result<Arc<Self>, Errno> {
        let charge = instance.memory().charge(CAPACITY)?;
        let mut bytes = VecDeque::new();
        for field in [
            MAGIC,
            2 | 4 << 16, // version 2.4, as two halves
            0,
            0,
            SNAPLEN as u32,
            match interface.medium() {
                Medium::Ethernet => LINKTYPE_ETHERNET,
                Medium::Ip => LINKTYPE_RAW,
            },
        ] {
            bytes.extend(field.to_le_bytes());
        }
        Ok(Arc::new_cyclic(|this: &Weak<Capture>| {
            let this = this.clone();
            Capture {
                interface: Arc::downgrade(interface),
                readiness: Readiness::new(Events::IN),
                state: Leaf::new(State { bytes, dropped: 0 }),
                wake: Work::new(instance, move |lwp| {
                    if let Some(capture) = this.upgrade() {
                        Wakes::deliver_after(lwp, |wakes| {
                            capture.readiness.update(Events::IN, Events::IN, wakes);
                        });
                    }
                }),
                filter,
                _charge: charge,
            }
        }))
    }

    /// How many bytes of a frame are recorded, if it is.
    fn chosen(&self, frame: &[u8]) -> Option<usize> {
        let Some(filter) = &self.filter else {
            return Some(frame.len());
        };
        let kept = filter.judge(&*self.interface.upgrade()?, frame);
        (kept > 0).then_some(kept.min(frame.len()))
    }

    /// Frames that came when the buffer was full.
    pub fn dropped(&self) -> u64 {
        self.state.with(|state| state.dropped)
    }
}

impl Listener for Capture {
    /// Records frames. Checksums that were left open are completed: who reads has no other way to tell
    /// them from wrong ones. What is yet to be cut up is recorded whole.
    fn record(&self, frames: &[Frame]) {
        let now = hypercall::clock::wall();
        let mut recorded = false;
        for frame in frames {
            let bytes = frame.payload();
            let Some(chosen) = self.chosen(bytes) else {
                continue;
            };
            let taken = &bytes[..chosen.min(SNAPLEN)];
            let completion = frame.completion();
            recorded = true;
            self.state.with(|state| {
                let len = 16 + taken.len();
                if state.bytes.len() + len > CAPACITY || state.bytes.try_reserve(len).is_err() {
                    state.dropped += 1;
                    return;
                }
                for field in [
                    (now / 1_000_000_000) as u32,
                    (now % 1_000_000_000) as u32,
                    taken.len() as u32,
                    bytes.len() as u32,
                ] {
                    state.bytes.extend(field.to_le_bytes());
                }
                let content = state.bytes.len();
                state.bytes.extend(taken);
                if let Some((at, sum)) = completion {
                    let place = state.bytes.range_mut(content..).skip(at).take(2);
                    place.zip(sum).for_each(|(place, byte)| *place = byte);
                }
            });
        }
        if recorded {
            self.wake.schedule();
        }
    }
}

impl File for Capture {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, _lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        // User memory is not touched under a leaf: a piece is taken out, and given outside.
        let mut piece = [0; 4096];
        let mut done = 0;
        while to.remaining() > 0 {
            let wanted = to.remaining().min(piece.len());
            let len = self.state.with(|state| {
                let len = state.bytes.len().min(wanted);
                for (place, byte) in piece.iter_mut().zip(state.bytes.drain(..len)) {
                    *place = byte;
                }
                len
            });
            if len == 0 {
                break;
            }
            done += to.put(&piece[..len])?;
        }
        if done == 0 && to.remaining() > 0 {
            return Err(Wait::For(Events::IN));
        }
        Ok(done)
    }

    fn events(&self, _lwp: &Lwp<'_>) -> Events {
        Events::IN.when(self.state.with(|state| !state.bytes.is_empty()))
    }

    fn close(&self, _lwp: &Lwp<'_>) {
        if let Some(interface) = self.interface.upgrade() {
            interface.remove_capture(self);
        }
    }
}

#[cfg(test)]
mod tests;
