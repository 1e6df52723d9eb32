//! Walks through trees: what is in a directory, and in those in it. Symbolic links are not followed.

use std::vec;

use rump::Errno;
use rump::fs::{DirEntry, Metadata, Node};

use crate::interrupt;

/// Entries asked for at once.
const AT_ONCE: usize = 4096;

/// The entries of a directory, by name.
pub(crate) fn entries(directory: &Node) -> Result<Vec<DirEntry>, Errno> {
    let mut all = Vec::new();
    let mut from = 0;
    loop {
        let some = directory.entries(from, AT_ONCE)?;
        let Some((_, next)) = some.last() else {
            break;
        };
        from = *next;
        all.extend(some.into_iter().map(|(entry, _)| entry));
    }
    all.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// A step of a walk.
pub(crate) enum Step {
    /// Something there is. Of a directory, what is in it comes next, then [`Left`](Step::Left).
    Found(Found),
    /// The last directory that was found and not left yet is left.
    Left,
    /// Something that cannot be looked at.
    Failed(Vec<u8>, Errno),
}

/// Something in a tree.
pub(crate) struct Found {
    /// Its path, which begins as that of the walk does.
    pub(crate) path: Vec<u8>,
    /// How many directories it is in that the walk found.
    pub(crate) depth: usize,
    pub(crate) node: Node,
    pub(crate) metadata: Metadata,
}

struct Level {
    node: Node,
    path: Vec<u8>,
    entries: vec::IntoIter<DirEntry>,
}

/// A walk through a tree: a directory before what is in it, all in the order of names. It ends early if an end is wanted.
pub(crate) struct Walk {
    levels: Vec<Level>,
    next: Option<Step>,
}

/// A path with one more name.
pub(crate) fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(path.len() + 1 + name.len());
    joined.extend_from_slice(path);
    if !path.is_empty() && !path.ends_with(b"/") {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined
}

impl Walk {
    /// Begins at something; `path` is what it is called.
    pub(crate) fn new(start: Node, path: &[u8]) -> Walk {
        let mut walk = Walk {
            levels: Vec::new(),
            next: None,
        };
        walk.next = Some(walk.found(start, path.to_vec()));
        walk
    }

    /// Does not look into the directory that was found last.
    pub(crate) fn do_not_enter(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.entries = Vec::new().into_iter();
        }
    }

    /// Forgets the directory that was found last: it is not looked into, and not left.
    pub(crate) fn abandon(&mut self) {
        self.levels.pop();
    }

    /// How many names are left in the directory that was found last.
    pub(crate) fn left(&self) -> usize {
        self.levels.last().map_or(0, |level| level.entries.len())
    }

    fn found(&mut self, node: Node, path: Vec<u8>) -> Step {
        let metadata = match node.metadata() {
            Ok(metadata) => metadata,
            Err(errno) => return Step::Failed(path, errno),
        };
        let depth = self.levels.len();
        if node.is_dir() {
            let entries = match entries(&node) {
                Ok(entries) => entries,
                Err(errno) => return Step::Failed(path, errno),
            };
            self.levels.push(Level {
                node: node.clone(),
                path: path.clone(),
                entries: entries.into_iter(),
            });
        }
        Step::Found(Found {
            path,
            depth,
            node,
            metadata,
        })
    }
}

impl Iterator for Walk {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if interrupt::is_wanted() {
            return None;
        }
        if let Some(step) = self.next.take() {
            return Some(step);
        }
        let level = self.levels.last_mut()?;
        let Some(entry) = level.entries.next() else {
            self.levels.pop();
            return Some(Step::Left);
        };
        let path = join(&level.path, &entry.name);
        Some(match level.node.lookup(&entry.name) {
            Ok(node) => self.found(node, path),
            Err(errno) => Step::Failed(path, errno),
        })
    }
}
