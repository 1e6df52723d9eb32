//! Filters of sockets on what other sockets send to them.

use sockets::{Arrival, FilterPlace};

/// How many bytes of a message a socket gets; none, if its filter drops it.
#[inline]
pub(crate) fn keep(place: &FilterPlace, message: &mut [u8]) -> Option<usize> {
    let len = message.len();
    if !place.is_used() {
        return Some(len);
    }
    let kept = place.judge(&mut Arrival {
        bytes: message,
        start: 0,
        origin: None,
    });
    (kept > 0).then_some(kept.min(len))
}
