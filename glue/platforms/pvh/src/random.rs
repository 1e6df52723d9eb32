//! Randomness: ChaCha20, whose key is replaced at every use, so that nothing given out tells what was given
//! out before.
//!
//! The key comes from the processor's generator where it has one, from the jitter of its clock, and from what
//! devices of the kernel's have (`stir`). Without a generator and such a device it is weak, and the first
//! use says so.

use core::sync::atomic::{AtomicBool, Ordering};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use hypercall::{Bytes, BytesMut};
use x86_64::instructions::random::RdRand;

use crate::lock::Lock;
use crate::{Platform, clock, console};

type Key = [u8; 32];

static KEY: Lock<Key> = Lock::new([0; 32]);
/// Whether the key has anything in it that nobody can guess.
static SEEDED: AtomicBool = AtomicBool::new(false);

/// Readings of the clock for the first key.
const READINGS: usize = 64;

/// Makes the first key.
pub(crate) fn start() {
    let mut jitter = [0u64; 4];
    for reading in 0..READINGS {
        let word = &mut jitter[reading % 4];
        *word = word.rotate_left(9) ^ clock::stamp();
        // Takes different time from one time to the next.
        core::arch::x86_64::__cpuid(0);
    }
    jitter.iter().for_each(|word| mix(&word.to_le_bytes()));
    if let Some(generator) = RdRand::new() {
        let mut seed = [0; 32];
        let mut got = 0;
        // The generator may be exhausted for a moment.
        for word in (0..64)
            .filter_map(|_| generator.get_u64())
            .take(seed.len() / 8)
        {
            seed[got..got + 8].copy_from_slice(&word.to_le_bytes());
            got += 8;
        }
        mix(&seed);
        SEEDED.store(got == seed.len(), Ordering::Relaxed);
    }
}

/// Mixes bytes into the key: what was in it stays in it.
fn mix(bytes: &[u8]) {
    let mut key = KEY.lock();
    for chunk in bytes.chunks(size_of::<Key>()) {
        for (old, new) in key.iter_mut().zip(chunk) {
            *old ^= new;
        }
        ChaCha20Rng::from_seed(*key).fill_bytes(&mut *key);
    }
}

impl hypercall::Random for Platform {
    fn fill(mut buffer: BytesMut<'_>) {
        static WARNED: AtomicBool = AtomicBool::new(false);
        if !SEEDED.load(Ordering::Relaxed) && !WARNED.swap(true, Ordering::Relaxed) {
            console::print(format_args!(
                "pvh: neither the processor nor a device has randomness; keys can be guessed\n"
            ));
        }
        let mut key = KEY.lock();
        let mut stream = ChaCha20Rng::from_seed(*key);
        stream.fill_bytes(&mut *key);
        drop(key);
        stream.fill_bytes(buffer.as_mut_slice());
    }

    fn stir(seed: Bytes<'_>) {
        mix(seed.as_slice());
        SEEDED.store(true, Ordering::Relaxed);
    }
}
