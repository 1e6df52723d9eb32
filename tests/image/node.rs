//! Trees of files: what is known of each, to be compared with another reader's view of the same tree.

use std::collections::BTreeMap;

use base::{Errno, Lwp};
use vfs::{Attributes, FileSystem, Ino, Kind, Place, Time};

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) kind: Kind,
    /// Permissions.
    pub(crate) mode: u32,
    /// Names it has.
    pub(crate) links: u32,
    /// Who owns it, and which group.
    pub(crate) owner: (u32, u32),
    /// When it was last changed.
    pub(crate) modified: Time,
    /// What is in it, or what a symbolic link says.
    pub(crate) bytes: Vec<u8>,
    /// Extended attributes.
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A tree, by paths; the root is the empty one.
pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

/// Panics with the first difference of two trees, which is told shortly.
pub(crate) fn compare(ours: &Tree, theirs: &Tree) {
    let names = |tree: &Tree| tree.keys().map(|path| text(path)).collect::<Vec<_>>();
    for path in theirs.keys() {
        assert!(ours.contains_key(path), "{} is missing", text(path));
    }
    assert_eq!(names(ours), names(theirs));
    for (path, node) in theirs {
        let ours = &ours[path];
        let path = text(path);
        let first = ours.bytes.iter().zip(&node.bytes).position(|(a, b)| a != b);
        assert_eq!(first, None, "{path} differs at this byte");
        assert_eq!(ours.bytes.len(), node.bytes.len(), "bytes of {path}");
        let short = |node: &Node| Node {
            bytes: Vec::new(),
            ..node.clone()
        };
        assert_eq!(short(ours), short(node), "{path}");
    }
}

/// A path to show.
pub(crate) fn text(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

/// Reads all of a mounted file system.
pub(crate) fn tree(lwp: &Lwp<'_>, fs: &dyn FileSystem) -> Result<Tree, Errno> {
    let mut tree = Tree::new();
    let mut left = vec![(Vec::new(), fs.root())];
    while let Some((path, number)) = left.pop() {
        let node = node(lwp, fs, number)?;
        if node.kind == Kind::Directory {
            for name in names(lwp, fs, number)? {
                let directory = number;
                let place = Place {
                    directory,
                    name: &name,
                };
                let child = fs.lookup(lwp, place)?;
                let path = match path.is_empty() {
                    true => name,
                    false => [&path[..], b"/", &name].concat(),
                };
                left.push((path, child));
            }
        }
        tree.insert(path, node);
    }
    Ok(tree)
}

/// The names in a directory, a few at a time as `getdents64` reads them.
pub(crate) fn names(
    lwp: &Lwp<'_>,
    fs: &dyn FileSystem,
    directory: Ino,
) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    let mut from = 0;
    loop {
        let mut room = 37;
        fs.entries(lwp, directory, from, &mut |entry| {
            if room == 0 {
                return false;
            }
            room -= 1;
            names.push(entry.name.to_vec());
            from = entry.next;
            true
        })?;
        if room > 0 {
            return Ok(names);
        }
    }
}

fn node(lwp: &Lwp<'_>, fs: &dyn FileSystem, number: Ino) -> Result<Node, Errno> {
    let found: Attributes = fs.attributes(lwp, number)?;
    assert_eq!(found.number, number);
    let bytes = match found.kind {
        Kind::File => read(lwp, fs, number, found.size)?,
        Kind::Symlink => fs.read_link(lwp, number)?,
        _ => Vec::new(),
    };
    if matches!(found.kind, Kind::File | Kind::Symlink) {
        assert_eq!(bytes.len() as u64, found.size);
    }
    let mut xattrs = BTreeMap::new();
    for name in fs.xattrs(lwp, number).or_else(no_xattrs)? {
        let value = fs.xattr(lwp, number, &name)?;
        xattrs.insert(name, value);
    }
    Ok(Node {
        kind: found.kind,
        mode: found.mode,
        links: found.links,
        owner: (found.owner, found.group),
        modified: found.modified,
        bytes,
        xattrs,
    })
}

fn no_xattrs(errno: Errno) -> Result<Vec<Vec<u8>>, Errno> {
    match errno {
        Errno::EOPNOTSUPP => Ok(Vec::new()),
        _ => Err(errno),
    }
}

/// Reads all of a file, in pieces that fit no block.
pub(crate) fn read(
    lwp: &Lwp<'_>,
    fs: &dyn FileSystem,
    file: Ino,
    size: u64,
) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; 70_001];
    while (bytes.len() as u64) < size {
        let len = fs.read(lwp, file, bytes.len() as u64, &mut piece)?;
        assert_ne!(len, 0, "the end is not before the size");
        bytes.extend(&piece[..len]);
    }
    assert_eq!(fs.read(lwp, file, size, &mut piece), Ok(0));
    // And once more from the middle, which is another way to the same blocks.
    let middle = size / 2;
    let len = fs.read(lwp, file, middle, &mut piece)?;
    assert_eq!(piece[..len], bytes[middle as usize..][..len]);
    Ok(bytes)
}
