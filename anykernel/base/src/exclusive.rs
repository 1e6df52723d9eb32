//! A lock that may be held across a wait, for what has to be: a file system over a synchronous crate, and the disk
//! below it.
//!
//! Whoever wants it waits as for any news, so a kernel with one virtual processor and a host without threads can have it
//! too, as long as nothing waits for the same thread to let go. It is not for hot paths.

use crate::sync::Leaf;
use crate::{Blocking, Errno, Events, Lwp, Readiness, Wait, Wakes, block};

/// A value that one lwp at a time has, for as long as it likes.
pub struct Exclusive<T> {
    place: Leaf<Option<T>>,
    readiness: Readiness,
}

impl<T> Exclusive<T> {
    /// A lock around `value`, which is moved out and in: a large one had better be in a box.
    pub fn new(value: T) -> Self {
        Exclusive {
            place: Leaf::new(Some(value)),
            readiness: Readiness::new(Events::IN),
        }
    }

    /// Runs `f` with the value, which may wait. `EIO` if the instance dies meanwhile.
    pub fn with<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut T) -> R) -> Result<R, Errno> {
        let mut value = block(lwp, &self.readiness, Blocking::to_the_end(), || {
            self.place.with(Option::take).ok_or(Wait::For(Events::IN))
        })?;
        let result = f(&mut value);
        Wakes::deliver_after(lwp, |wakes| {
            self.place.with(|place| {
                *place = Some(value);
                self.readiness.update(Events::IN, Events::IN, wakes);
            });
        });
        Ok(result)
    }
}
