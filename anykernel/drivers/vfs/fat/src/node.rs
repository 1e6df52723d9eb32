//! Inodes, which FAT does not have: what stands in a directory is one as long as somebody uses it, wherever its entry
//! goes meanwhile. Its number comes of where the entry was when it was found.

use alloc::collections::BTreeMap;

use base::Errno;
use vfs::{Ino, Time};

use crate::chain::Chain;
use crate::entry::{self, Entry};
use crate::layout::Root;
use crate::table::Table;

/// The root's number. No entry is where another would come to have it.
pub(crate) const ROOT: Ino = 1;
/// Added to a number that is in use: more than any place comes to.
const AGAIN: Ino = 1 << 44;

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) directory: Ino,
    /// Its place in the directory, with the pieces of its long name before it.
    pub(crate) first: u32,
    pub(crate) index: u32,
    /// Where it is on the disk, in bytes.
    pub(crate) place: u64,
}

impl Slot {
    /// How many entries there are with the pieces.
    pub(crate) fn count(&self) -> u32 {
        self.index - self.first + 1
    }
}

/// An inode.
pub(crate) struct Node {
    pub(crate) entry: Entry,
    /// Nowhere any more, once its name is gone; the root never was anywhere.
    pub(crate) slot: Option<Slot>,
    pub(crate) parent: Ino,
    pub(crate) chain: Chain,
}

/// All that are in use.
pub(crate) struct Nodes {
    all: BTreeMap<Ino, Node>,
    by_place: BTreeMap<u64, Ino>,
    /// Directories by their first cluster: one that is in two places is refused.
    directories: BTreeMap<u32, Ino>,
}

impl Nodes {
    pub(crate) fn new(table: &Table) -> Result<Nodes, Errno> {
        let cluster = match table.layout.root {
            Root::Fixed { .. } => 0,
            Root::Cluster(cluster) => cluster,
        };
        let root = Node {
            entry: Entry::new([b' '; 11], entry::DIRECTORY, Time::default()),
            slot: None,
            parent: ROOT,
            chain: Chain::new(table, cluster)?,
        };
        Ok(Nodes {
            all: BTreeMap::from([(ROOT, root)]),
            by_place: BTreeMap::new(),
            directories: BTreeMap::from([(cluster, ROOT)]),
        })
    }

    /// `ESTALE` for one that is not in use.
    pub(crate) fn get(&mut self, inode: Ino) -> Result<&mut Node, Errno> {
        self.all.get_mut(&inode).ok_or(Errno::ESTALE)
    }

    /// A directory. `ENOTDIR`.
    pub(crate) fn directory(&mut self, inode: Ino) -> Result<&mut Node, Errno> {
        let node = self.get(inode)?;
        match node.entry.is_directory() {
            true => Ok(node),
            false => Err(Errno::ENOTDIR),
        }
    }

    /// The number of what is at a place.
    pub(crate) fn number(&self, place: u64) -> Ino {
        if let Some(inode) = self.by_place.get(&place) {
            return *inode;
        }
        let mut number = place / entry::LEN as u64;
        while self.all.contains_key(&number) {
            number += AGAIN;
        }
        number
    }

    /// What was found is in use. `EUCLEAN` for a directory that is somewhere else, or nowhere.
    pub(crate) fn found(&mut self, table: &Table, slot: Slot, entry: Entry) -> Result<Ino, Errno> {
        let inode = self.number(slot.place);
        if self.all.contains_key(&inode) {
            return Ok(inode);
        }
        let chain = Chain::new(table, entry.cluster())?;
        if entry.is_directory() {
            let first = chain.first();
            if first == 0 || self.directories.contains_key(&first) {
                return Err(Errno::EUCLEAN);
            }
            self.directories.insert(first, inode);
        }
        let node = Node {
            entry,
            slot: Some(slot),
            parent: slot.directory,
            chain,
        };
        self.by_place.insert(slot.place, inode);
        self.all.insert(inode, node);
        Ok(inode)
    }

    /// The entry of an inode is somewhere else now, or nowhere.
    pub(crate) fn place(&mut self, inode: Ino, slot: Option<Slot>) -> Result<(), Errno> {
        let node = self.all.get_mut(&inode).ok_or(Errno::ESTALE)?;
        let old = core::mem::replace(&mut node.slot, slot);
        if let Some(slot) = slot {
            node.parent = slot.directory;
        }
        if let Some(old) = old.filter(|old| self.by_place.get(&old.place) == Some(&inode)) {
            self.by_place.remove(&old.place);
        }
        if let Some(new) = slot {
            self.by_place.insert(new.place, inode);
        }
        Ok(())
    }

    /// Nobody uses an inode any more.
    pub(crate) fn forget(&mut self, inode: Ino) -> Option<Node> {
        if inode == ROOT {
            return None;
        }
        let node = self.all.remove(&inode)?;
        if let Some(slot) = node.slot {
            self.by_place.remove(&slot.place);
        }
        if node.entry.is_directory() {
            self.directories.remove(&node.chain.first());
        }
        Some(node)
    }
}
