//! The file system: one directory of files that nobody changes.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Attributes, Entry, FileSystem, Ino, Kind, Place, Properties, Storage, Time, Usage};

use crate::state::{FILES, File};

const ROOT: Ino = 1;

/// The number of the first file.
const FIRST: Ino = 2;

/// `PROC_SUPER_MAGIC`: of Linux's, what is most like it.
const MAGIC: u32 = 0x9fa0;

pub(crate) struct Kernfs {
    began: Time,
}

impl Kernfs {
    pub(crate) fn new() -> Self {
        Kernfs { began: Time::now() }
    }
}

fn file(number: Ino) -> Result<&'static File, Errno> {
    let at = number.checked_sub(FIRST).ok_or(Errno::EISDIR)?;
    FILES.get(at as usize).ok_or(Errno::ESTALE)
}

impl FileSystem for Kernfs {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Nowhere,
            read_only: true,
            largest_file: i64::MAX as u64,
            longest_name: 255,
            folds_case: false,
        }
    }

    fn root(&self) -> Ino {
        ROOT
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        Ok(Usage {
            block_size: 4096,
            ..Usage::default()
        })
    }

    fn lookup(&self, _lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let mut files = FILES.iter();
        let at = files.position(|file| file.name.as_bytes() == place.name);
        at.map(|at| FIRST + at as Ino).ok_or(Errno::ENOENT)
    }

    fn attributes(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let (kind, mode, links) = match inode {
            ROOT => (Kind::Directory, 0o555, 2),
            _ => file(inode).map(|_| (Kind::File, 0o444, 1))?,
        };
        Ok(Attributes {
            number: inode,
            kind,
            mode,
            links,
            owner: 0,
            group: 0,
            // Who reads it sees how long it is.
            size: 0,
            space: 0,
            accessed: self.began,
            modified: self.began,
            changed: self.began,
            created: Some(self.began),
        })
    }

    fn entries(
        &self,
        _lwp: &Lwp<'_>,
        _directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        for (number, file) in (FIRST..).zip(&FILES).filter(|(number, _)| *number > from) {
            let entry = Entry {
                name: file.name.as_bytes(),
                number,
                kind: Some(Kind::File),
                next: number,
            };
            if !each(entry) {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, lwp: &Lwp<'_>, number: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let text = (file(number)?.text)(lwp)?;
        let from = text
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let rest = &text.as_bytes()[from..];
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn read_link(&self, _lwp: &Lwp<'_>, _link: Ino) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }
}
