//! Randomness, from the operating system.

use hypercall::{Bytes, BytesMut};

use crate::Platform;

impl hypercall::Random for Platform {
    fn fill(mut buffer: BytesMut<'_>) {
        let mut rest = buffer.as_mut_slice();
        while !rest.is_empty() {
            // SAFETY: the range is that of a slice.
            let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
            match usize::try_from(got) {
                Ok(got) => rest = &mut rest[got..],
                // Only interruptible before the system's pool is ready, early in its boot.
                Err(_) => assert_eq!(
                    crate::last_errno(),
                    libc::EINTR,
                    "linux: getrandom does not work here; keys would be guessable"
                ),
            }
        }
    }

    /// The system's pool has enough of its own.
    fn stir(_seed: Bytes<'_>) {}
}
