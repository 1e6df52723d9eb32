//! The numbers connections begin at (RFC 6528): for each pair of ends they grow with time, so that a new
//! connection is told from late segments of the one before it, and nobody who lacks the key can guess
//! them.
//!
//! smoltcp draws them from a generator of its own, seeded once an interface. Since a connection has an
//! interface for itself, the seed can be chosen such that the draw is the number wanted: the generator's
//! step is a bijection. A test holds this against smoltcp.

#[expect(
    deprecated,
    reason = "the keyed hash of the core library, deprecated only for hash maps"
)]
use core::hash::SipHasher;
use core::hash::{Hash, Hasher};

use crate::address::Tuple;
use crate::random;

/// The step of smoltcp's generator (`smoltcp::rand`), and the inverse of its factor.
const FACTOR: u64 = 0xbb2e_fcec_3c39_611d;
const ADDEND: u64 = 0x7590_ef39;
const INVERSE: u64 = inverse(FACTOR);

/// The inverse of an odd number modulo 2⁶⁴, by Newton's method: each step doubles the good bits.
const fn inverse(factor: u64) -> u64 {
    let mut inverse = factor;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(factor.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// What chooses the numbers of an instance.
pub(crate) struct Sequences {
    key: (u64, u64),
}

impl Sequences {
    pub(crate) fn new() -> Self {
        Sequences {
            key: (random(), random()),
        }
    }

    /// Where a connection begins that is made now.
    pub(crate) fn first(&self, tuple: &Tuple, now: u64) -> u32 {
        #[expect(deprecated, reason = "as above")]
        let mut hasher = SipHasher::new_with_keys(self.key.0, self.key.1);
        tuple.hash(&mut hasher);
        // One number every 64 nanoseconds, as Linux counts.
        (hasher.finish() as u32).wrapping_add((now >> 6) as u32)
    }
}

/// A seed with which an interface's first connection begins at `number`.
pub(crate) fn seed_for(number: u32) -> u64 {
    let mut noise = random();
    loop {
        // With the three highest bits zero, the number drawn is what stands above 29 others.
        let drawn = u64::from(number) << 29 | noise >> 35;
        // Before it, a packet identification is drawn, and once more if that is zero.
        let before = back(drawn);
        if !draws_zero(before) {
            return back(before);
        }
        noise = noise.wrapping_add(1 << 35);
    }
}

/// The generator's state before this one.
fn back(state: u64) -> u64 {
    state.wrapping_sub(ADDEND).wrapping_mul(INVERSE)
}

/// Whether the 16-bit number drawn with this state is zero.
fn draws_zero(state: u64) -> bool {
    let number = (state >> (29 - (state >> 61))) as u32;
    (number ^ number >> 16) as u16 == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Endpoint;

    fn tuple(port: u16) -> Tuple {
        let addr = core::net::Ipv4Addr::LOCALHOST.into();
        Tuple {
            local: Endpoint::new(addr, port),
            remote: Endpoint::new(addr, 80),
        }
    }

    #[test]
    fn numbers_grow_with_time_and_differ_by_connection() {
        let sequences = Sequences::new();
        let first = sequences.first(&tuple(1), 1_000_000);
        let later = sequences.first(&tuple(1), 1_064_000);
        assert_eq!(later.wrapping_sub(first), 1000);
        assert_ne!(first, sequences.first(&tuple(2), 1_000_000));
        assert_ne!(first, Sequences::new().first(&tuple(1), 1_000_000));
    }
}
