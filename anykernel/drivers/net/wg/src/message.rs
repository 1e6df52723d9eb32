//! The four messages (whitepaper § 5.4): where what stands. Numbers are in little-endian order.

use crate::mac::MAC;
use crate::noise::{MESSAGE_1, MESSAGE_2};

/// Bytes that authenticate what is sealed.
pub(crate) const TAG: usize = 16;
/// Bytes of a cookie.
pub(crate) const COOKIE: usize = 16;
/// Bytes of the number a sealed cookie is made with.
pub(crate) const COOKIE_NONCE: usize = 24;

/// Bytes of the messages; of a transport message, those before what is sealed.
pub(crate) const INITIATION: usize = 8 + MESSAGE_1 + 2 * MAC;
pub(crate) const RESPONSE: usize = 12 + MESSAGE_2 + 2 * MAC;
pub(crate) const COOKIE_REPLY: usize = 8 + COOKIE_NONCE + COOKIE + TAG;
pub(crate) const TRANSPORT_HEADER: usize = 16;

/// A message as it came.
pub(crate) enum Message<'a> {
    Initiation(&'a [u8; INITIATION]),
    Response(&'a [u8; RESPONSE]),
    CookieReply(&'a [u8; COOKIE_REPLY]),
    Transport(Transport<'a>),
}

/// A packet of a session.
pub(crate) struct Transport<'a> {
    pub(crate) receiver: u32,
    pub(crate) counter: u64,
    pub(crate) sealed: &'a [u8],
}

impl<'a> Message<'a> {
    /// Tells what a datagram is; `None` if it is no message.
    pub(crate) fn read(datagram: &'a [u8]) -> Option<Self> {
        let (kind, rest) = datagram.split_first_chunk::<4>()?;
        Some(match u32::from_le_bytes(*kind) {
            1 => Message::Initiation(datagram.try_into().ok()?),
            2 => Message::Response(datagram.try_into().ok()?),
            3 => Message::CookieReply(datagram.try_into().ok()?),
            4 => {
                let (receiver, rest) = rest.split_first_chunk()?;
                let (counter, sealed) = rest.split_first_chunk()?;
                if sealed.len() < TAG {
                    return None;
                }
                Message::Transport(Transport {
                    receiver: u32::from_le_bytes(*receiver),
                    counter: u64::from_le_bytes(*counter),
                    sealed,
                })
            }
            _ => return None,
        })
    }
}

/// The word at `at`.
fn word(message: &[u8], at: usize) -> u32 {
    message[at..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The number by which the sender of a first or second message knows what comes of it.
pub(crate) fn sender(message: &[u8]) -> u32 {
    word(message, 4)
}

/// The number by which the receiver of a second message knows what it is about.
pub(crate) fn response_receiver(message: &[u8; RESPONSE]) -> u32 {
    word(message, 8)
}

/// The same for a cookie.
pub(crate) fn cookie_receiver(message: &[u8; COOKIE_REPLY]) -> u32 {
    word(message, 4)
}

/// A first message, without its two authentication codes.
pub(crate) fn initiation(sender: u32, noise: &[u8; MESSAGE_1]) -> [u8; INITIATION] {
    let mut message = [0; INITIATION];
    message[0] = 1;
    message[4..8].copy_from_slice(&sender.to_le_bytes());
    message[8..8 + MESSAGE_1].copy_from_slice(noise);
    message
}

/// What of a first message is the handshake's.
pub(crate) fn initiation_noise(message: &[u8; INITIATION]) -> &[u8] {
    &message[8..8 + MESSAGE_1]
}

/// A second message, without its two authentication codes.
pub(crate) fn response(sender: u32, receiver: u32, noise: &[u8; MESSAGE_2]) -> [u8; RESPONSE] {
    let mut message = [0; RESPONSE];
    message[0] = 2;
    message[4..8].copy_from_slice(&sender.to_le_bytes());
    message[8..12].copy_from_slice(&receiver.to_le_bytes());
    message[12..12 + MESSAGE_2].copy_from_slice(noise);
    message
}

/// What of a second message is the handshake's.
pub(crate) fn response_noise(message: &[u8; RESPONSE]) -> &[u8] {
    &message[12..12 + MESSAGE_2]
}

/// Writes what stands before what is sealed.
pub(crate) fn write_transport_header(space: &mut [u8], receiver: u32, counter: u64) {
    space[..4].copy_from_slice(&4_u32.to_le_bytes());
    space[4..8].copy_from_slice(&receiver.to_le_bytes());
    space[8..TRANSPORT_HEADER].copy_from_slice(&counter.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_have_the_lengths_of_the_paper() {
        assert_eq!((INITIATION, RESPONSE, COOKIE_REPLY), (148, 92, 64));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let is_message = |kind: u32, len: usize| {
            let mut datagram = alloc::vec![0; len];
            let kind = kind.to_le_bytes();
            datagram[..len.min(4)].copy_from_slice(&kind[..len.min(4)]);
            Message::read(&datagram).is_some()
        };
        for (kind, len) in [(1, 148), (2, 92), (3, 64)] {
            assert!(is_message(kind, len));
            assert!(!is_message(kind, len - 1) && !is_message(kind, len + 1));
            // The three bytes after the first are reserved, and zero.
            assert!(!is_message(kind | 0x100, len));
        }
        assert!(is_message(4, 32) && is_message(4, 1500) && !is_message(4, 31));
        assert!(!is_message(0, 148) && !is_message(5, 148) && !is_message(1, 3));
        assert!(!is_message(1, 0));
    }
}
