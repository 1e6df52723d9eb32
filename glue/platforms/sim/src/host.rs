//! The groups that are a few lines each, and how a test sees their other side.
// C's `errno` is the C library's memory.
#![allow(unsafe_code)]

use hypercall::{Bytes, BytesMut};

use crate::{Platform, world};

/// Says how kernels are configured: the host's value of a parameter.
pub fn set_param(name: &str, value: &str) {
    world::with(|world| world.params.insert(name.into(), value.into()));
}

/// What was written to the console so far.
pub fn console() -> String {
    world::with(|world| String::from_utf8_lossy(&world.console).into_owned())
}

/// What kernels had to stir into the host's randomness so far.
pub fn stirred() -> Vec<u8> {
    world::with(|world| world.stirred.clone())
}

/// C's `errno` of the calling thread.
pub fn errno() -> i32 {
    // SAFETY: the C library's place for it, always there.
    unsafe { *libc::__errno_location() }
}

impl hypercall::Console for Platform {
    fn write(text: Bytes<'_>) {
        let text = text.as_slice();
        world::with(|world| world.console.extend_from_slice(text));
        // For people; nothing in the world can tell. A test that fails shows it; a fuzzer drowns in it.
        if !cfg!(fuzzing) {
            eprint!("{}", String::from_utf8_lossy(text));
        }
    }
}

impl hypercall::Params for Platform {
    fn get(name: Bytes<'_>, mut value: BytesMut<'_>) -> i64 {
        world::with(|world| {
            let Some(found) = world.params.get(name.as_slice()) else {
                return -1;
            };
            let place = value.as_mut_slice();
            let fits = found.len().min(place.len());
            place[..fits].copy_from_slice(&found[..fits]);
            found.len() as i64
        })
    }
}

impl hypercall::Random for Platform {
    fn fill(mut buffer: BytesMut<'_>) {
        world::with(|world| {
            for part in buffer.as_mut_slice().chunks_mut(8) {
                let number = world.random.next().to_le_bytes();
                part.copy_from_slice(&number[..part.len()]);
            }
        });
    }

    /// The seed of the world decides it all: a test sees what there was to stir in.
    fn stir(seed: Bytes<'_>) {
        let seed = seed.as_slice();
        world::with(|world| world.stirred.extend_from_slice(seed));
    }
}

impl hypercall::Power for Platform {
    /// The world has no end of its own: the test that let it halt ends.
    fn halt(code: i32) -> ! {
        panic!("sim: the machine was halted with code {code}")
    }
}

impl hypercall::Tls for Platform {
    fn word() -> usize {
        world::with(|world| world.word)
    }

    fn set_word(word: usize) {
        world::with(|world| world.word = word);
    }

    fn set_errno(number: i32) {
        // The C library's: it is where C programs look, in whatever world they are.
        // SAFETY: the C library's place for it, always there.
        unsafe { *libc::__errno_location() = number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::{Console, Params, Random};

    fn random() -> [u8; 20] {
        let mut bytes = [0; 20];
        let place: &mut [u8] = &mut bytes;
        Platform::fill(place.into());
        bytes
    }

    #[test]
    fn randomness_is_the_seed_s() {
        crate::reset(7);
        let first = random();
        assert_ne!(first, random());
        crate::reset(7);
        assert_eq!(first, random());
        crate::reset(8);
        assert_ne!(first, random());
    }

    #[test]
    fn parameters_and_console() {
        let mut bytes = [0; 3];
        let place: &mut [u8] = &mut bytes;
        assert_eq!(Platform::get("link".into(), place.into()), -1);
        set_param("link", "wire:a");
        let place: &mut [u8] = &mut bytes;
        assert_eq!(Platform::get("link".into(), place.into()), 6);
        assert_eq!(&bytes, b"wir");
        Platform::write("a line\n".into());
        assert_eq!(console(), "a line\n");
    }
}
