//! From the host to an image.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rump::Errno;
use rump::fs::{Changes, Device, File, Kind, Node, OpenOptions, Time};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, SeekFrom, Stat};

use super::{Copying, PIECE};
use crate::failure::Result;
use crate::interrupt;
use crate::shown::shown;
use crate::walk;

/// What has several names: device and inode on the host, and what was made of it.
type Firsts = HashMap<(u64, u64), Node>;

/// Copies a tree of the host to a name in a directory of an image.
pub(crate) fn into_image(
    copying: &mut Copying<'_>,
    from: (BorrowedFd<'_>, &[u8]),
    path: &[u8],
    to: &Node,
    name: &[u8],
) -> Result<()> {
    let mut copy = Into {
        copying,
        firsts: HashMap::new(),
        buffer: vec![0; PIECE],
    };
    copy.one(from.0, from.1, path, to, name);
    Ok(())
}

struct Into<'a, 'b> {
    copying: &'a mut Copying<'b>,
    firsts: Firsts,
    buffer: Vec<u8>,
}

fn on_host(errno: rustix::io::Errno) -> String {
    format!("on the host: {errno}")
}

fn in_image(errno: Errno) -> String {
    format!("in the image: {errno}")
}

/// A new inode of a name; what has it already, and is no directory, loses it.
fn replace(
    directory: &Node,
    name: &[u8],
    kind: Kind,
    mode: u32,
    target: &[u8],
) -> std::result::Result<Node, Errno> {
    match directory.create(name, kind, mode, target) {
        Err(Errno::EEXIST) if kind == Kind::Directory => {
            let there = directory.lookup(name)?;
            there.is_dir().then_some(there).ok_or(Errno::EEXIST)
        }
        Err(Errno::EEXIST) => {
            directory.remove(name, false)?;
            directory.create(name, kind, mode, target)
        }
        made => made,
    }
}

impl Into<'_, '_> {
    /// Copies one thing, and says what goes wrong.
    fn one(&mut self, at: BorrowedFd<'_>, own: &[u8], path: &[u8], to: &Node, name: &[u8]) {
        if interrupt::is_wanted() {
            return;
        }
        if let Err(what) = self.try_one(at, own, path, to, name) {
            let problem = format!("{}: {what}", shown(path));
            self.copying.output.problem(problem);
        }
    }

    fn try_one(
        &mut self,
        at: BorrowedFd<'_>,
        own: &[u8],
        path: &[u8],
        to: &Node,
        name: &[u8],
    ) -> std::result::Result<(), String> {
        let stat = fs::statat(at, own, AtFlags::SYMLINK_NOFOLLOW).map_err(on_host)?;
        let identity = (stat.st_dev, stat.st_ino);
        let kind = FileType::from_raw_mode(stat.st_mode);
        if let Some(first) = self.firsts.get(&identity) {
            match first.link(to, name) {
                Err(Errno::EEXIST) => {
                    to.remove(name, false).map_err(in_image)?;
                    first.link(to, name).map_err(in_image)?;
                }
                linked => linked.map_err(in_image)?,
            }
            return Ok(());
        }
        let node = match kind {
            FileType::Directory => return self.directory(at, own, path, to, name, &stat),
            FileType::RegularFile => return self.file(at, own, to, name, &stat, identity),
            FileType::Symlink => {
                let target = fs::readlinkat(at, own, Vec::new()).map_err(on_host)?;
                replace(to, name, Kind::Symlink, 0o777, target.as_bytes()).map_err(in_image)?
            }
            FileType::Fifo => replace(to, name, Kind::Fifo, 0o600, &[]).map_err(in_image)?,
            FileType::CharacterDevice | FileType::BlockDevice if self.copying.keep.all => {
                let device = Device {
                    major: fs::major(stat.st_rdev),
                    minor: fs::minor(stat.st_rdev),
                };
                let kind = match kind {
                    FileType::CharacterDevice => Kind::Character(device),
                    _ => Kind::Block(device),
                };
                replace(to, name, kind, 0o600, &[]).map_err(in_image)?
            }
            _ => return Err("no file that can be copied; devices come with -a".to_owned()),
        };
        self.dress(&node, None, &stat)?;
        self.remember(&node, &stat, identity);
        Ok(())
    }

    fn remember(&mut self, node: &Node, stat: &Stat, identity: (u64, u64)) {
        if stat.st_nlink > 1 {
            self.firsts.insert(identity, node.clone());
        }
    }

    fn directory(
        &mut self,
        at: BorrowedFd<'_>,
        own: &[u8],
        path: &[u8],
        to: &Node,
        name: &[u8],
        stat: &Stat,
    ) -> std::result::Result<(), String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = fs::openat(at, own, flags, Mode::empty()).map_err(on_host)?;
        let node = replace(to, name, Kind::Directory, 0o700, &[]).map_err(in_image)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&open).map_err(on_host)? {
            let name = entry.map_err(on_host)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort_unstable();
        for name in names {
            let path = walk::join(path, &name);
            self.one(open.as_fd(), &name, &path, &node, &name);
        }
        self.dress(&node, Some(&open), stat)
    }

    fn file(
        &mut self,
        at: BorrowedFd<'_>,
        own: &[u8],
        to: &Node,
        name: &[u8],
        stat: &Stat,
        identity: (u64, u64),
    ) -> std::result::Result<(), String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = fs::openat(at, own, flags, Mode::empty()).map_err(on_host)?;
        let node = replace(to, name, Kind::File, 0o600, &[]).map_err(in_image)?;
        self.copying.progress.file();
        let file = node.open_with(OpenOptions::new().write(true));
        let end = self.contents(&open, &file.map_err(in_image)?)?;
        if end < stat.st_size as u64 {
            let changes = Changes {
                size: Some(stat.st_size as u64),
                ..Changes::default()
            };
            node.change(&changes).map_err(in_image)?;
        }
        self.dress(&node, Some(&open), stat)?;
        self.remember(&node, stat, identity);
        Ok(())
    }

    /// Copies all but holes; where the last byte ends that is not in one.
    fn contents(&mut self, from: &OwnedFd, to: &File) -> std::result::Result<u64, String> {
        use rustix::io::Errno as Host;
        let mut at = 0;
        loop {
            at = match fs::seek(from, SeekFrom::Data(at)) {
                Err(Host::NXIO) => return Ok(at),
                data => data.map_err(on_host)?,
            };
            let end = fs::seek(from, SeekFrom::Hole(at)).map_err(on_host)?;
            while at < end {
                if interrupt::is_wanted() {
                    return Err(format!("interrupted at byte {at}; the rest is missing"));
                }
                let most = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
                let buffer = &mut self.buffer[..most];
                let count = rustix::io::pread(from, &mut *buffer, at).map_err(on_host)?;
                if count == 0 {
                    return Ok(at);
                }
                let mut bytes = &buffer[..count];
                while !bytes.is_empty() {
                    let written = to.write_at(bytes, at).map_err(in_image)?;
                    bytes = &bytes[written..];
                    at += written as u64;
                }
                self.copying.progress.bytes(count as u64);
            }
        }
    }

    /// Gives what was made what the host's has beside its contents.
    fn dress(
        &mut self,
        node: &Node,
        open: Option<&OwnedFd>,
        stat: &Stat,
    ) -> std::result::Result<(), String> {
        let keep = self.copying.keep;
        if let Some(open) = open {
            xattrs(node, open, keep)?;
        }
        let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        let time = |seconds: i64, nanoseconds: i64| Time {
            seconds,
            nanoseconds: nanoseconds as u32,
        };
        let changes = Changes {
            mode: (!is_link).then(|| keep.mode(stat.st_mode)),
            owner: keep.all.then_some(stat.st_uid),
            group: keep.all.then_some(stat.st_gid),
            accessed: Some(time(stat.st_atime, stat.st_atime_nsec as i64)),
            modified: Some(time(stat.st_mtime, stat.st_mtime_nsec as i64)),
            ..Changes::default()
        };
        match node.change(&changes) {
            // FAT and the like have no such things.
            Err(Errno::EPERM | Errno::EOPNOTSUPP) if !keep.all => Ok(()),
            changed => changed.map_err(in_image),
        }
    }
}

fn xattrs(node: &Node, open: &OwnedFd, keep: super::Keep) -> std::result::Result<(), String> {
    let mut names = vec![0; 64 * 1024];
    let len = match fs::flistxattr(open, &mut names) {
        Err(rustix::io::Errno::OPNOTSUPP) => 0,
        len => len.map_err(on_host)?,
    };
    let mut value = vec![0; 64 * 1024];
    for name in names[..len].split(|byte| *byte == 0) {
        if name.is_empty() || !keep.xattr(name) {
            continue;
        }
        let len = fs::fgetxattr(open, name, &mut value).map_err(on_host)?;
        match node.set_xattr(name, &value[..len], 0) {
            // There they have none.
            Err(Errno::EOPNOTSUPP) => return Ok(()),
            set => set.map_err(in_image)?,
        }
    }
    Ok(())
}
