//! From an archive to an image.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rump::Errno;
use rump::fs::{Changes, Device, Kind, Node, OpenOptions, Time};
use tar::{Archive, Entry, EntryType};

use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::output::Output;
use crate::progress::Progress;

/// Bytes written at once.
const PIECE: usize = 1 << 20;

/// Writes all files of an archive below a directory. Nothing in it leads out of that: names go down only, and links on
/// the way are no directories.
pub(super) fn extract(from: impl Read, to: &Node, output: &mut Output) -> Result<()> {
    let mut archive = Archive::new(from);
    let damaged = |error| Failure::Problem(format!("the archive: {error}"));
    let mut buffer = vec![0; PIECE];
    // Directories get their times when nothing is written into them any more.
    let mut directories = Vec::new();
    let progress = Progress::new("copied");
    for entry in archive.entries().map_err(damaged)? {
        if interrupt::is_wanted() {
            break;
        }
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path_bytes().into_owned();
        match one(&mut entry, to, &mut buffer, &progress) {
            Ok(Some(node)) if node.is_dir() => directories.push((node, changes(&entry))),
            Ok(Some(node)) => {
                if let Err(errno) = node.change(&changes(&entry)) {
                    output.problem(Failure::at(&path, errno));
                }
            }
            Ok(None) => {}
            Err(Trouble::Image(errno)) => output.problem(Failure::at(&path, errno)),
            Err(Trouble::Archive(error)) => return Err(damaged(error)),
        }
    }
    for (node, changes) in directories.iter().rev() {
        if let Err(errno) = node.change(changes) {
            output.problem(errno);
        }
    }
    progress.finish();
    Ok(())
}

enum Trouble {
    Image(Errno),
    Archive(std::io::Error),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Trouble::Image(errno)
    }
}

/// The directory that a path in the archive is in, made if need be, and the last name; nothing for the top itself.
fn place<'p>(to: &Node, path: &'p Path) -> std::result::Result<Option<(Node, &'p [u8])>, Errno> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name.as_bytes()),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::EINVAL),
        }
    }
    let Some(last) = names.pop() else {
        return Ok(None);
    };
    let mut at = to.clone();
    for name in names {
        at = match at.lookup(name) {
            Err(Errno::ENOENT) => at.create(name, Kind::Directory, 0o755, &[])?,
            found => found?,
        };
        if !at.is_dir() {
            return Err(Errno::ENOTDIR);
        }
    }
    Ok(Some((at, last)))
}

/// Makes one; nothing for a further name, which has its attributes.
fn one(
    entry: &mut Entry<'_, impl Read>,
    to: &Node,
    buffer: &mut [u8],
    progress: &Progress,
) -> std::result::Result<Option<Node>, Trouble> {
    let path = entry.path().map_err(Trouble::Archive)?.into_owned();
    let Some((directory, name)) = place(to, &path)? else {
        return Ok(Some(to.clone()));
    };
    let kind = entry.header().entry_type();
    if !kind.is_dir() {
        match directory.remove(name, false) {
            Err(Errno::ENOENT) => {}
            removed => removed?,
        }
    }
    let linked = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
    let linked = linked.unwrap_or_default();
    let device = |entry: &Entry<'_, _>| {
        let number = |number: std::io::Result<Option<u32>>| Ok(number?.unwrap_or_default());
        let header = entry.header();
        let major = number(header.device_major()).map_err(Trouble::Archive)?;
        let minor = number(header.device_minor()).map_err(Trouble::Archive)?;
        Ok::<_, Trouble>(Device { major, minor })
    };
    let node = match kind {
        EntryType::Directory => match directory.create(name, Kind::Directory, 0o755, &[]) {
            Err(Errno::EEXIST) => {
                let there = directory.lookup(name)?;
                match there.is_dir() {
                    true => there,
                    false => return Err(Errno::EEXIST.into()),
                }
            }
            made => made?,
        },
        EntryType::Link => {
            let target = Path::new(std::ffi::OsStr::from_bytes(&linked));
            let (above, old) = place(to, target)?.ok_or(Errno::EPERM)?;
            above.lookup(old)?.link(&directory, name)?;
            return Ok(None);
        }
        EntryType::Symlink => directory.create(name, Kind::Symlink, 0o777, &linked)?,
        EntryType::Fifo => directory.create(name, Kind::Fifo, 0o600, &[])?,
        EntryType::Char => directory.create(name, Kind::Character(device(entry)?), 0o600, &[])?,
        EntryType::Block => directory.create(name, Kind::Block(device(entry)?), 0o600, &[])?,
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let node = directory.create(name, Kind::File, 0o600, &[])?;
            contents(entry, &node, buffer, progress)?;
            node
        }
        _ => return Err(Errno::EOPNOTSUPP.into()),
    };
    attributes(entry, &node)?;
    Ok(Some(node))
}

fn contents(
    entry: &mut Entry<'_, impl Read>,
    node: &Node,
    buffer: &mut [u8],
    progress: &Progress,
) -> std::result::Result<(), Trouble> {
    let file = node.open_with(OpenOptions::new().write(true))?;
    progress.file();
    loop {
        let count = entry.read(buffer).map_err(Trouble::Archive)?;
        if count == 0 {
            return Ok(());
        }
        if interrupt::is_wanted() {
            return Err(Errno::EINTR.into());
        }
        file.write_all(&buffer[..count])?;
        progress.bytes(count as u64);
    }
}

/// Extended attributes, as GNU tar has them.
fn attributes(entry: &mut Entry<'_, impl Read>, node: &Node) -> std::result::Result<(), Trouble> {
    let Some(extensions) = entry.pax_extensions().map_err(Trouble::Archive)? else {
        return Ok(());
    };
    for extension in extensions {
        let extension = extension.map_err(Trouble::Archive)?;
        let name = extension.key_bytes().strip_prefix(b"SCHILY.xattr.");
        if let Some(name) = name {
            match node.set_xattr(name, extension.value_bytes(), 0) {
                // There they have none.
                Err(Errno::EOPNOTSUPP) => return Ok(()),
                set => set?,
            }
        }
    }
    Ok(())
}

/// Mode, owner and time of an entry.
fn changes(entry: &Entry<'_, impl Read>) -> Changes {
    let header = entry.header();
    let id = |id: std::io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok());
    let time = header.mtime().ok().map(|seconds| Time {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanoseconds: 0,
    });
    let is_link = header.entry_type() == EntryType::Symlink;
    Changes {
        mode: header
            .mode()
            .ok()
            .filter(|_| !is_link)
            .map(|mode| mode & 0o7777),
        owner: id(header.uid()),
        group: id(header.gid()),
        accessed: time,
        modified: time,
        ..Changes::default()
    }
}
