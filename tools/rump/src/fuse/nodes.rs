//! Inodes that the host's kernel knows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rump::fs::Node;

/// What FUSE calls the root.
const ROOT: u64 = 1;

/// Inodes the host's kernel knows, each with how often it was told of it. FUSE calls an inode by its number, but the root
/// by one; so the root and what has that number change places.
pub(super) struct Nodes {
    root: Node,
    known: Mutex<HashMap<u64, (Node, u64)>>,
}

impl Nodes {
    pub(super) fn new(root: Node) -> Nodes {
        Nodes {
            root,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// What FUSE calls the inode of a number.
    pub(super) fn id_of(&self, number: u64) -> u64 {
        let root = self.root.number();
        match number {
            number if number == root => ROOT,
            ROOT => root,
            number => number,
        }
    }

    /// What FUSE calls an inode.
    pub(super) fn id(&self, node: &Node) -> u64 {
        self.id_of(node.number())
    }

    fn with<R>(&self, f: impl FnOnce(&mut HashMap<u64, (Node, u64)>) -> R) -> R {
        f(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The inode, if the host's kernel was told of it.
    pub(super) fn get(&self, id: u64) -> Option<Node> {
        if id == ROOT {
            return Some(self.root.clone());
        }
        self.with(|known| known.get(&id).map(|(node, _)| node.clone()))
    }

    /// The host's kernel is told of an inode once more.
    pub(super) fn add(&self, node: Node) {
        let id = self.id(&node);
        if id != ROOT {
            self.with(|known| known.entry(id).or_insert((node, 0)).1 += 1);
        }
    }

    /// It has forgotten so many times that it was told.
    pub(super) fn forget(&self, id: u64, count: u64) {
        let gone = self.with(|known| {
            let (_, told) = known.get_mut(&id)?;
            *told = told.saturating_sub(count);
            (*told == 0).then(|| known.remove(&id)).flatten()
        });
        // With the last who knows it an inode may end, which takes its time.
        drop(gone);
    }
}
