//! Deadlines, the earliest first: a binary heap whose members know their place, so that one can be taken
//! out.

use alloc::vec::Vec;

/// Where something is that is not in the heap.
pub(super) const NOWHERE: usize = usize::MAX;

/// Something that remembers its place.
pub(super) trait Placed: Copy {
    fn place(&self) -> usize;
    fn set_place(&self, place: usize);
}

/// The heap.
pub(super) struct Deadlines<T>(Vec<(u64, T)>);

impl<T: Placed> Deadlines<T> {
    pub(super) const fn new() -> Self {
        Deadlines(Vec::new())
    }

    /// Makes room for as many. False if there is no memory for that.
    pub(super) fn reserve(&mut self, total: usize) -> bool {
        let more = total.saturating_sub(self.0.len());
        self.0.try_reserve(more).is_ok()
    }

    /// The earliest.
    #[inline]
    pub(super) fn first(&self) -> Option<(u64, T)> {
        self.0.first().copied()
    }

    /// Adds one, for which there is room.
    pub(super) fn add(&mut self, deadline: u64, item: T) {
        self.0.push((deadline, item));
        self.rise(self.0.len() - 1);
    }

    /// Takes one out, if it is in.
    pub(super) fn remove(&mut self, item: T) {
        let place = item.place();
        if place == NOWHERE {
            return;
        }
        self.0.swap_remove(place);
        item.set_place(NOWHERE);
        if place < self.0.len() {
            let place = self.sink(place);
            self.rise(place);
        }
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.0[parent].0 <= self.0[place].0 {
                break;
            }
            self.swap(place, parent);
            place = parent;
        }
        self.0[place].1.set_place(place);
    }

    /// Where it came to rest.
    fn sink(&mut self, mut place: usize) -> usize {
        loop {
            let children = 2 * place + 1..(2 * place + 3).min(self.0.len());
            let Some(child) = children.min_by_key(|child| self.0[*child].0) else {
                break;
            };
            if self.0[place].0 <= self.0[child].0 {
                break;
            }
            self.swap(place, child);
            place = child;
        }
        self.0[place].1.set_place(place);
        place
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.0.swap(a, b);
        self.0[a].1.set_place(a);
        self.0[b].1.set_place(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    impl Placed for &Cell<usize> {
        fn place(&self) -> usize {
            self.get()
        }

        fn set_place(&self, place: usize) {
            self.set(place);
        }
    }

    #[test]
    fn they_come_out_in_order_and_any_can_be_taken_out() {
        let items: Vec<_> = (0..200).map(|_| Cell::new(NOWHERE)).collect();
        let deadline = |index: usize| (index * 7919 % 199) as u64;
        let mut heap = Deadlines::new();
        assert!(heap.reserve(items.len()));
        for (index, item) in items.iter().enumerate() {
            heap.add(deadline(index), item);
        }
        for item in items.iter().step_by(3) {
            heap.remove(item);
            heap.remove(item);
        }
        let mut left: Vec<u64> = (0..200).filter(|i| i % 3 != 0).map(deadline).collect();
        left.sort_unstable();
        let mut found = Vec::new();
        while let Some((deadline, item)) = heap.first() {
            assert_eq!(item.place(), 0);
            heap.remove(item);
            found.push(deadline);
        }
        assert_eq!(found, left);
        assert!(items.iter().all(|item| item.get() == NOWHERE));
    }
}
