//! A mounted ISO 9660. A directory's number is where it begins, anything else's is where its record stands: so there is
//! nothing to remember but where directories are.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Failure, Lwp};
use bio::Volume;
use vfs::{Attributes, Entry, FileSystem, Ino, Kind, Place, Places, Properties, Storage, Usage};

use crate::directory::entries;
use crate::image::{Image, Names, SECTOR, Wanted};
use crate::names;
use crate::record::Record;
use crate::rock_ridge::{LONGEST_NAME, RockRidge};

/// Permissions where nobody says any: everybody may read, and nobody write.
const MODE: u32 = 0o555;
/// The most pieces of a file: at 4 GiB each, more than anybody has.
const MOST_PIECES: usize = 4096;

/// Linux's number for it.
const MAGIC: u32 = 0x9660;

/// A mounted ISO 9660.
pub(crate) struct Iso9660 {
    image: Image,
    places: Places,
}

/// What is known of an inode.
struct Inode {
    kind: Kind,
    len: u64,
    time: vfs::Time,
    rock_ridge: RockRidge,
}

impl Iso9660 {
    /// Mounts what is on a volume.
    pub(crate) fn mount(
        lwp: &Lwp<'_>,
        volume: Arc<Volume>,
        wanted: Wanted,
    ) -> Result<Iso9660, Failure> {
        let image = Image::open(lwp, volume, wanted)?;
        Ok(Iso9660 {
            places: Places::new(image.root),
            image,
        })
    }

    fn inode(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Inode, Errno> {
        let raw = self.image.record(lwp, inode)?;
        let record = Record::parse(&raw)?;
        let rock_ridge = match self.image.names {
            Names::RockRidge { skip } => {
                let area = record.system_use.get(skip..).unwrap_or(&[]);
                RockRidge::read(lwp, &self.image, area)?
            }
            _ => RockRidge::default(),
        };
        let kind = match record.is_self() {
            true => Kind::Directory,
            false => rock_ridge.kind_of_file()?,
        };
        let len = match kind {
            Kind::Directory => u64::from(self.image.directory(lwp, inode)?),
            Kind::File => self.pieces(lwp, inode)?.iter().map(|piece| piece.1).sum(),
            _ => 0,
        };
        Ok(Inode {
            kind,
            len,
            time: record.time,
            rock_ridge,
        })
    }

    /// Where the bytes of a file are: places and lengths. Records of a file that has several follow each other.
    fn pieces(&self, lwp: &Lwp<'_>, file: Ino) -> Result<Vec<(u64, u64)>, Errno> {
        let mut pieces = Vec::new();
        let mut at = file;
        while pieces.len() < MOST_PIECES {
            let raw = self.image.record(lwp, at)?;
            if raw[0] == 0 {
                // The next one did not fit into this sector.
                at = (at / SECTOR as u64 + 1) * SECTOR as u64;
                if pieces.is_empty() || self.image.record(lwp, at)?[0] == 0 {
                    break;
                }
                continue;
            }
            let record = Record::parse(&raw)?;
            if record.is_self() || record.is_directory() {
                break;
            }
            if record.interleaved {
                return Err(Errno::EOPNOTSUPP);
            }
            pieces.push((self.image.place(record.block), u64::from(record.len)));
            if !record.goes_on() {
                return Ok(pieces);
            }
            at += u64::from(raw[0]);
        }
        Err(Errno::EUCLEAN)
    }

    fn same(&self, one: &[u8], other: &[u8]) -> bool {
        match self.image.names {
            Names::Joliet => names::same(one, other),
            _ => one == other,
        }
    }
}

impl FileSystem for Iso9660 {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Medium,
            read_only: true,
            largest_file: i64::MAX as u64,
            longest_name: LONGEST_NAME as u32,
            folds_case: self.image.names == Names::Joliet,
        }
    }

    fn root(&self) -> Ino {
        self.image.root
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        Ok(Usage {
            block_size: self.image.block_size,
            blocks: u64::from(self.image.blocks),
            ..Usage::default()
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let mut found = None;
        entries(lwp, &self.image, place.directory, 0, &mut |entry| {
            if self.same(&entry.name, place.name) {
                found = Some((entry.number, entry.kind));
            }
            found.is_none()
        })?;
        let (inode, kind) = found.ok_or(Errno::ENOENT)?;
        if kind == Some(Kind::Directory) {
            self.image.directory(lwp, inode)?;
            self.places.found(inode, place.directory)?;
        }
        Ok(inode)
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let Inode {
            kind,
            len,
            time,
            rock_ridge,
        } = self.inode(lwp, inode)?;
        let posix = rock_ridge.posix;
        let modified = rock_ridge.modified.unwrap_or(time);
        let target = rock_ridge.target.map_or(0, |target| target.len() as u64);
        Ok(Attributes {
            number: inode,
            kind,
            mode: posix.map_or(MODE, |posix| posix.mode & 0o7777),
            links: posix.map_or(1, |posix| posix.links),
            owner: posix.map_or(0, |posix| posix.owner),
            group: posix.map_or(0, |posix| posix.group),
            size: match kind {
                Kind::Symlink => target,
                _ => len,
            },
            space: len.next_multiple_of(u64::from(self.image.block_size)),
            accessed: rock_ridge.accessed.unwrap_or(modified),
            modified,
            changed: rock_ridge.changed.unwrap_or(modified),
            created: rock_ridge.created,
        })
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        entries(lwp, &self.image, directory, from, &mut |entry| {
            each(Entry {
                name: &entry.name,
                number: entry.number,
                kind: entry.kind,
                next: entry.next,
            })
        })
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let mut done = 0;
        // Where in the file a piece begins.
        let mut begin = 0;
        for (at, len) in self.pieces(lwp, file)? {
            let within = (offset + done as u64).checked_sub(begin);
            begin += len;
            if let Some(within) = within.filter(|within| *within < len) {
                let left = usize::try_from(len - within).unwrap_or(usize::MAX);
                let to = &mut to[done..];
                let take = left.min(to.len());
                self.image.read(lwp, at + within, &mut to[..take])?;
                done += take;
            }
        }
        Ok(done)
    }

    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        self.inode(lwp, link)?
            .rock_ridge
            .target
            .ok_or(Errno::EINVAL)
    }

    fn forget(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        self.places.forget(inode);
        Ok(())
    }
}
