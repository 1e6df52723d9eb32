//! BLAKE2s as the protocol uses it beside the handshake (RFC 7693; whitepaper § 5.4.4): the two authentication codes
//! at the end of a first or second message.

use blake2::digest::consts::U16;
use blake2::digest::{Digest, FixedOutput, KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac};

use crate::key::{KEY, Key};
use crate::message::COOKIE;

/// Bytes of an authentication code.
pub(crate) const MAC: usize = 16;

/// The code of what the parts are together. A key has 32 bytes, or a cookie's 16.
pub(crate) fn code(key: &[u8], parts: &[&[u8]]) -> [u8; MAC] {
    keyed(key, parts).finalize_fixed().into()
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Blake2sMac<U16> {
    let mut hash = <Blake2sMac<U16> as KeyInit>::new_from_slice(key)
        .expect("BLAKE2s takes keys of up to 32 bytes");
    for part in parts {
        Mac::update(&mut hash, part);
    }
    hash
}

fn hash(label: &[u8; 8], key: &Key) -> [u8; KEY] {
    Blake2s256::new()
        .chain_update(label)
        .chain_update(key.0)
        .finalize()
        .into()
}

/// What is made of the public key of whoever a message is for.
pub(crate) struct MacKeys {
    first: [u8; KEY],
    /// What seals cookies that it gives.
    pub(crate) cookie: [u8; KEY],
}

/// A message's codes are its last two times [`MAC`] bytes.
fn codes_at(message: &[u8]) -> usize {
    message.len() - 2 * MAC
}

/// The first code of a message.
pub(crate) fn first_code(message: &[u8]) -> [u8; MAC] {
    let mut code = [0; MAC];
    code.copy_from_slice(&message[codes_at(message)..][..MAC]);
    code
}

impl MacKeys {
    pub(crate) fn new(public: &Key) -> Self {
        MacKeys {
            first: hash(b"mac1----", public),
            cookie: hash(b"cookie--", public),
        }
    }

    /// Writes the codes of a message: the second only with a cookie.
    pub(crate) fn sign(&self, message: &mut [u8], cookie: Option<[u8; COOKIE]>) {
        let at = codes_at(message);
        let first = code(&self.first, &[&message[..at]]);
        message[at..at + MAC].copy_from_slice(&first);
        if let Some(cookie) = cookie {
            let second = code(&cookie, &[&message[..at + MAC]]);
            message[at + MAC..].copy_from_slice(&second);
        }
    }

    /// Whether the first code of a message is right: its sender knows the public key.
    pub(crate) fn is_signed(&self, message: &[u8]) -> bool {
        let at = codes_at(message);
        keyed(&self.first, &[&message[..at]])
            .verify_slice(&message[at..at + MAC])
            .is_ok()
    }
}

/// Whether the second code of a message is right: its sender got the cookie.
pub(crate) fn is_signed_with(cookie: [u8; COOKIE], message: &[u8]) -> bool {
    let at = codes_at(message) + MAC;
    keyed(&cookie, &[&message[..at]])
        .verify_slice(&message[at..])
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::hex;

    #[test]
    fn the_hash_is_blake2s() {
        // RFC 7693, appendix B; the second by another implementation.
        let hash: [u8; 32] = Blake2s256::digest(b"abc").into();
        let expected = hex("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
        assert_eq!(hash[..], expected);
        let key: [u8; 32] = core::array::from_fn(|at| at as u8);
        let expected = hex("61ba5f165c194692e09d12520cc4c74a");
        assert_eq!(code(&key, &[b"a", b"", b"bc"])[..], expected);
    }

    #[test]
    fn codes_tell_who_a_message_is_for_and_who_paid() {
        let keys = MacKeys::new(&Key([7; 32]));
        let mut message = [1; 60];
        keys.sign(&mut message, Some([9; 16]));
        assert!(keys.is_signed(&message));
        assert!(is_signed_with([9; 16], &message));
        assert!(!is_signed_with([8; 16], &message));
        assert!(!MacKeys::new(&Key([6; 32])).is_signed(&message));
        message[0] ^= 1;
        assert!(!keys.is_signed(&message) && !is_signed_with([9; 16], &message));
    }
}
