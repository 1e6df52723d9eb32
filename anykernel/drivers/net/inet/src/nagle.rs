//! Which of a connection's segments waits for more data: Nagle's algorithm (RFC 896) as Minshall modified it
//! (draft-minshall-nagle-01), and as Linux has it.
//!
//! smoltcp's holds back a segment that is not full while anything is unconfirmed. So the end of a message of several
//! segments waits until the peer confirms the ones before, which it delays. Here it waits only while another
//! segment that was not full is unconfirmed: of these there is one at a time, which is what the
//! algorithm is for.

use smoltcp::wire::{TcpPacket, TcpSeqNumber};

/// What is known of the last segment that was not full.
#[derive(Default)]
pub(crate) struct Nagle {
    /// The number after it, until that is confirmed.
    short_until: Option<TcpSeqNumber>,
    /// All before this number is confirmed.
    confirmed: TcpSeqNumber,
}

impl Nagle {
    /// All before this number is confirmed.
    pub(crate) fn confirmed(&self) -> TcpSeqNumber {
        self.confirmed
    }

    /// Whether a segment that is not full has to wait.
    pub(crate) fn holds(&self) -> bool {
        self.short_until.is_some()
    }

    /// Notes a segment that leaves, which on the wire becomes segments of `size` bytes.
    pub(crate) fn leaving(&mut self, segment: &TcpPacket<&[u8]>, size: usize) {
        if segment.syn() {
            self.confirmed = segment.seq_number();
        }
        let payload = segment.payload().len();
        if !payload.is_multiple_of(size) {
            self.short_until = Some(segment.seq_number() + payload);
        }
    }

    /// Notes what a segment that arrived confirms.
    pub(crate) fn arriving(&mut self, segment: &TcpPacket<&[u8]>) {
        if !segment.ack() {
            return;
        }
        self.confirmed = self.confirmed.max(segment.ack_number());
        if self.short_until.is_some_and(|end| self.confirmed >= end) {
            self.short_until = None;
        }
    }
}
