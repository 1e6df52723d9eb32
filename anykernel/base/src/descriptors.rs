//! The table of a process's descriptors: the lowest free one is the next.
//!
//! Closes nothing: what leaves the table is the caller's, who releases it when no lock is held.

use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::Fd;

use crate::{Charge, Errno, Memory, OpenFile};

/// The most descriptors a process may have.
pub(crate) const MAX_FILES: usize = 1 << 20;

/// How many places a table begins with.
const FIRST: usize = 8;

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) open: Arc<OpenFile>,
    pub(crate) close_on_exec: bool,
}

/// The entries, by descriptor.
pub(crate) struct Descriptors {
    entries: Vec<Option<Entry>>,
    /// No descriptor below is free.
    full_below: usize,
    charge: Charge,
}

/// Why an entry found no place, and the entry.
pub(crate) type Refused = (Errno, Entry);

fn index(fd: Fd) -> Option<usize> {
    usize::try_from(fd.0).ok()
}

impl Descriptors {
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        Descriptors {
            entries: Vec::new(),
            full_below: 0,
            charge: memory.nothing(),
        }
    }

    /// The entry of a descriptor. `EBADF` if there is none.
    pub(crate) fn get(&self, fd: Fd) -> Result<&Entry, Errno> {
        let place = index(fd).and_then(|at| self.entries.get(at));
        place.and_then(Option::as_ref).ok_or(Errno::EBADF)
    }

    /// The entry of a descriptor, to be changed. `EBADF` if there is none.
    pub(crate) fn get_mut(&mut self, fd: Fd) -> Result<&mut Entry, Errno> {
        let place = index(fd).and_then(|at| self.entries.get_mut(at));
        place.and_then(Option::as_mut).ok_or(Errno::EBADF)
    }

    /// Adds an entry at the lowest free descriptor from `least` on. `EMFILE` if there is none.
    pub(crate) fn insert(&mut self, entry: Entry, least: usize) -> Result<usize, Refused> {
        let from = least.max(self.full_below);
        let free = (from..self.entries.len()).find(|at| self.entries[*at].is_none());
        let at = free.unwrap_or(from.max(self.entries.len()));
        if at >= MAX_FILES {
            return Err((Errno::EMFILE, entry));
        }
        self.replace(at, entry)?;
        if least <= self.full_below {
            self.full_below = at + 1;
        }
        Ok(at)
    }

    /// Puts an entry in a place, and returns what was there. `ENOMEM` if the table cannot grow so far.
    pub(crate) fn replace(&mut self, at: usize, entry: Entry) -> Result<Option<Entry>, Refused> {
        match self.grow(at + 1) {
            Ok(()) => Ok(self.entries[at].replace(entry)),
            Err(errno) => Err((errno, entry)),
        }
    }

    fn grow(&mut self, len: usize) -> Result<(), Errno> {
        if len <= self.entries.len() {
            return Ok(());
        }
        let capacity = self.entries.capacity();
        if len > capacity {
            let wanted = len.max(2 * capacity).max(FIRST);
            self.charge.resize(wanted * size_of::<Option<Entry>>())?;
            let more = wanted - self.entries.len();
            if self.entries.try_reserve_exact(more).is_err() {
                self.charge.resize(capacity * size_of::<Option<Entry>>())?;
                return Err(Errno::ENOMEM);
            }
        }
        self.entries.resize_with(len, || None);
        Ok(())
    }

    /// Takes the entry of a descriptor out. `EBADF` if there is none.
    pub(crate) fn remove(&mut self, fd: Fd) -> Result<Entry, Errno> {
        let at = index(fd).ok_or(Errno::EBADF)?;
        let place = self.entries.get_mut(at).ok_or(Errno::EBADF)?;
        let entry = place.take().ok_or(Errno::EBADF)?;
        self.full_below = self.full_below.min(at);
        Ok(entry)
    }

    /// Takes all entries out.
    pub(crate) fn clear(&mut self) -> impl Iterator<Item = Entry> + use<> {
        let old = core::mem::take(&mut self.entries);
        self.full_below = 0;
        // Less never fails.
        let _ = self.charge.resize(0);
        old.into_iter().flatten()
    }

    /// All entries, with their descriptors.
    pub(crate) fn copy(&self) -> Vec<(usize, Entry)> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter_map(|(at, entry)| Some((at, entry.clone()?)))
            .collect()
    }
}
