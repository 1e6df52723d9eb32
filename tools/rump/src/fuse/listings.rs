//! Directories that the host's kernel is reading: what was in them when it began, so that entries that go meanwhile
//! disturb nobody, whatever the file system says of places in directories.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fuser::FileHandle;
use rump::Errno;
use rump::fs::{DirEntry, Node};

use crate::walk;

type Listing = Arc<Vec<DirEntry>>;

#[derive(Default)]
struct State {
    listings: HashMap<u64, Listing>,
    /// How many there ever were.
    count: u64,
}

/// Listings by their handles.
#[derive(Default)]
pub(super) struct Listings(Mutex<State>);

impl Listings {
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins to read a directory.
    pub(super) fn add(&self) -> FileHandle {
        self.with(|state| {
            state.count += 1;
            state.listings.insert(state.count, Listing::default());
            FileHandle(state.count)
        })
    }

    pub(super) fn remove(&self, handle: FileHandle) {
        drop(self.with(|state| state.listings.remove(&handle.0)));
    }

    /// What is in a directory: now if it is read from the start, else what was when it last was.
    pub(super) fn get(
        &self,
        handle: FileHandle,
        node: &Node,
        offset: u64,
    ) -> Result<Listing, Errno> {
        if offset > 0 {
            let known = self.with(|state| state.listings.get(&handle.0).cloned());
            return known.ok_or(Errno::EBADF);
        }
        let listing = Arc::new(walk::entries(node)?);
        let old = self.with(|state| state.listings.insert(handle.0, listing.clone()));
        drop(old);
        Ok(listing)
    }
}
