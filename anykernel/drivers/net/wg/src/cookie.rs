//! Cookies: who asks for a handshake of a machine under load has to show that it is where it says, by a code that was
//! sent there (whitepaper § 5.3 and 5.4.7).

use core::net::{IpAddr, SocketAddr};

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};

use crate::key::KEY;
use crate::mac::{code, first_code, is_signed_with};
use crate::message::{COOKIE, COOKIE_NONCE, COOKIE_REPLY};
use crate::{random, time};

/// Where in a reply the parts stand.
const NONCE_AT: usize = 8;
const SEALED_AT: usize = NONCE_AT + COOKIE_NONCE;
const TAG_AT: usize = SEALED_AT + COOKIE;

/// Who gives cookies.
pub(crate) struct Cookies {
    secret: [u8; KEY],
    /// When the secret is replaced.
    until: u64,
}

impl Cookies {
    pub(crate) fn new() -> Self {
        Cookies {
            secret: [0; KEY],
            until: 0,
        }
    }

    fn cookie(&mut self, now: u64, from: SocketAddr) -> [u8; COOKIE] {
        if now >= self.until {
            self.secret = random();
            self.until = now + time::COOKIE;
        }
        let port = from.port().to_be_bytes();
        match from.ip() {
            IpAddr::V4(address) => code(&self.secret, &[&address.octets(), &port]),
            IpAddr::V6(address) => code(&self.secret, &[&address.octets(), &port]),
        }
    }

    /// Whether the sender of a message has the cookie that was sent to where the message came from.
    pub(crate) fn is_paid(&mut self, now: u64, from: SocketAddr, message: &[u8]) -> bool {
        is_signed_with(self.cookie(now, from), message)
    }

    /// The reply that gives the sender of a message, who calls itself `receiver`, a cookie.
    pub(crate) fn reply(
        &mut self,
        now: u64,
        from: SocketAddr,
        key: &[u8; KEY],
        receiver: u32,
        message: &[u8],
    ) -> Option<[u8; COOKIE_REPLY]> {
        let nonce: [u8; COOKIE_NONCE] = random();
        let mut reply = [0; COOKIE_REPLY];
        reply[0] = 3;
        reply[4..NONCE_AT].copy_from_slice(&receiver.to_le_bytes());
        reply[NONCE_AT..SEALED_AT].copy_from_slice(&nonce);
        reply[SEALED_AT..TAG_AT].copy_from_slice(&self.cookie(now, from));
        let sealed = &mut reply[SEALED_AT..TAG_AT];
        let tag = XChaCha20Poly1305::new(key.into())
            .encrypt_in_place_detached((&nonce).into(), &first_code(message), sealed)
            .ok()?;
        reply[TAG_AT..].copy_from_slice(&tag);
        Some(reply)
    }
}

/// A cookie that a peer gave us.
#[derive(Clone, Copy)]
pub(crate) struct Cookie {
    cookie: [u8; COOKIE],
    until: u64,
}

impl Cookie {
    /// Opens a reply to the message whose first code was `code`.
    pub(crate) fn open(
        reply: &[u8; COOKIE_REPLY],
        key: &[u8; KEY],
        code: &[u8],
        now: u64,
    ) -> Option<Self> {
        let nonce: [u8; COOKIE_NONCE] = reply[NONCE_AT..SEALED_AT].try_into().ok()?;
        let mut cookie: [u8; COOKIE] = reply[SEALED_AT..TAG_AT].try_into().ok()?;
        XChaCha20Poly1305::new(key.into())
            .decrypt_in_place_detached((&nonce).into(), code, &mut cookie, reply[TAG_AT..].into())
            .ok()?;
        Some(Cookie {
            cookie,
            until: now + time::COOKIE - time::COOKIE_MARGIN,
        })
    }

    /// The cookie, while it is good.
    pub(crate) fn get(&self, now: u64) -> Option<[u8; COOKIE]> {
        (now < self.until).then_some(self.cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::mac::MacKeys;

    #[test]
    fn a_cookie_is_good_for_a_place_and_a_while() {
        let keys = MacKeys::new(&Key([1; KEY]));
        let mut cookies = Cookies::new();
        let here: SocketAddr = "192.0.2.1:7".parse().unwrap();
        let there: SocketAddr = "[2001:db8::1]:7".parse().unwrap();
        let mut message = [3; 148];
        keys.sign(&mut message, None);
        assert!(!cookies.is_paid(0, here, &message));
        let reply = cookies.reply(0, here, &keys.cookie, 5, &message).unwrap();
        let code = first_code(&message);
        let cookie = Cookie::open(&reply, &keys.cookie, &code, 0).unwrap();
        keys.sign(&mut message, cookie.get(0));
        assert!(cookies.is_paid(1, here, &message));
        assert!(!cookies.is_paid(1, there, &message));
        assert!(cookie.get(time::COOKIE).is_none());
        assert!(!cookies.is_paid(time::COOKIE, here, &message));
    }

    #[test]
    fn a_reply_to_something_else_is_refused() {
        let keys = MacKeys::new(&Key([1; KEY]));
        let here: SocketAddr = "192.0.2.1:7".parse().unwrap();
        let reply = Cookies::new().reply(0, here, &keys.cookie, 5, &[3; 148]);
        let mut reply = reply.unwrap();
        let opens = |reply: &[u8; COOKIE_REPLY], code: &[u8]| {
            Cookie::open(reply, &keys.cookie, code, 0).is_some()
        };
        assert!(opens(&reply, &[3; 16]));
        assert!(!opens(&reply, &[4; 16]));
        reply[40] ^= 1;
        assert!(!opens(&reply, &[3; 16]));
    }
}
