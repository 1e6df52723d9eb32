//! A hierarchical timing wheel (Varghese and Lauck, SOSP 1987): constant time to set and cancel,
//! and, for a host without ticks, the exact time of the next expiry.
//!
//! Knows ticks and values, not clocks or callouts.

use alloc::vec::Vec;

const LEVELS: usize = 8;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const NIL: u32 = u32::MAX;
/// The last tick there is: of a millisecond each, they reach for 8,900 years.
const LAST: u64 = (1 << (SLOT_BITS * LEVELS as u32)) - 1;

struct Entry<T> {
    value: Option<T>,
    at: u64,
    slot: usize,
    previous: u32,
    next: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    head: u32,
    /// No value of the slot expires before; the earliest one of them may have been removed.
    earliest: u64,
}

const EMPTY: Slot = Slot {
    head: NIL,
    earliest: u64::MAX,
};

/// Values with the tick they expire at.
///
/// A value sits at the level of the highest digit, in base 64, in which its tick differs from now. So the
/// lowest level in use holds the earliest values, and no slot is ever behind now.
pub(crate) struct Wheel<T> {
    now: u64,
    slots: Vec<Slot>,
    occupied: [u64; LEVELS],
    entries: Vec<Entry<T>>,
    free: u32,
}

impl<T> Wheel<T> {
    pub(crate) fn new(now: u64) -> Self {
        Wheel {
            now: now.min(LAST),
            slots: alloc::vec![EMPTY; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            entries: Vec::new(),
            free: NIL,
        }
    }

    /// Adds a value that expires at tick `at`, or at once if that has passed. The key is good until
    /// the value expires or is removed.
    pub(crate) fn insert(&mut self, value: T, at: u64) -> u32 {
        let entry = Entry {
            value: Some(value),
            at: at.min(LAST),
            slot: 0,
            previous: NIL,
            next: NIL,
        };
        let key = if self.free == NIL {
            self.entries.push(entry);
            (self.entries.len() - 1) as u32
        } else {
            let key = self.free;
            self.free = self.entries[key as usize].next;
            self.entries[key as usize] = entry;
            key
        };
        self.link(key);
        key
    }

    /// Removes a value that has not expired.
    pub(crate) fn remove(&mut self, key: u32) -> Option<T> {
        self.unlink(key);
        self.release(key)
    }

    /// Removes all values.
    pub(crate) fn clear(&mut self) -> Vec<T> {
        let old = core::mem::replace(self, Wheel::new(self.now));
        let values = old.entries.into_iter().filter_map(|entry| entry.value);
        values.collect()
    }

    /// Takes one value that has expired by tick `now`, the earliest first.
    pub(crate) fn expire(&mut self, now: u64) -> Option<T> {
        let now = now.min(LAST);
        while let Some((level, slot)) = self.earliest() {
            let shift = SLOT_BITS * level as u32;
            let above = self.now >> shift >> SLOT_BITS << SLOT_BITS;
            let start = (above | slot as u64) << shift;
            if start > now {
                break;
            }
            self.now = self.now.max(start);
            let index = level * SLOTS + slot;
            if level == 0 {
                let key = self.slots[index].head;
                self.unlink(key);
                return self.release(key);
            }
            self.cascade(index);
        }
        self.now = self.now.max(now);
        None
    }

    /// The tick of the next expiry, or of one that was next and has been removed: looking in vain
    /// once is cheaper than a search for the second after every removal.
    pub(crate) fn next(&self) -> Option<u64> {
        let (level, slot) = self.earliest()?;
        Some(self.slots[level * SLOTS + slot].earliest)
    }

    fn earliest(&self) -> Option<(usize, usize)> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// Moves what is in a slot that now has reached to lower levels.
    fn cascade(&mut self, index: usize) {
        while self.slots[index].head != NIL {
            let key = self.slots[index].head;
            self.unlink(key);
            self.link(key);
        }
    }

    fn link(&mut self, key: u32) {
        let at = self.entries[key as usize].at.max(self.now);
        let differs = (at ^ self.now) | 1;
        let level = ((u64::BITS - 1 - differs.leading_zeros()) / SLOT_BITS) as usize;
        let slot = (at >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        let index = level * SLOTS + slot;
        let Slot { head, earliest } = self.slots[index];
        if let Some(entry) = self.entries.get_mut(head as usize) {
            entry.previous = key;
        }
        self.slots[index] = Slot {
            head: key,
            earliest: earliest.min(at),
        };
        self.occupied[level] |= 1 << slot;
        let entry = &mut self.entries[key as usize];
        entry.slot = index;
        entry.previous = NIL;
        entry.next = head;
    }

    fn unlink(&mut self, key: u32) {
        let Entry {
            slot,
            previous,
            next,
            ..
        } = self.entries[key as usize];
        if let Some(entry) = self.entries.get_mut(next as usize) {
            entry.previous = previous;
        }
        if let Some(entry) = self.entries.get_mut(previous as usize) {
            entry.next = next;
        } else if next == NIL {
            self.slots[slot] = EMPTY;
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        } else {
            self.slots[slot].head = next;
        }
    }

    fn release(&mut self, key: u32) -> Option<T> {
        let entry = &mut self.entries[key as usize];
        entry.next = self.free;
        self.free = key;
        entry.value.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn expires_in_order_and_never_early() {
        let mut wheel = Wheel::new(1_000);
        let mut times: Vec<u64> = (0..2_000u64)
            .map(|i| 1_000 + i.wrapping_mul(2_654_435_761) % 5_000_000)
            .collect();
        for at in &times {
            wheel.insert(*at, *at);
        }
        times.sort_unstable();
        let mut now = 1_000;
        let mut seen = Vec::new();
        while let Some(next) = wheel.next() {
            assert!(next >= now);
            now = next;
            assert_eq!(wheel.expire(now - 1), None);
            while let Some(at) = wheel.expire(now) {
                assert_eq!(at, now);
                seen.push(at);
            }
        }
        assert_eq!(seen, times);
    }

    #[test]
    fn what_is_removed_does_not_expire() {
        let mut wheel = Wheel::new(0);
        let keys: Vec<u32> = (1..100).map(|at| wheel.insert(at, at * 1_000)).collect();
        for (index, key) in keys.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
            assert_eq!(wheel.remove(*key), Some(index as u64 + 1));
        }
        let mut left = Vec::new();
        while let Some(at) = wheel.expire(1_000_000) {
            left.push(at);
        }
        left.sort_unstable();
        assert_eq!(left, (1..100).filter(|at| at % 2 == 0).collect::<Vec<_>>());
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_time_that_has_passed_expires_at_once() {
        let mut wheel = Wheel::new(0);
        assert_eq!(wheel.expire(777_777), None::<()>);
        wheel.insert((), 5);
        assert!(wheel.expire(777_777).is_some());
    }

    #[test]
    fn the_last_tick_can_be_waited_for() {
        for now in [0, LAST / 2, LAST - 1, LAST] {
            let mut wheel = Wheel::new(now);
            wheel.insert((), u64::MAX);
            assert_eq!(wheel.next(), Some(LAST));
            assert_eq!(wheel.expire(LAST - 1), None);
            assert_eq!(wheel.expire(u64::MAX), Some(()));
            assert_eq!(wheel.next(), None);
        }
    }

    #[test]
    fn a_removed_earliest_is_looked_for_at_most_once() {
        let mut wheel = Wheel::new(0);
        let first = wheel.insert(1, 10_000);
        wheel.insert(2, 10_500);
        wheel.remove(first);
        let next = wheel.next().unwrap();
        assert!((10_000..=10_500).contains(&next));
        assert_eq!(wheel.expire(next), None);
        assert_eq!(wheel.next(), Some(10_500));
        assert_eq!(wheel.expire(10_500), Some(2));
    }

    /// Against a list, with time in steps of every size.
    #[test]
    fn behaves_as_a_sorted_list() {
        let mut random = 1u64;
        let mut draw = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut now = 0u64;
        let mut wheel = Wheel::new(now);
        let mut model: Vec<(u64, u32, u64)> = Vec::new();
        for id in 0..20_000 {
            match draw(4) {
                0 | 1 => {
                    let span = 1u64 << draw(30);
                    let at = (now + draw(2 * span)).saturating_sub(span / 8);
                    model.push((at, wheel.insert(id, at), id));
                }
                2 if !model.is_empty() => {
                    let at = draw(model.len() as u64) as usize;
                    let (_, key, id) = model.swap_remove(at);
                    assert_eq!(wheel.remove(key), Some(id));
                }
                _ => {
                    let span = 1u64 << draw(26);
                    now += draw(span);
                    while let Some(id) = wheel.expire(now) {
                        let at = model.iter().position(|(.., other)| *other == id).unwrap();
                        assert!(model.swap_remove(at).0 <= now);
                    }
                    assert!(model.iter().all(|(at, ..)| *at > now));
                }
            }
            let earliest = model.iter().map(|(at, ..)| *at).min();
            assert_eq!(wheel.next().is_some(), earliest.is_some());
            assert!(wheel.next() <= earliest.map(|at| at.max(now)));
        }
    }
}
