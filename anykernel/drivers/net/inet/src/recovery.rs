//! When an acknowledgement that arrived is to be said to smoltcp more often than once, so that it sends again what was
//! lost before its timer, which takes a second at least, tells it to.
//!
//! smoltcp sends a segment again when it has heard the same acknowledgement three times more. That misses two losses
//! of three: where few segments are under way there are not that many acknowledgements (RFC 5827, early retransmit:
//! all there can be are enough), and where more than one was lost, that of the first is new (RFC 6582 § 3.2, a partial
//! acknowledgement: it says that the next is lost, too).

use smoltcp::wire::{TcpPacket, TcpSeqNumber};

/// How often smoltcp is to hear an acknowledgement again.
const ENOUGH: u8 = 3;

/// What is known of acknowledgements that arrived.
#[derive(Default)]
pub(crate) struct Recovery {
    /// How often the last one was heard again, and the window it came with.
    again: u8,
    window: u16,
    /// What was sent, when something of it was found to be lost: till all that is acknowledged.
    until: Option<TcpSeqNumber>,
}

impl Recovery {
    /// Looks at a segment that arrived: how often more it is to be heard. All before `confirmed` was acknowledged, and all
    /// before `sent` has left, in segments of `size` bytes.
    pub(crate) fn arriving(
        &mut self,
        segment: &TcpPacket<&[u8]>,
        confirmed: TcpSeqNumber,
        sent: TcpSeqNumber,
        size: usize,
    ) -> u8 {
        let number = segment.ack_number();
        if !segment.ack() || segment.rst() || segment.segment_len() > 0 || number > sent {
            return 0;
        }
        let same = segment.window_len() == self.window;
        self.window = segment.window_len();
        if number > confirmed {
            self.again = 0;
            self.until = self.until.filter(|until| number < *until);
            return self.until.map_or(0, |_| ENOUGH);
        }
        // Who acknowledges something behind it (RFC 2018) misses what is in front, whatever is said of the window.
        let counts = number == confirmed && number != sent && (same || is_selective(segment));
        if self.until.is_some() || !counts {
            return 0;
        }
        self.again = self.again.saturating_add(1);
        // One of them is missing, and each of the others is acknowledged. What a peer makes up may be any number.
        let under_way = sent.0.wrapping_sub(number.0).cast_unsigned() as usize;
        let all = usize::from(self.again) * size;
        if self.again < ENOUGH && all + size < under_way {
            return 0;
        }
        self.until = Some(sent);
        ENOUGH
    }
}

/// Whether a segment acknowledges something behind what is missing.
fn is_selective(segment: &TcpPacket<&[u8]>) -> bool {
    const SACK: u8 = 5;
    let mut options = segment.options();
    loop {
        options = match options {
            [SACK, ..] => return true,
            [1, rest @ ..] => rest,
            [2..=u8::MAX, len @ 2..=u8::MAX, ..] => {
                options.get(usize::from(*len)..).unwrap_or_default()
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use smoltcp::wire::TcpOption;

    const SIZE: usize = 1000;

    /// What comes of an acknowledgement with this window, and something behind it that is there, too, if there is.
    fn hear(recovery: &mut Recovery, number: i32, confirmed: i32, window: u16, behind: u32) -> u8 {
        let mut bytes = [0; 32];
        let mut segment = TcpPacket::new_unchecked(&mut bytes[..]);
        segment.set_header_len(32);
        segment.set_ack(true);
        segment.set_ack_number(TcpSeqNumber(number));
        segment.set_window_len(window);
        let range = [None, Some((9000, 9000 + behind))][usize::from(behind > 0)];
        let ranges = TcpOption::SackRange([range, None, None]);
        if behind > 0 {
            ranges.emit(segment.options_mut());
        }
        let [confirmed, sent] = [confirmed, 5000].map(TcpSeqNumber);
        recovery.arriving(&TcpPacket::new_unchecked(&bytes), confirmed, sent, SIZE)
    }

    /// The same of several that acknowledge no more than is known.
    fn hear_all(number: i32, windows: &[u16]) -> Vec<u8> {
        let mut recovery = Recovery::default();
        let heard = windows
            .iter()
            .map(|window| hear(&mut recovery, number, number, *window, 0));
        heard.collect()
    }

    #[test]
    fn the_fewer_are_under_way_the_fewer_are_enough() {
        assert_eq!(hear_all(1000, &[0; 5]), [0, 0, 3, 0, 0]);
        assert_eq!(hear_all(2000, &[0; 3]), [0, 3, 0]);
        assert_eq!(hear_all(3000, &[0; 2]), [3, 0]);
        // Nothing is under way, or it is another window that is told.
        assert_eq!(hear_all(5000, &[0; 3]), [0; 3]);
        assert_eq!(hear_all(4000, &[1, 2, 3]), [0; 3]);
    }

    #[test]
    fn what_is_there_behind_it_counts_whatever_the_window() {
        let mut recovery = Recovery::default();
        assert_eq!(hear(&mut recovery, 2000, 2000, 1, 1000), 0);
        assert_eq!(hear(&mut recovery, 2000, 2000, 2, 2000), 3);
    }

    #[test]
    fn until_all_is_there_what_is_new_says_what_is_lost() {
        let mut recovery = Recovery::default();
        let _ = [1000; 3].map(|it| hear(&mut recovery, it, it, 0, 0));
        assert_eq!(hear(&mut recovery, 3000, 1000, 0, 0), 3);
        assert_eq!(hear(&mut recovery, 5000, 3000, 0, 0), 0);
        assert_eq!(hear(&mut recovery, 5000, 5000, 0, 0), 0);
    }
}
