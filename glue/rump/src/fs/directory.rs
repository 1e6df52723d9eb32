//! Entries of directories.

use alloc::vec::Vec;

use syscall::{Dirent, DirentsOut};
use vfs::syscalls;

use crate::fs::{File, FileType};
use crate::{Kernel, Result};

/// Entries taken at once.
const AT_ONCE: usize = 256;

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name.
    pub name: Vec<u8>,
    /// The inode's number.
    pub inode: u64,
    /// What it is, if the directory says so.
    pub file_type: Option<FileType>,
}

/// The entries of a directory but `.` and `..`, as it gives them.
#[derive(Debug)]
pub struct ReadDir {
    directory: File,
    taken: alloc::vec::IntoIter<DirEntry>,
    ended: bool,
}

/// The entries of a directory.
pub fn read_dir(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<ReadDir> {
    let directory = File::open(kernel, path)?;
    Ok(ReadDir {
        directory,
        taken: Vec::new().into_iter(),
        ended: false,
    })
}

impl ReadDir {
    fn take_more(&mut self) -> Result<()> {
        let more = self.directory.take_entries()?;
        self.ended = more.is_none();
        self.taken = more.unwrap_or_default().into_iter();
        Ok(())
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.taken.next() {
                return Some(Ok(entry));
            }
            if self.ended {
                return None;
            }
            if let Err(errno) = self.take_more() {
                self.ended = true;
                return Some(Err(errno));
            }
        }
    }
}

impl File {
    /// All entries of an open directory but `.` and `..`.
    pub fn entries(&self) -> Result<Vec<DirEntry>> {
        self.seek(super::SeekFrom::Start(0))?;
        let mut all = Vec::new();
        while let Some(more) = self.take_entries()? {
            all.extend(more);
        }
        Ok(all)
    }

    /// The next entries; nothing at the end.
    fn take_entries(&self) -> Result<Option<Vec<DirEntry>>> {
        let mut entries = Vec::new();
        let mut count = 0;
        let mut take = |entry: &Dirent<'_>| {
            if count == AT_ONCE {
                return None;
            }
            count += 1;
            if entry.name != b"." && entry.name != b".." {
                let file_type = FileType::of_bits(u32::from(entry.kind) << 12);
                entries.push(DirEntry {
                    name: entry.name.to_vec(),
                    inode: entry.inode,
                    file_type: Some(file_type).filter(|kind| *kind != FileType::Other),
                });
            }
            Some(1)
        };
        let taken =
            self.call(|lwp, fd| syscalls::getdents64(lwp, fd, DirentsOut::new(&mut take)))?;
        Ok((taken > 0).then_some(entries))
    }
}
