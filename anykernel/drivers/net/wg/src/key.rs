//! Keys: 32 bytes, written in base64 as WireGuard's own tools write them.

use core::fmt;

use base::Errno;
use base64ct::{Base64, Encoding};
use snow::params::DHChoice;
use snow::resolvers::{CryptoResolver, DefaultResolver};

/// Bytes of a key.
pub(crate) const KEY: usize = 32;
/// Characters of a key in base64.
const TEXT: usize = 44;

/// A private, public or pre-shared key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) [u8; KEY]);

impl Key {
    /// What stands for "no pre-shared key" (whitepaper § 5.4.2).
    pub(crate) const NONE: Key = Key([0; KEY]);

    /// Reads a key. `EINVAL` for what is none. Takes the same time whatever the key is.
    pub(crate) fn parse(text: &str) -> Result<Self, Errno> {
        let mut key = [0; KEY];
        match Base64::decode(text, &mut key) {
            Ok(bytes) if bytes.len() == KEY => Ok(Key(key)),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The public key of this private one (RFC 7748 § 6.1). `EINVAL` if there is none.
    pub(crate) fn public(&self) -> Result<Self, Errno> {
        let exchange = DefaultResolver.resolve_dh(&DHChoice::Curve25519);
        let mut exchange = exchange.ok_or(Errno::EINVAL)?;
        exchange.set(&self.0);
        exchange
            .pubkey()
            .try_into()
            .map(Key)
            .map_err(|_| Errno::EINVAL)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; TEXT];
        f.write_str(Base64::encode(&self.0, &mut text).map_err(|_| fmt::Error)?)
    }
}

/// A key might be secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn keys_are_read_and_written_as_the_tools_do() {
        // RFC 7748 § 6.1, Alice's, in base64.
        let private = Key::parse("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=").unwrap();
        let public = private.public().unwrap();
        assert_eq!(
            public.to_string(),
            "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
        );
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let short = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LA==";
        let long = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoq";
        let strange = "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LC?=";
        for text in ["", "x", short, long, strange] {
            assert_eq!(Key::parse(text).err(), Some(Errno::EINVAL), "{text}");
        }
    }
}
