//! A tree of the host: one that is hard on file systems, and what the host says of it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, lgetxattr, llistxattr,
    lsetxattr, mknodat, utimensat,
};
use vfs::{Device, Kind, Time};

use super::node::{Node, Tree};

/// Bytes of files: around the blocks of file systems.
const SIZES: [usize; 12] = [
    0, 1, 511, 512, 4095, 4096, 4097, 131_071, 131_072, 131_073, 500_000, 3_000_001,
];

/// What a tree is to have.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Names of any bytes, of 255, with differences in case alone; else those that all systems have.
    pub(crate) any_names: bool,
    /// What Unix knows beside files and directories: links, pipes, modes.
    pub(crate) unix: bool,
    /// Extended attributes of users.
    pub(crate) xattrs: bool,
    /// Files in the largest directory.
    pub(crate) crowd: usize,
    /// Directories inside each other.
    pub(crate) depth: usize,
}

/// Makes a tree.
pub(crate) fn plant(root: &Path, wanted: Wanted) {
    for size in SIZES {
        fs::write(root.join(format!("size{size}")), noise(size)).expect("a file");
    }
    fs::write(root.join("text"), "the same line again\n".repeat(50_000)).expect("a file");
    let sparse = File::create(root.join("sparse")).expect("a file");
    sparse
        .write_all_at(b"behind a hole", 2_000_000)
        .expect("it grows");
    sparse.set_len(5_000_000).expect("it ends with a hole");
    fs::create_dir(root.join("empty")).expect("a directory");
    let crowd = root.join("crowd");
    fs::create_dir(&crowd).expect("a directory");
    for index in 0..wanted.crowd {
        let name = format!("file number {index:05} of many");
        fs::write(crowd.join(name), index.to_string()).expect("a file");
    }
    let mut deep = root.to_owned();
    for level in 0..wanted.depth {
        deep.push(format!("deep{level}"));
        fs::create_dir(&deep).expect("a directory");
        fs::write(deep.join("here"), level.to_string()).expect("a file");
    }
    if wanted.any_names {
        names(root);
    }
    if wanted.unix {
        unix(root);
    }
    if wanted.xattrs {
        for (name, value) in [("user.short", &b"value"[..]), ("user.long", &[7; 3000])] {
            for file in ["text", "size1", "empty"] {
                lsetxattr(root.join(file), name, value, XattrFlags::empty()).expect("an attribute");
            }
        }
    }
    // Times that all can keep: even seconds, from 1982 on.
    let mut seconds = 1_000_000_000;
    for path in paths(root) {
        seconds += 7_777_777;
        let time = Timespec {
            tv_sec: 400_000_000 + seconds % 1_600_000_000 / 2 * 2,
            tv_nsec: 0,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("a time");
    }
}

fn names(root: &Path) {
    let long = "x".repeat(255);
    let names: [&[u8]; 10] = [
        b" leading and trailing ",
        b"-rf",
        b"new\nline",
        b"quote'\"\\back",
        b"not UTF-8 \xff\xfe",
        "snow\u{2603}man \u{1f600}".as_bytes(),
        b"case",
        b"CASE",
        b"...",
        long.as_bytes(),
    ];
    for name in names {
        fs::write(root.join(OsStr::from_bytes(name)), name).expect("a file");
    }
}

fn unix(root: &Path) {
    symlink("text", root.join("link")).expect("a link");
    symlink("../no/such/./thing", root.join("empty/dangling")).expect("a link");
    symlink(
        format!("/{}end", "long/".repeat(50)),
        root.join("long-link"),
    )
    .expect("a link");
    fs::hard_link(root.join("text"), root.join("crowd/the same text")).expect("a name");
    mknodat(CWD, root.join("pipe"), FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
    for mode in [0o000, 0o644, 0o4755, 0o2711, 0o7777] {
        let path = root.join(format!("mode{mode:o}"));
        fs::write(&path, "").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let directory = root.join("sticky");
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o1777)).expect("a mode");
}

/// Bytes that nothing compresses.
pub(crate) fn noise(size: usize) -> Vec<u8> {
    let mut state = size as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(|_| next()).collect()
}

/// All paths below one, and itself; directories behind what is in them.
fn paths(root: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    if fs::symlink_metadata(root).expect("it is there").is_dir() {
        for entry in fs::read_dir(root).expect("it can be read") {
            all.extend(paths(&entry.expect("an entry").path()));
        }
    }
    all.push(root.to_owned());
    all
}

/// What the host says of a tree.
pub(crate) fn tree(root: &Path) -> Tree {
    let paths = paths(root).into_iter();
    paths
        .map(|path| {
            let name = path.strip_prefix(root).expect("it is below");
            (name.as_os_str().as_bytes().to_vec(), node(&path))
        })
        .collect()
}

fn node(path: &Path) -> Node {
    let found = fs::symlink_metadata(path).expect("it is there");
    let (kind, bytes) = match found.file_type() {
        kind if kind.is_file() => (Kind::File, fs::read(path).expect("it can be read")),
        kind if kind.is_dir() => (Kind::Directory, Vec::new()),
        kind if kind.is_symlink() => {
            let target = fs::read_link(path).expect("it can be read");
            (Kind::Symlink, target.as_os_str().as_bytes().to_vec())
        }
        kind if kind.is_fifo() => (Kind::Fifo, Vec::new()),
        kind if kind.is_socket() => (Kind::Socket, Vec::new()),
        kind => {
            let device = Device {
                major: rustix::fs::major(found.rdev()),
                minor: rustix::fs::minor(found.rdev()),
            };
            match kind.is_char_device() {
                true => (Kind::Character(device), Vec::new()),
                false => (Kind::Block(device), Vec::new()),
            }
        }
    };
    Node {
        kind,
        mode: found.mode() & 0o7777,
        links: found.nlink() as u32,
        owner: (found.uid(), found.gid()),
        modified: Time {
            seconds: found.mtime(),
            nanoseconds: 0,
        },
        bytes,
        xattrs: xattrs(path),
    }
}

fn xattrs(path: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = vec![0; 65536];
    // Not every file system of the host has them.
    let len = llistxattr(path, &mut names).unwrap_or(0);
    let names = names[..len].split(|byte| *byte == 0);
    let ours = names.filter(|name| name.starts_with(b"user."));
    ours.map(|name| {
        let mut value = vec![0; 65536];
        let len = lgetxattr(path, name, &mut value).expect("it is there");
        value.truncate(len);
        (name.to_vec(), value)
    })
    .collect()
}
