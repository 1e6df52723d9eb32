//! Trees of files: of the host's, and in a file system, to be made alike and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use base::Lwp;
use vfs::{Changes, Creation, Existence, FileSystem, Ino, Kind, Place, Time};

/// All that is compared of a file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) links: u32,
    pub(crate) modified: Time,
    pub(crate) contents: Contents,
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, mode, links) = (self.kind, self.mode, self.links);
        write!(
            f,
            "{what:?} {mode:o} {:?} links {links} {:?} {:?} {:?}",
            self.owner, self.modified, self.contents, self.attributes
        )
    }
}

/// What is in a file, as bytes that are no zeros, by page: so sparse files are small here, too.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Contents {
    size: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sum = self
            .pages
            .iter()
            .flat_map(|(page, bytes)| bytes.iter().map(move |byte| u64::from(*byte) * (page + 1)));
        write!(
            f,
            "{} bytes in {} pages, {:x}",
            self.size,
            self.pages.len(),
            sum.sum::<u64>()
        )
    }
}

const PAGE: usize = 4096;
const PIECE: usize = 1 << 20;

impl Contents {
    fn add(&mut self, offset: u64, bytes: &[u8]) {
        for (page, bytes) in (offset / PAGE as u64..).zip(bytes.chunks(PAGE)) {
            if bytes.iter().any(|byte| *byte != 0) {
                self.pages.insert(page, bytes.to_vec());
            }
        }
    }

    fn of(bytes: &[u8]) -> Self {
        let mut contents = Contents {
            size: bytes.len() as u64,
            ..Contents::default()
        };
        contents.add(0, bytes);
        contents
    }
}

/// Everything below, by path.
pub(crate) type Tree = BTreeMap<Vec<u8>, Node>;

fn time(seconds: i64, nanoseconds: i64) -> Time {
    Time {
        seconds,
        nanoseconds: nanoseconds as u32,
    }
}

fn device(number: u64) -> vfs::Device {
    vfs::Device {
        major: rustix::fs::major(number),
        minor: rustix::fs::minor(number),
    }
}

/// What the host has below a directory.
pub(crate) fn of_host(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let kind = Kind::of_bits(meta.mode(), device(meta.rdev())).unwrap();
        let contents = match kind {
            Kind::File => {
                let file = fs::File::open(&path).unwrap();
                let mut contents = Contents {
                    size: meta.len(),
                    ..Contents::default()
                };
                let mut piece = vec![0; PIECE];
                let mut offset = 0;
                // The end is where there is no data any more.
                while let Ok(data) = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(offset)) {
                    offset = data / PAGE as u64 * PAGE as u64;
                    let len = file.read_at(&mut piece, offset).unwrap();
                    contents.add(offset, &piece[..len]);
                    offset += len as u64;
                }
                contents
            }
            Kind::Symlink => Contents::of(fs::read_link(&path).unwrap().as_os_str().as_bytes()),
            Kind::Directory => {
                paths.extend(
                    fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
                Contents::default()
            }
            _ => Contents::default(),
        };
        let mut attributes = BTreeMap::new();
        let mut names = vec![0; 4096];
        if kind != Kind::Symlink
            && let Ok(len) = rustix::fs::llistxattr(&path, &mut names[..])
        {
            for name in names[..len]
                .split(|byte| *byte == 0)
                .filter(|name| name.starts_with(b"user."))
            {
                let mut value = vec![0; 65536];
                let len =
                    rustix::fs::lgetxattr(&path, OsStr::from_bytes(name), &mut value[..]).unwrap();
                attributes.insert(name.to_vec(), value[..len].to_vec());
            }
        }
        let name = path
            .strip_prefix(root)
            .unwrap()
            .as_os_str()
            .as_bytes()
            .to_vec();
        tree.insert(
            name,
            Node {
                kind,
                mode: meta.mode() & 0o7777,
                owner: (meta.uid(), meta.gid()),
                links: meta.nlink() as u32,
                modified: time(meta.mtime(), meta.mtime_nsec()),
                contents,
                attributes,
            },
        );
    }
    tree
}

/// All entries of a directory, a few at a time, as system calls take them. No name may come twice.
pub(crate) fn list(
    lwp: &Lwp<'_>,
    fs: &dyn FileSystem,
    directory: Ino,
    at_once: usize,
) -> BTreeMap<Vec<u8>, Ino> {
    let mut all = BTreeMap::new();
    let mut from = 0;
    loop {
        let mut taken = 0;
        fs.entries(lwp, directory, from, &mut |entry| {
            if taken == at_once {
                return false;
            }
            taken += 1;
            from = entry.next;
            let before = all.insert(entry.name.to_vec(), entry.number);
            assert_eq!(
                before,
                None,
                "{} twice",
                String::from_utf8_lossy(entry.name)
            );
            true
        })
        .unwrap();
        if taken < at_once {
            return all;
        }
    }
}

/// What a file system has below its root.
pub(crate) fn of_file_system(lwp: &Lwp<'_>, fs: &dyn FileSystem) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![(Vec::new(), fs.root(), fs.root())];
    while let Some((path, number, parent)) = open.pop() {
        let known = fs.attributes(lwp, number).unwrap_or_else(|errno| {
            panic!("{}: {errno}", String::from_utf8_lossy(&path));
        });
        assert_eq!(known.number, number);
        let contents = match known.kind {
            Kind::File => read(lwp, fs, number, known.size),
            Kind::Symlink => {
                let said = fs.read_link(lwp, number).unwrap();
                assert_eq!(said.len() as u64, known.size);
                Contents::of(&said)
            }
            Kind::Directory => {
                let above = Place {
                    directory: number,
                    name: b"..",
                };
                assert_eq!(fs.lookup(lwp, above), Ok(parent));
                for (name, child) in list(lwp, fs, number, 77) {
                    let place = Place {
                        directory: number,
                        name: &name,
                    };
                    assert_eq!(fs.lookup(lwp, place), Ok(child));
                    let mut path = path.clone();
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend(name);
                    open.push((path, child, number));
                }
                Contents::default()
            }
            _ => Contents::default(),
        };
        let names = fs.xattrs(lwp, number).unwrap();
        let attributes = names.into_iter().map(|name| {
            let value = fs.xattr(lwp, number, &name).unwrap();
            (name, value)
        });
        tree.insert(
            path,
            Node {
                kind: known.kind,
                mode: known.mode,
                owner: (known.owner, known.group),
                links: known.links,
                modified: known.modified,
                contents,
                attributes: attributes.collect(),
            },
        );
    }
    tree
}

/// Reads a file, but for what is said to be holes; and a piece of each of those.
fn read(lwp: &Lwp<'_>, fs: &dyn FileSystem, file: Ino, size: u64) -> Contents {
    let mut contents = Contents {
        size,
        ..Contents::default()
    };
    let mut piece = vec![0xee; PIECE];
    let mut at = 0;
    while at < size {
        let data = fs.seek(lwp, file, at, false).unwrap_or(size);
        if data > at {
            let len = piece.len().min((data - at) as usize);
            assert_eq!(fs.read(lwp, file, at, &mut piece[..len]), Ok(len));
            assert!(
                piece[..len].iter().all(|byte| *byte == 0),
                "a hole of {file}, at {at}"
            );
        }
        // Whole pages at a time, since that is what is compared.
        at = data / PAGE as u64 * PAGE as u64;
        let hole = if data < size {
            fs.seek(lwp, file, data, true).unwrap()
        } else {
            size
        };
        while at < hole {
            let len = piece.len().min((size - at) as usize);
            let len = fs.read(lwp, file, at, &mut piece[..len]).unwrap();
            assert_ne!(len, 0, "{file} ends at {at} of {size}");
            let mut again = vec![0xee; len];
            let mut pages: Vec<_> = again.chunks_mut(PAGE).collect();
            assert_eq!(fs.read_pieces(lwp, file, at, &mut pages), Ok(len));
            assert!(again == piece[..len], "pieces of {file}, at {at}");
            contents.add(at, &piece[..len]);
            at += len as u64;
        }
    }
    contents
}

/// Says what differs.
pub(crate) fn assert_same(ours: &Tree, theirs: &Tree) {
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        let (one, other) = (ours.get(name), theirs.get(name));
        let name = String::from_utf8_lossy(name);
        assert!(one == other, "{name}:\n   {one:?}\nnot {other:?}");
    }
}

/// Makes all of a tree in a file system, from a directory of the host's.
pub(crate) fn copy(lwp: &Lwp<'_>, fs: &dyn FileSystem, root: &Path, tree: &Tree) {
    let mut made: BTreeMap<&[u8], Ino> = BTreeMap::new();
    let mut linked: BTreeMap<(u64, u64), Ino> = BTreeMap::new();
    for (path, node) in tree {
        if path.is_empty() {
            made.insert(path, fs.root());
            continue;
        }
        let split = path.iter().rposition(|byte| *byte == b'/');
        let (directory, name) =
            split.map_or((&b""[..], &path[..]), |at| (&path[..at], &path[at + 1..]));
        let place = Place {
            directory: made[directory],
            name,
        };
        let meta = fs::symlink_metadata(root.join(OsStr::from_bytes(path))).unwrap();
        let identity = (meta.dev(), meta.ino());
        if let Some(other) = linked.get(&identity) {
            fs.link(lwp, *other, place).unwrap();
            continue;
        }
        let target = match node.kind {
            Kind::Symlink => node.contents.pages.get(&0).cloned().unwrap_or_default(),
            _ => Vec::new(),
        };
        let new = Creation {
            kind: node.kind,
            target: &target,
            mode: node.mode,
            owner: node.owner.0,
            group: node.owner.1,
            time: time(1, 2),
        };
        let number = fs.create(lwp, place, &new).unwrap_or_else(|errno| {
            panic!("{}: {errno}", String::from_utf8_lossy(path));
        });
        if node.kind != Kind::Directory {
            linked.insert(identity, number);
        }
        if node.kind == Kind::File {
            for (page, bytes) in &node.contents.pages {
                fs.write(lwp, number, page * PAGE as u64, bytes).unwrap();
            }
            let changes = Changes {
                size: Some(node.contents.size),
                ..Changes::default()
            };
            fs.change(lwp, number, &changes).unwrap();
        }
        for (name, value) in &node.attributes {
            fs.set_xattr(lwp, number, name, Some(value), Existence::New)
                .unwrap();
        }
        made.insert(path, number);
    }
    // At last, and what is in them before directories: all that was made changes their times.
    for (path, node) in tree.iter().rev() {
        let Some(number) = made.get(&path[..]) else {
            continue;
        };
        let changes = Changes {
            modified: Some(node.modified),
            mode: Some(node.mode),
            owner: Some(node.owner.0),
            group: Some(node.owner.1),
            ..Changes::default()
        };
        fs.change(lwp, *number, &changes).unwrap();
        fs.forget(lwp, *number).unwrap();
    }
}

/// A tree with everything that is hard, on the host.
pub(crate) fn make_nasty(root: &Path, many: usize) {
    let write = |name: &[u8], bytes: &[u8]| {
        let path = root.join(OsStr::from_bytes(name));
        fs::write(&path, bytes).unwrap();
        path
    };
    for name in [
        &b" "[..],
        b"-rf",
        b"a\nb",
        b"\xff\xfe",
        b"*",
        b"?",
        b"\\",
        b"'\"",
        "ä".as_bytes(),
        b"...",
        b".hidden",
        b"\x01\x7f",
    ] {
        write(name, name);
    }
    write(&[b'n'; 255], b"long");
    write(b"empty", b"");
    for size in [1, 1023, 1024, 1025, 4095, 4096, 4097, 65536, 300_000] {
        let bytes: Vec<u8> = (0..size)
            .map(|at: usize| (at * 31 + at / 251) as u8)
            .collect();
        write(format!("size-{size}").as_bytes(), &bytes);
    }
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    for at in [0, 70_000, 5 << 20, (3 << 30) + 123] {
        sparse.write_all_at(b"here", at).unwrap();
    }
    sparse.set_len((6 << 30) + 1).unwrap();
    // One extent after the other.
    let comb = fs::File::create(root.join("comb")).unwrap();
    for tooth in 0..400 {
        comb.write_all_at(&[tooth as u8 | 1; 10], tooth * 8192)
            .unwrap();
    }
    fs::hard_link(root.join("comb"), root.join("comb-again")).unwrap();
    std::os::unix::fs::symlink("empty", root.join("short")).unwrap();
    std::os::unix::fs::symlink("x".repeat(59), root.join("in-the-inode")).unwrap();
    std::os::unix::fs::symlink("x".repeat(60), root.join("in-a-block")).unwrap();
    std::os::unix::fs::symlink("y/".repeat(500), root.join("long-link")).unwrap();
    let mut deep = root.to_owned();
    for depth in 0..60 {
        deep.push(format!("d{depth}"));
        fs::create_dir(&deep).unwrap();
    }
    fs::write(deep.join("bottom"), b"reached").unwrap();
    let crowd = root.join("many");
    fs::create_dir(&crowd).unwrap();
    for number in 0..many {
        fs::write(
            crowd.join(format!("a file whose name has some length {number:05}")),
            [],
        )
        .unwrap();
    }
    for (mode, name) in [
        (0o4755, "setuid"),
        (0o2755, "setgid"),
        (0o000, "nothing"),
        (0o1777, "sticky"),
    ] {
        fs::write(root.join(name), name).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let attributes = write(b"attributes", b"with some");
    let _ = rustix::fs::lsetxattr(
        &attributes,
        "user.short",
        b"value",
        rustix::fs::XattrFlags::empty(),
    );
    let _ = rustix::fs::lsetxattr(
        &attributes,
        "user.none",
        b"",
        rustix::fs::XattrFlags::empty(),
    );
    let _ = rustix::fs::lsetxattr(
        &attributes,
        "user.long",
        &[7; 700],
        rustix::fs::XattrFlags::empty(),
    );
    // These take rights.
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    for (name, kind, number) in [
        ("fifo", FileType::Fifo, 0),
        ("character", FileType::CharacterDevice, makedev(1, 3)),
        ("block", FileType::BlockDevice, makedev(259, 70_000)),
        ("socket", FileType::Socket, 0),
    ] {
        let _ = mknodat(
            CWD,
            root.join(name),
            kind,
            Mode::from_raw_mode(0o640),
            number,
        );
    }
    let old = fs::FileTimes::new()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(5_000_000_000, 123_456_789));
    fs::File::options()
        .write(true)
        .open(root.join("empty"))
        .unwrap()
        .set_times(old)
        .unwrap();
}
