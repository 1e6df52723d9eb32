//! Where data is between a program's memory, which need not be the host's to reach, and the host.

use alloc::boxed::Box;
use alloc::vec::Vec;

use base::Errno;
use base::sync::Leaf;

/// The most that is moved at once: the longest datagram there can be.
pub(crate) const CHUNK: usize = 64 << 10;
/// What is not longer has a place on the stack.
const SMALL: usize = 2048;
/// Large places that are kept.
const KEPT: usize = 8;

/// Large places, for those who need one next.
pub(crate) struct Buffers(Leaf<Vec<Box<[u8]>>>);

impl Buffers {
    pub(crate) fn new() -> Self {
        Buffers(Leaf::new(Vec::new()))
    }

    /// Calls `f` with a place of `len` bytes, at most [`CHUNK`]. `ENOMEM`.
    pub(crate) fn with<R>(&self, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> Result<R, Errno> {
        if let Some(place) = [0; SMALL].get_mut(..len) {
            return Ok(f(place));
        }
        let kept = self.0.with(Vec::pop);
        let mut place = kept.map_or_else(large, Ok)?;
        let end = len.min(CHUNK);
        let result = f(&mut place[..end]);
        let surplus = self.0.with(|places| match places.len() < KEPT {
            true => {
                places.push(place);
                None
            }
            false => Some(place),
        });
        drop(surplus);
        Ok(result)
    }
}

#[cold]
fn large() -> Result<Box<[u8]>, Errno> {
    let mut place = Vec::new();
    place.try_reserve_exact(CHUNK).map_err(|_| Errno::ENOMEM)?;
    place.resize(CHUNK, 0);
    Ok(place.into_boxed_slice())
}
