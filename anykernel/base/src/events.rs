//! What a file can have news of.

use core::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// A set of conditions. The bits are those of `poll` and `epoll`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Events(pub u32);

impl Events {
    /// Nothing.
    pub const NONE: Events = Events(0);
    /// There is something to read, or to accept, or an end of file.
    pub const IN: Events = Events(0x1);
    /// There is urgent data.
    pub const PRI: Events = Events(0x2);
    /// There is room to write.
    pub const OUT: Events = Events(0x4);
    /// An error is pending.
    pub const ERR: Events = Events(0x8);
    /// Both directions are at their end.
    pub const HUP: Events = Events(0x10);
    /// The peer writes no more.
    pub const RDHUP: Events = Events(0x2000);
    /// What is reported whether asked for or not.
    pub const ALWAYS: Events = Events(0x8 | 0x10);

    /// Whether there is none.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are here.
    #[inline]
    pub fn contains(self, other: Events) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is here.
    #[inline]
    pub fn intersects(self, other: Events) -> bool {
        self.0 & other.0 != 0
    }

    /// This set if `condition`, else nothing.
    #[inline]
    pub fn when(self, condition: bool) -> Events {
        if condition { self } else { Events::NONE }
    }

    /// The same with the aliases of `poll` for ordinary data filled in
    /// (`POLLRDNORM`, `POLLWRNORM`), which callers may ask for instead.
    #[inline]
    pub fn with_aliases(self) -> Events {
        let mut bits = self.0;
        if bits & 0x1 != 0 {
            bits |= 0x40;
        }
        if bits & 0x4 != 0 {
            bits |= 0x100;
        }
        Events(bits)
    }
}

impl BitOr for Events {
    type Output = Events;
    #[inline]
    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

impl BitOrAssign for Events {
    #[inline]
    fn bitor_assign(&mut self, other: Events) {
        self.0 |= other.0;
    }
}

impl BitAnd for Events {
    type Output = Events;
    #[inline]
    fn bitand(self, other: Events) -> Events {
        Events(self.0 & other.0)
    }
}

impl Not for Events {
    type Output = Events;
    #[inline]
    fn not(self) -> Events {
        Events(!self.0)
    }
}
