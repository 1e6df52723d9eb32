//! The handshake: Noise's pattern IK with a pre-shared key, as snow has it, with randomness from the host
//! (whitepaper § 5.4.2 and 5.4.3; Noise, revision 34, § 7.5 and 9).

use alloc::boxed::Box;

use base::Errno;
use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, HandshakeState, StatelessTransportState};

use crate::key::Key;
use crate::time::Timestamp;

const PROTOCOL: &str = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
const PROLOGUE: &[u8] = b"WireGuard v1 zx2c4 Jason@zx2c4.com";
/// Where the pre-shared key enters: at the end of the second message.
const PSK: u8 = 2;

/// Bytes of the first message: a key, a sealed key, a sealed time.
pub(crate) const MESSAGE_1: usize = 32 + (32 + 16) + (12 + 16);
/// Bytes of the second one: a key, and nothing, sealed.
pub(crate) const MESSAGE_2: usize = 32 + 16;

/// Who makes handshakes.
pub(crate) struct Noise {
    params: NoiseParams,
    private: Key,
}

/// A first message that makes sense.
pub(crate) struct Heard {
    state: HandshakeState,
    /// Whose it is.
    pub(crate) peer: Key,
    pub(crate) timestamp: Timestamp,
}

impl Noise {
    pub(crate) fn new(private: Key) -> Result<Self, Errno> {
        let params = PROTOCOL.parse().map_err(|_| Errno::EINVAL)?;
        Ok(Noise { params, private })
    }

    /// What begins a handshake, for which snow wants the peer's keys if we are the first to speak.
    fn builder(&self) -> Result<Builder<'_>, Error> {
        Builder::with_resolver(self.params.clone(), Box::new(Resolver))
            .prologue(PROLOGUE)?
            .local_private_key(&self.private.0)
    }

    /// Makes a first message to a peer.
    pub(crate) fn initiate(
        &self,
        peer: &Key,
        psk: &Key,
        timestamp: Timestamp,
    ) -> Result<(HandshakeState, [u8; MESSAGE_1]), Error> {
        let builder = self.builder()?.remote_public_key(&peer.0)?;
        begin(builder.psk(PSK, &psk.0)?, timestamp)
    }

    /// Takes a first message.
    pub(crate) fn hear(&self, message: &[u8]) -> Result<Heard, Error> {
        hear(self.builder()?, message)
    }
}

fn begin(
    builder: Builder<'_>,
    timestamp: Timestamp,
) -> Result<(HandshakeState, [u8; MESSAGE_1]), Error> {
    let mut state = builder.build_initiator()?;
    let mut message = [0; MESSAGE_1];
    state.write_message(&timestamp.0, &mut message)?;
    Ok((state, message))
}

fn hear(builder: Builder<'_>, message: &[u8]) -> Result<Heard, Error> {
    let mut state = builder.build_responder()?;
    let mut timestamp = Timestamp::default();
    state.read_message(message, &mut timestamp.0)?;
    let peer = state
        .get_remote_static()
        .and_then(|key| key.try_into().ok());
    Ok(Heard {
        peer: Key(peer.ok_or(Error::Input)?),
        state,
        timestamp,
    })
}

impl Heard {
    /// Makes the second message.
    pub(crate) fn answer(
        mut self,
        psk: &Key,
    ) -> Result<(StatelessTransportState, [u8; MESSAGE_2]), Error> {
        self.state.set_psk(PSK.into(), &psk.0)?;
        let mut message = [0; MESSAGE_2];
        self.state.write_message(&[], &mut message)?;
        Ok((self.state.into_stateless_transport_mode()?, message))
    }
}

/// Takes a second message. If it makes no sense, the handshake goes on waiting for one.
pub(crate) fn finish(
    place: &mut Option<HandshakeState>,
    message: &[u8],
) -> Result<StatelessTransportState, Error> {
    let state = place.as_mut().ok_or(Error::Input)?;
    state.read_message(message, &mut [])?;
    let state = place.take().ok_or(Error::Input)?;
    state.into_stateless_transport_mode()
}

/// snow's own algorithms, and the host's randomness.
struct Resolver;

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(HostRandom))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

struct HostRandom;

impl Random for HostRandom {
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Error> {
        hypercall::random::fill(to.into());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
