//! What is remembered of directories: where names are, by a sum of each, and where there is room.
//!
//! An entry that a sum leads to is read and compared, so what is remembered may say too much, but never too little. What
//! cannot be remembered, because the directory is damaged or memory is short, is searched for from the directory's begin.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Charge, Errno, Memory};
use vfs::Ino;

use crate::directory::Found;
use crate::name;

/// The most directories that are remembered.
const MOST: usize = 4;
/// What a name or a gap takes, in bytes; nodes of trees are filled to two thirds.
const BYTES: usize = 16;

/// What is remembered of one directory.
pub(crate) struct Index {
    /// Sums of names, long and short, and where the first entry of each is. Names that are equal are in the
    /// directory's order.
    names: BTreeSet<(u32, u32)>,
    /// Entries that are free: where a run begins, and how many they are. No two touch, and none touches the end.
    gaps: BTreeMap<u32, u32>,
    /// From here on all are free.
    end: u32,
    charge: Charge,
}

impl Index {
    /// That of a directory without entries.
    pub(crate) fn new(memory: &Arc<Memory>) -> Index {
        Index {
            names: BTreeSet::new(),
            gaps: BTreeMap::new(),
            end: 0,
            charge: memory.nothing(),
        }
    }

    /// Where names with this sum begin.
    fn places(&self, sum: u32) -> Vec<u32> {
        let range = (sum, 0)..=(sum, u32::MAX);
        self.names.range(range).map(|(_, first)| *first).collect()
    }

    /// The directory has this. `ENOMEM`.
    pub(crate) fn add(&mut self, one: &Found) -> Result<(), Errno> {
        self.names.extend(keys(one));
        self.recharge()
    }

    fn remove(&mut self, one: &Found) {
        for key in keys(one) {
            self.names.remove(&key);
        }
    }

    /// The next entry of the directory's, which are told one after the other, is free or not. `ENOMEM`.
    pub(crate) fn tell(&mut self, index: u32, is_free: bool) -> Result<(), Errno> {
        let gap = index - self.end;
        if is_free {
            return Ok(());
        }
        if gap > 0 {
            self.gaps.insert(self.end, gap);
        }
        self.end = index + 1;
        self.recharge()
    }

    /// The first run of so many free entries, and whether all behind it are free.
    pub(crate) fn room(&self, count: u32) -> (u32, bool) {
        let gap = self.gaps.iter().find(|(_, len)| **len >= count);
        gap.map_or((self.end, true), |(first, _)| (*first, false))
    }

    /// These entries, which [`room`](Self::room) gave, are free no more. `ENOMEM`.
    fn take(&mut self, first: u32, count: u32) -> Result<(), Errno> {
        match self.gaps.remove(&first) {
            Some(len) if len > count => {
                self.gaps.insert(first + count, len - count);
            }
            Some(_) => {}
            None => self.end = first + count,
        }
        self.recharge()
    }

    /// These entries are free again. `ENOMEM`.
    fn give(&mut self, mut first: u32, mut count: u32) -> Result<(), Errno> {
        if let Some((&before, &len)) = self.gaps.range(..first).next_back()
            && before + len == first
        {
            self.gaps.remove(&before);
            (first, count) = (before, count + len);
        }
        count += self.gaps.remove(&(first + count)).unwrap_or(0);
        match first + count == self.end {
            true => self.end = first,
            false => {
                self.gaps.insert(first, count);
            }
        }
        self.recharge()
    }

    fn recharge(&mut self) -> Result<(), Errno> {
        let bytes = (self.names.len() + self.gaps.len()) * BYTES;
        self.charge.resize(bytes)
    }
}

/// What a name is found by.
fn keys(one: &Found) -> [(u32, u32); 2] {
    let first = one.slot.first;
    [&one.name, &name::shown(&one.entry)].map(|name| (name::hash(name), first))
}

/// What is remembered of all directories, the one last used at the end.
pub(crate) struct Indexes(VecDeque<(Ino, Index)>);

impl Indexes {
    pub(crate) fn new() -> Indexes {
        Indexes(VecDeque::new())
    }

    /// What is remembered of a directory.
    pub(crate) fn of(&mut self, directory: Ino) -> Option<&Index> {
        let at = self.0.iter().position(|(other, _)| *other == directory)?;
        let used = self.0.remove(at)?;
        self.0.push_back(used);
        self.0.back().map(|(_, index)| index)
    }

    /// Where in a directory names with this sum begin, if that is known.
    pub(crate) fn places(&mut self, directory: Ino, sum: u32) -> Option<Vec<u32>> {
        self.of(directory).map(|index| index.places(sum))
    }

    /// Remembers a directory, and forgets the one that was not used for the longest time.
    pub(crate) fn remember(&mut self, directory: Ino, index: Index) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((directory, index));
    }

    /// A directory changed in a way that nobody can tell, or is gone.
    pub(crate) fn forget(&mut self, directory: Ino) {
        self.0.retain(|(other, _)| *other != directory);
    }

    /// Something came into a directory.
    pub(crate) fn came(&mut self, one: &Found) {
        self.change(one.slot.directory, |index| {
            index.take(one.slot.first, one.slot.count())?;
            index.add(one)
        });
    }

    /// Something went from a directory.
    pub(crate) fn went(&mut self, one: &Found) {
        self.change(one.slot.directory, |index| {
            index.remove(one);
            index.give(one.slot.first, one.slot.count())
        });
    }

    fn change(&mut self, directory: Ino, f: impl FnOnce(&mut Index) -> Result<(), Errno>) {
        let index = self.0.iter_mut().find(|(other, _)| *other == directory);
        if index.is_some_and(|(_, index)| f(index).is_err()) {
            self.forget(directory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Config, Kernel, System, enter};

    static SYSTEM: System = System {
        name: "test",
        devices: &[],
        components: &[&base::COMPONENT],
        params: &[],
    };

    /// Has `f` do something with what is remembered of a directory in which these entries are free.
    fn with(free: &[bool], config: &Config, f: impl FnOnce(&mut Index, &Memory)) {
        sim::reset(1);
        let kernel = Kernel::boot(&SYSTEM, config).unwrap();
        let done = enter(kernel.process(), |lwp| {
            let memory = lwp.instance().memory();
            let mut index = Index::new(memory);
            for (at, free) in (0..).zip(free) {
                index.tell(at, *free)?;
            }
            f(&mut index, memory);
            Ok(())
        });
        done.unwrap();
    }

    #[test]
    fn the_first_gap_that_is_wide_enough_is_taken() {
        let free = [false, true, false, true, true, false, true];
        with(&free, &Config::new(), |index, _| {
            assert_eq!(index.room(1), (1, false));
            assert_eq!(index.room(2), (3, false));
            assert_eq!(index.room(3), (6, true));
            index.take(3, 1).unwrap();
            assert_eq!(index.room(2), (6, true));
            index.take(6, 2).unwrap();
            assert_eq!((index.room(1), index.room(2)), ((1, false), (8, true)));
        });
    }

    #[test]
    fn gaps_that_touch_are_one() {
        with(&[false; 6], &Config::new(), |index, _| {
            for at in [1, 3, 2] {
                index.give(at, 1).unwrap();
            }
            assert_eq!(index.room(3), (1, false));
            // With the last one, all from there on is free.
            index.give(4, 2).unwrap();
            assert_eq!(index.room(1), (1, true));
            assert!(index.gaps.is_empty());
        });
    }

    #[test]
    fn what_it_takes_is_charged() {
        with(&[false], &Config::new(), |index, memory| {
            let before = memory.used();
            for at in 1..100 {
                index.tell(2 * at, false).unwrap();
            }
            assert_eq!(memory.used(), before + 99 * BYTES);
        });
    }
}
