//! How long calls on a socket may wait: `SO_RCVTIMEO` and `SO_SNDTIMEO`.

use base::Errno;
use base::sync::{Leaf, Word};

/// No limit.
const FOR_EVER: u64 = u64::MAX;

/// The two limits, in nanoseconds; `u64::MAX`: none.
#[derive(Clone, Copy)]
pub(crate) struct Spans {
    pub(crate) receive: u64,
    pub(crate) send: u64,
}

/// The limits of one socket.
pub(crate) struct Timeouts {
    /// Whether there is any: most sockets have none, and every call asks.
    any: Word,
    spans: Leaf<Spans>,
}

impl Timeouts {
    pub(crate) fn new() -> Self {
        Timeouts {
            any: Word::new(0),
            spans: Leaf::new(Spans {
                receive: FOR_EVER,
                send: FOR_EVER,
            }),
        }
    }

    pub(crate) fn get(&self) -> Spans {
        self.spans.with(|spans| *spans)
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Spans)) {
        self.spans.with(|spans| {
            change(spans);
            let any = spans.receive != FOR_EVER || spans.send != FOR_EVER;
            self.any.set(u32::from(any));
        });
    }

    pub(crate) fn receive(&self) -> u64 {
        match self.any.get() {
            0 => FOR_EVER,
            _ => self.get().receive,
        }
    }

    pub(crate) fn send(&self) -> u64 {
        match self.any.get() {
            0 => FOR_EVER,
            _ => self.get().send,
        }
    }
}

/// Linux's `EDOM`, which nothing else answers.
const EDOM: Errno = Errno::from_number(33);

/// The nanoseconds of an option's value: a `struct timeval`, seconds and microseconds of 64 bits
/// each. Zero means no limit; less than zero, and that is Linux's, not to wait at all.
pub(crate) fn decode(value: &[u8]) -> Result<u64, Errno> {
    let word = |at: usize| {
        let bytes = value.get(at..at + 8).and_then(|b| b.try_into().ok());
        bytes.map(i64::from_ne_bytes).ok_or(Errno::EINVAL)
    };
    let (seconds, micros) = (word(0)?, word(8)?);
    if !(0..1_000_000).contains(&micros) {
        return Err(EDOM);
    }
    if seconds < 0 {
        return Ok(0);
    }
    if (seconds, micros) == (0, 0) {
        return Ok(FOR_EVER);
    }
    let span = (seconds as u64).saturating_mul(1_000_000_000);
    Ok(span.saturating_add(micros as u64 * 1000))
}

/// The option's value for a span.
pub(crate) fn encode(span: u64) -> [u8; 16] {
    let micros = if span == FOR_EVER { 0 } else { span / 1000 };
    let mut value = [0; 16];
    value[..8].copy_from_slice(&((micros / 1_000_000) as i64).to_ne_bytes());
    value[8..].copy_from_slice(&((micros % 1_000_000) as i64).to_ne_bytes());
    value
}
