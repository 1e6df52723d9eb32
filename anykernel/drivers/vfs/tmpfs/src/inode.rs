//! An inode: its attributes, and what its kind has beside.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::Charge;
use hashbrown::HashMap;
use vfs::{Attributes, Ino, Kind};

/// The entries of a directory.
#[derive(Default)]
pub(crate) struct Entries {
    by_name: HashMap<Arc<[u8]>, (u64, Ino)>,
    in_order: BTreeMap<u64, (Arc<[u8]>, Ino)>,
    /// Where the last one was put.
    last: u64,
}

impl Entries {
    pub(crate) fn get(&self, name: &[u8]) -> Option<Ino> {
        self.by_name.get(name).map(|(_, number)| *number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Adds a name that is not there.
    pub(crate) fn insert(&mut self, name: &[u8], number: Ino) {
        self.last += 1;
        let name: Arc<[u8]> = name.into();
        self.in_order.insert(self.last, (name.clone(), number));
        self.by_name.insert(name, (self.last, number));
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Ino> {
        let (place, number) = self.by_name.remove(name)?;
        self.in_order.remove(&place);
        Some(number)
    }

    /// Has a name that is there stand for another inode.
    pub(crate) fn replace(&mut self, name: &[u8], number: Ino) -> Option<Ino> {
        let (place, old) = self.by_name.get_mut(name)?;
        if let Some((_, entry)) = self.in_order.get_mut(place) {
            *entry = number;
        }
        Some(core::mem::replace(old, number))
    }

    /// The entries behind a place, each with its own.
    pub(crate) fn behind(&self, place: u64) -> impl Iterator<Item = (u64, &[u8], Ino)> {
        let rest = self.in_order.range(place.saturating_add(1)..);
        rest.map(|(place, (name, number))| (*place, &**name, *number))
    }
}

pub(crate) struct Inode {
    pub(crate) attributes: Attributes,
    pub(crate) entries: Entries,
    /// What a symbolic link says.
    pub(crate) target: Box<[u8]>,
    /// The directory a directory is in.
    pub(crate) parent: Ino,
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// For all of it.
    pub(crate) charge: Charge,
}

impl Inode {
    pub(crate) fn is_directory(&self) -> bool {
        self.attributes.kind == Kind::Directory
    }
}
