//! A host with files that only have names and what they were called first for contents. It is the test's thread's.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use hypercall::{Bytes, BytesMut, Errno, HostChanges, HostFile, HostFs, HostUsage};

/// What the host remembers.
#[derive(Default)]
pub(super) struct Host {
    /// Files by path, with their numbers; directories are those that files are in.
    files: BTreeMap<String, u64>,
    hidden: BTreeSet<String>,
    next: u64,
    /// Handles, and what each stands for.
    pub(super) open: BTreeMap<u64, (String, u64)>,
    /// The most there ever were.
    pub(super) most: usize,
    /// One answer to everything.
    pub(super) odd: Option<i64>,
}

extern crate std;

std::thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

pub(super) fn host<R>(f: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with_borrow_mut(f)
}

pub(super) fn reset() {
    host(|host| *host = Host::default());
}

impl Host {
    /// Makes a file anew, with the directory it is in.
    pub(super) fn put(&mut self, path: &str) {
        if let Some((directory, _)) = path.rsplit_once('/')
            && !self.files.contains_key(directory)
        {
            self.put(directory);
        }
        self.next += 1;
        self.files.insert(path.to_string(), self.next);
    }

    /// Has a name stand for nothing, or for what it stood for.
    pub(super) fn hide(&mut self, path: &str, hidden: bool) {
        match hidden {
            true => self.hidden.insert(path.to_string()),
            false => self.hidden.remove(path),
        };
    }

    fn about(&self, path: &str, number: u64) -> HostFile {
        let inside = format!("{path}/");
        let is_directory =
            path.is_empty() || self.files.keys().any(|other| other.starts_with(&inside));
        HostFile {
            device: 1,
            number: number + 2,
            mode: if is_directory { 0o040755 } else { 0o100644 },
            links: 1,
            size: path.len() as u64,
            ..HostFile::default()
        }
    }

    fn open(&mut self, path: String, number: u64, file: &mut HostFile) -> i64 {
        *file = self.about(&path, number);
        self.next += 1;
        file.handle = self.next;
        self.open.insert(self.next, (path, number));
        self.most = self.most.max(self.open.len());
        self.next as i64
    }
}

fn answer(f: impl FnOnce(&mut Host) -> Result<i64, Errno>) -> i64 {
    host(|host| match host.odd {
        Some(odd) => odd,
        None => f(host).unwrap_or_else(Errno::to_answer),
    })
}

fn with(handle: u64, f: impl FnOnce(&mut Host, String, u64) -> Result<i64, Errno>) -> i64 {
    answer(|host| {
        let (path, number) = host.open.get(&handle).cloned().ok_or(Errno::EBADF)?;
        f(host, path, number)
    })
}

fn refuse(_: u64) -> i64 {
    answer(|_| Err(Errno::EPERM))
}

struct Platform;

impl HostFs for Platform {
    fn attach(_path: Bytes<'_>, root: &mut HostFile) -> i64 {
        answer(|host| Ok(host.open(String::new(), 0, root)))
    }

    fn detach(_root: u64) {
        host(|host| host.open.clear());
    }

    fn find(directory: u64, name: Bytes<'_>, file: &mut HostFile) -> i64 {
        with(directory, |host, path, _| {
            let name = core::str::from_utf8(name.as_slice()).map_err(|_| Errno::EINVAL)?;
            let path = format!("{path}/{name}").trim_start_matches('/').to_string();
            match host.files.get(&path).copied() {
                Some(number) if !host.hidden.contains(&path) => Ok(host.open(path, number, file)),
                _ => Err(Errno::ENOENT),
            }
        })
    }

    fn close(file: u64) {
        host(|host| host.open.remove(&file));
    }

    fn look(file: u64, about: &mut HostFile) -> i64 {
        with(file, |host, path, number| {
            *about = host.about(&path, number);
            Ok(0)
        })
    }

    fn entries(directory: u64, _from: u64, mut to: BytesMut<'_>) -> i64 {
        to.as_mut_slice().fill(0xff);
        refuse(directory)
    }

    fn read(file: u64, offset: u64, mut to: BytesMut<'_>) -> i64 {
        with(file, |_, path, _| {
            let rest: Vec<u8> = path.bytes().skip(offset as usize).collect();
            let to = to.as_mut_slice();
            let count = rest.len().min(to.len());
            to[..count].copy_from_slice(&rest[..count]);
            Ok(count as i64)
        })
    }

    fn write(file: u64, _offset: u64, _from: Bytes<'_>) -> i64 {
        refuse(file)
    }

    fn read_link(link: u64, _to: BytesMut<'_>) -> i64 {
        refuse(link)
    }

    fn change(file: u64, _changes: &HostChanges) -> i64 {
        refuse(file)
    }

    fn create(
        directory: u64,
        _name: Bytes<'_>,
        _mode: u32,
        _target: Bytes<'_>,
        _file: &mut HostFile,
    ) -> i64 {
        refuse(directory)
    }

    fn link(file: u64, _directory: u64, _name: Bytes<'_>) -> i64 {
        refuse(file)
    }

    fn remove(directory: u64, _name: Bytes<'_>, _is_directory: bool) -> i64 {
        refuse(directory)
    }

    fn rename(directory: u64, _: Bytes<'_>, _to: u64, _: Bytes<'_>, _exchange: bool) -> i64 {
        refuse(directory)
    }

    fn reserve(file: u64, _offset: u64, _len: u64, _punch: bool) -> i64 {
        refuse(file)
    }

    fn seek(file: u64, _offset: u64, _hole: bool) -> i64 {
        refuse(file)
    }

    fn xattr(file: u64, _name: Bytes<'_>, _to: BytesMut<'_>) -> i64 {
        refuse(file)
    }

    fn set_xattr(file: u64, _name: Bytes<'_>, _value: Bytes<'_>, _flags: u32) -> i64 {
        refuse(file)
    }

    fn usage(file: u64, usage: &mut HostUsage) -> i64 {
        with(file, |_, _, _| {
            usage.block_size = 4096;
            usage.longest_name = 255;
            Ok(0)
        })
    }

    fn sync(file: u64, _data_only: bool) -> i64 {
        refuse(file)
    }

    fn sync_all(_file: u64) -> i64 {
        answer(|_| Ok(0))
    }
}

hypercall::hostfs!(Platform);
