//! Segments that may come from somebody who does not see the connection and guesses its numbers (RFC 5961).
//!
//! smoltcp believes any reset inside the window, and any acknowledgement of what waits to be sent, be it sent or not;
//! it keeps silent about a SYN inside the window. Such a segment is given another form before smoltcp gets it: that
//! of a probe, which changes nothing and is answered with where we are, once a second. A peer that meant it says it
//! again then, with the right numbers.

use smoltcp::wire::{TcpPacket, TcpSeqNumber};

/// Where a connection is.
pub(crate) struct Place {
    /// The number that the peer goes on with, and how many follow that might be taken.
    pub(crate) expected: TcpSeqNumber,
    pub(crate) window: usize,
    /// All before this number is confirmed, and all before that has left.
    pub(crate) confirmed: TcpSeqNumber,
    pub(crate) sent: TcpSeqNumber,
}

/// Whether a segment may be one of these; the usual one is not.
#[inline]
pub(crate) fn is_odd(segment: &TcpPacket<&[u8]>, sent: TcpSeqNumber) -> bool {
    segment.rst() || segment.syn() || segment.ack_number() > sent
}

/// Makes a probe of a segment that a peer who sees the connection would not have sent. It is well formed.
#[cold]
pub(crate) fn defuse(segment: &mut [u8], place: &Place) {
    let mut segment = TcpPacket::new_unchecked(segment);
    // One that is right ends the connection, and one outside the window is nothing at all (RFC 5961 § 3.2).
    let ahead = segment.seq_number().0.wrapping_sub(place.expected.0);
    let len = segment.payload_mut().len();
    let reaches_window = ahead < place.window as i32 && ahead + len as i32 > 0;
    let reset = segment.rst() && ahead != 0 && reaches_window;
    let unsent = segment.ack() && !segment.rst() && segment.ack_number() > place.sent;
    if reset || unsent || segment.syn() {
        segment.clear_flags();
        segment.set_ack(true);
        segment.set_ack_number(place.confirmed);
        segment.set_seq_number(place.expected - (len + 1));
    }
}
