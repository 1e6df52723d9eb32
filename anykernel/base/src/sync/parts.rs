//! Something in parts, so that processors that are busy at once do not meet there.

use core::ops::Deref;

use crate::Lwp;

/// How many parts, a power of two: enough that those who are busy at once seldom share one; one, where one thread at a
/// time is inside.
const PARTS: usize = match cfg!(all(feature = "threads", not(feature = "up"))) {
    true if cfg!(loom) => 2,
    true => 8,
    false => 1,
};

/// One `T` for each few processors. Which one is used makes no difference but in speed.
///
/// Whoever needs the same one again finds it by the same [`Lwp`], which stays with the part it came to first.
pub struct Parts<T>([Part<T>; PARTS]);

/// Alone on its cache lines, of which processors fetch two at once.
#[cfg_attr(all(feature = "threads", not(feature = "up")), repr(align(128)))]
struct Part<T>(T);

impl<T> Deref for Part<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Parts<T> {
    /// Parts that begin as `new` makes them.
    pub fn new(mut new: impl FnMut() -> T) -> Self {
        Parts(core::array::from_fn(|_| Part(new())))
    }

    /// The lwp's.
    #[inline]
    pub fn of(&self, lwp: &Lwp<'_>) -> &T {
        &self.0[lwp.part() as usize & (PARTS - 1)]
    }

    /// That of the processor at work.
    #[inline]
    pub fn here(&self) -> &T {
        &self.0[here() as usize & (PARTS - 1)]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|part| &part.0)
    }
}

/// The number of the processor at work, where that matters.
#[inline]
pub(crate) fn here() -> u32 {
    #[cfg(all(feature = "threads", not(feature = "up")))]
    return crate::host::cpu();
    #[cfg(not(all(feature = "threads", not(feature = "up"))))]
    0
}
