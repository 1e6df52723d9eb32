//! Keeps smoltcp from taking back receive window it has offered.
//!
//! With window scaling, a window is offered in units of `1 << shift` bytes, rounded down. smoltcp 0.14
//! accepts data up to the edge its last acknowledgement implies; since the rounding depends on how much
//! was received, that edge moves left by up to a unit after segments of odd sizes, and the end of a
//! segment that was sent within the edge before it is thrown away. The sender then waits for a
//! retransmission timeout: a second and more (RFC 7323 §2.4 describes it and asks receivers to honour
//! what they offered).
//!
//! The remedy needs nothing of smoltcp: every window that leaves is made one unit smaller. Free space
//! never shrinks but by data received, and smoltcp's edge is less than a unit left of it, always; so an
//! edge offered a whole unit to the left of it stays inside whatever smoltcp will accept later.

use smoltcp::wire::{TcpOption, TcpPacket};

/// What must be known about a connection's window scaling.
#[derive(Default)]
pub(crate) struct WindowGuard {
    /// The shift we offered in our SYN.
    ours: Option<u8>,
    /// Whether the peer offered one: only then is any used.
    theirs: bool,
}

impl WindowGuard {
    /// Looks at a SYN that arrived.
    pub(crate) fn arriving(&mut self, segment: &[u8]) {
        let segment = TcpPacket::new_unchecked(segment);
        self.theirs = window_scale(&segment).is_some();
    }

    /// The window that smoltcp means with what it writes into a segment that is no SYN.
    pub(crate) fn scaled(&self, window: u16) -> usize {
        let shift = self.ours.filter(|_| self.theirs).unwrap_or(0);
        usize::from(window) << shift
    }

    /// Adjusts a segment that leaves, before its checksum is computed.
    pub(crate) fn leaving(&mut self, bytes: &mut [u8]) {
        let segment = TcpPacket::new_unchecked(&*bytes);
        if segment.syn() {
            self.ours = window_scale(&segment);
            return;
        }
        let window = segment.window_len();
        let scaled = self.theirs && self.ours.is_some_and(|shift| shift > 0);
        if !scaled || window == 0 {
            return;
        }
        TcpPacket::new_unchecked(bytes).set_window_len(window - 1);
    }
}

/// The window scale among a segment's options.
fn window_scale(segment: &TcpPacket<&[u8]>) -> Option<u8> {
    options(segment.options()).find_map(|option| match option {
        TcpOption::WindowScale(shift) => Some(shift),
        _ => None,
    })
}

/// A segment's options, as far as they are well formed.
pub(crate) fn options(mut rest: &[u8]) -> impl Iterator<Item = TcpOption<'_>> {
    core::iter::from_fn(move || {
        let (behind, option) = TcpOption::parse(rest).ok()?;
        rest = behind;
        (option != TcpOption::EndOfList).then_some(option)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::ChecksumCapabilities;
    use smoltcp::wire::{IpAddress, TcpControl, TcpRepr, TcpSeqNumber};

    const A: IpAddress = IpAddress::v4(10, 0, 0, 1);
    const B: IpAddress = IpAddress::v4(10, 0, 0, 2);

    fn segment(control: TcpControl, window_scale: Option<u8>) -> [u8; 24] {
        let repr = TcpRepr {
            src_port: 1,
            dst_port: 2,
            control,
            seq_number: TcpSeqNumber(-3),
            ack_number: Some(TcpSeqNumber(77)),
            window_len: 0x8000,
            window_scale,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload: if window_scale.is_none() { b"data" } else { b"" },
        };
        let mut bytes = [0; 24];
        let mut packet = TcpPacket::new_unchecked(&mut bytes[..]);
        repr.emit(&mut packet, &A, &B, &ChecksumCapabilities::default());
        bytes
    }

    #[test]
    fn scaled_windows_leave_a_unit_smaller() {
        let mut guard = WindowGuard::default();
        guard.leaving(&mut segment(TcpControl::Syn, Some(3)));
        guard.arriving(&segment(TcpControl::Syn, Some(7)));
        let mut bytes = segment(TcpControl::None, None);
        guard.leaving(&mut bytes);
        let packet = TcpPacket::new_checked(&bytes[..]).unwrap();
        assert_eq!(packet.window_len(), 0x7fff);
    }

    #[test]
    fn windows_that_are_not_scaled_leave_as_they_are() {
        let mut guard = WindowGuard::default();
        guard.leaving(&mut segment(TcpControl::Syn, Some(3)));
        guard.arriving(&segment(TcpControl::Syn, None));
        let mut bytes = segment(TcpControl::None, None);
        guard.leaving(&mut bytes);
        assert_eq!(
            TcpPacket::new_checked(&bytes[..]).unwrap().window_len(),
            0x8000
        );
    }
}
