//! From an image to an archive.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rump::Errno;
use rump::fs::{File, FileType};
use tar::{Builder, EntryType, Header};

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::item;
use crate::output::Output;
use crate::walk::{Found, Step, Walk};

/// Writes trees as an archive. Names in it are paths from the root.
pub(super) fn create(
    image: &Image,
    paths: &[Vec<u8>],
    to: impl Write,
    output: &mut Output,
) -> Result<()> {
    let mut archive = Builder::new(to);
    // What has several names is there once, and then by links to that.
    let mut firsts = HashMap::new();
    for path in paths {
        let trail = match image.find(path, false) {
            Ok(trail) => trail,
            Err(errno) => {
                output.problem(Failure::at(path, errno));
                continue;
            }
        };
        for step in Walk::new(trail.node().clone(), &trail.path()) {
            match step {
                Step::Left => {}
                Step::Failed(path, errno) => output.problem(Failure::at(&path, errno)),
                Step::Found(found) => {
                    if let Err(error) = add(&mut archive, &found, &mut firsts) {
                        match error
                            .get_ref()
                            .is_some_and(|inner| inner.is::<Unreadable>())
                        {
                            true => output.problem(Failure::Problem(error.to_string())),
                            false => return Err(error.into()),
                        }
                    }
                }
            }
        }
    }
    Ok(archive.finish()?)
}

/// The image's fault, not the archive's.
#[derive(Debug)]
struct Unreadable(String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}

fn unreadable(path: &[u8]) -> impl Fn(Errno) -> io::Error {
    move |errno| io::Error::other(Unreadable(Failure::at(path, errno).to_string()))
}

fn add(
    archive: &mut Builder<impl Write>,
    found: &Found,
    firsts: &mut HashMap<u64, Vec<u8>>,
) -> io::Result<()> {
    let stat = found.metadata.stat();
    let path = found.path.strip_prefix(b"/").unwrap_or(&found.path);
    let path = if path.is_empty() { b"." } else { path };
    let name = Path::new(OsStr::from_bytes(path));
    let mut header = Header::new_gnu();
    header.set_mode(found.metadata.mode());
    header.set_uid(stat.user.into());
    header.set_gid(stat.group.into());
    header.set_mtime(u64::try_from(stat.modified.seconds).unwrap_or(0));
    header.set_size(0);
    if let Some(first) = firsts.get(&stat.inode).filter(|_| !found.node.is_dir()) {
        header.set_entry_type(EntryType::Link);
        return link(archive, &mut header, name, first);
    }
    let says = unreadable(&found.path);
    if matches!(found.node.file_type(), FileType::File | FileType::Directory) {
        attributes(archive, found)?;
    }
    match found.node.file_type() {
        FileType::File => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(stat.size);
            let contents = Contents {
                file: found.node.read().map_err(&says)?,
                at: 0,
                size: stat.size,
                says: &says,
                failed: None,
            };
            let mut contents = contents;
            archive.append_data(&mut header, name, &mut contents)?;
            // It has its length in any case: an archive goes on behind it.
            if let Some(error) = contents.failed {
                return Err(error);
            }
        }
        FileType::Directory => {
            header.set_entry_type(EntryType::Directory);
            archive.append_data(&mut header, name, io::empty())?;
        }
        FileType::Symlink => {
            header.set_entry_type(EntryType::Symlink);
            let target = found.node.read_link().map_err(&says)?;
            link(archive, &mut header, name, &target)?;
        }
        FileType::Fifo => {
            header.set_entry_type(EntryType::Fifo);
            archive.append_data(&mut header, name, io::empty())?;
        }
        kind @ (FileType::CharacterDevice | FileType::BlockDevice) => {
            header.set_entry_type(match kind {
                FileType::BlockDevice => EntryType::Block,
                _ => EntryType::Char,
            });
            let [major, minor] = item::device(&found.metadata).unwrap_or_default();
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
            archive.append_data(&mut header, name, io::empty())?;
        }
        FileType::Socket | FileType::Other => return Err(says(Errno::EOPNOTSUPP)),
    }
    if stat.links > 1 && !found.node.is_dir() {
        firsts.insert(stat.inode, path.to_vec());
    }
    Ok(())
}

/// A link to exactly these bytes; what the header has no room for stands before it.
fn link(
    archive: &mut Builder<impl Write>,
    header: &mut Header,
    name: &Path,
    target: &[u8],
) -> io::Result<()> {
    const ROOM: usize = 100;
    if target.len() > ROOM {
        archive.append_pax_extensions([("linkpath", target)])?;
    }
    header.set_link_name_literal(&target[..target.len().min(ROOM)])?;
    archive.append_data(header, name, io::empty())
}

/// Extended attributes, as GNU tar has them.
fn attributes(archive: &mut Builder<impl Write>, found: &Found) -> io::Result<()> {
    let says = unreadable(&found.path);
    let mut all = Vec::new();
    for name in found.node.xattrs().map_err(&says)? {
        let value = found.node.xattr(&name).map_err(&says)?;
        // What is no UTF-8 has no place in such a header.
        if let Ok(name) = String::from_utf8(name) {
            all.push((format!("SCHILY.xattr.{name}"), value));
        }
    }
    match all.is_empty() {
        true => Ok(()),
        false => {
            archive.append_pax_extensions(all.iter().map(|(name, value)| (&name[..], &value[..])))
        }
    }
}

/// A file, exactly as long as it says it is: zeros are in place of what cannot be read.
struct Contents<'a> {
    file: File,
    at: u64,
    size: u64,
    says: &'a dyn Fn(Errno) -> io::Error,
    failed: Option<io::Error>,
}

impl Read for Contents<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let buffer = &mut buffer[..most];
        let count = match self.failed {
            Some(_) => 0,
            None => match self.file.read_at(buffer, self.at) {
                Ok(count) => count,
                Err(errno) => {
                    self.failed = Some((self.says)(errno));
                    0
                }
            },
        };
        let count = match count {
            0 => {
                let failed = &mut self.failed;
                failed.get_or_insert_with(|| (self.says)(Errno::EIO));
                buffer.fill(0);
                most
            }
            count => count,
        };
        self.at += count as u64;
        Ok(count)
    }
}
