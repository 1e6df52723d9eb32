//! A place for a filter.

use alloc::sync::Arc;

use base::Errno;
use base::sync::{Leaf, Word};

use super::{Arrival, Filter};

/// The place of a socket for a filter.
pub struct FilterPlace {
    /// What was ever said about it: of most sockets nothing, and every packet asks.
    flags: Word,
    filter: Leaf<Option<Arc<dyn Filter>>>,
}

/// There may be a filter.
const USED: u32 = 1;
/// It stays as it is.
const LOCKED: u32 = 2;

impl Default for FilterPlace {
    fn default() -> Self {
        FilterPlace {
            flags: Word::new(0),
            filter: Leaf::new(None),
        }
    }
}

/// What a socket has that was accepted: the same as its listener.
impl Clone for FilterPlace {
    fn clone(&self) -> Self {
        let (flags, filter) = self
            .filter
            .with(|filter| (self.flags.get(), filter.clone()));
        FilterPlace {
            flags: Word::new(flags),
            filter: Leaf::new(filter),
        }
    }
}

impl FilterPlace {
    /// Whether what arrives has to be [judged](Self::judge).
    #[inline]
    pub fn is_used(&self) -> bool {
        self.flags.get() != 0
    }

    /// Whether it stays as it is.
    pub fn is_locked(&self) -> bool {
        self.flags.get() & LOCKED != 0
    }

    /// How many bytes are kept of what arrives, which may be more than there are; zero: it is dropped. No leaf is held
    /// meanwhile.
    pub fn judge(&self, arrival: &mut Arrival<'_>) -> usize {
        match self.filter.with(|filter| filter.clone()) {
            Some(filter) => filter.judge(arrival),
            None => usize::MAX,
        }
    }

    /// Sets the filter, or takes it away, and returns the one before; `EPERM` if it stays as it is.
    pub fn replace(
        &self,
        filter: Option<Arc<dyn Filter>>,
    ) -> Result<Option<Arc<dyn Filter>>, Errno> {
        self.change(|place| core::mem::replace(place, filter))
    }

    /// Has it stay as it is, from now on; `EPERM` for who would undo that.
    pub fn lock(&self, locked: bool) -> Result<(), Errno> {
        match locked {
            true => self.filter.with(|_| self.flags.set(USED | LOCKED)),
            false => self.change(|_| ())?,
        }
        Ok(())
    }

    fn change<R>(&self, f: impl FnOnce(&mut Option<Arc<dyn Filter>>) -> R) -> Result<R, Errno> {
        self.filter.with(|filter| {
            if self.is_locked() {
                return Err(Errno::EPERM);
            }
            self.flags.set(USED);
            Ok(f(filter))
        })
    }
}
