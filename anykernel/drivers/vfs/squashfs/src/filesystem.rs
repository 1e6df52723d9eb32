//! A mounted squashfs. An inode's number is its reference, one more of it, so that none is zero: so there is nothing to
//! remember but where directories are.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Charge, Errno, Failure, Lwp};
use bio::Volume;
use vfs::{Attributes, Entry, FileSystem, Ino, Place, Places, Properties, Storage, Time, Usage};

use crate::bytes::u32_at;
use crate::contents::{Contents, Steps};
use crate::directory::LONGEST_NAME;
use crate::image::{Cursor, Image, METADATA};
use crate::inode::{self, Content, Directory, Inode};
use crate::searches::Searches;
use crate::superblock::Superblock;
use crate::xattr;

/// Linux's number for it.
const MAGIC: u32 = 0x7371_7368;

/// A mounted squashfs.
pub(crate) struct Squashfs {
    image: Image,
    /// Of users and groups.
    owners: Vec<u32>,
    places: Places,
    steps: Steps,
    searches: Searches,
    _caches: Charge,
}

impl Squashfs {
    /// Mounts what is on a volume.
    pub(crate) fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Squashfs, Failure> {
        let image = Image::new(volume.clone(), Superblock::read(lwp, &volume)?);
        let caches = lwp.instance().memory().charge(image.most_kept())?;
        let owners = owners(lwp, &image)
            .map_err(|errno| Failure::new(errno, "byte 48: the table of owners is none"))?;
        let root = image.superblock.root;
        let is_directory = Inode::read(lwp, &image, root)
            .is_ok_and(|inode| matches!(inode.content, Content::Directory(_)));
        if !is_directory {
            return Err(Failure::new(
                Errno::EUCLEAN,
                "byte 32: the root is no directory",
            ));
        }
        Ok(Squashfs {
            image,
            owners,
            places: Places::new(number(root)),
            steps: Steps::new(),
            searches: Searches::new(),
            _caches: caches,
        })
    }

    fn inode(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Inode, Errno> {
        Inode::read(lwp, &self.image, reference(inode))
    }

    fn directory(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Directory, Errno> {
        match self.inode(lwp, inode)?.content {
            Content::Directory(directory) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn contents(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Contents<'_>, Errno> {
        match self.inode(lwp, inode)?.content {
            Content::File(file) => Ok(Contents {
                image: &self.image,
                steps: &self.steps,
                reference: reference(inode),
                file,
            }),
            Content::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    fn owner(&self, index: u16) -> Result<u32, Errno> {
        let owner = self.owners.get(usize::from(index));
        owner.copied().ok_or(Errno::EUCLEAN)
    }
}

/// The number of the inode of a reference.
fn number(reference: u64) -> Ino {
    reference.wrapping_add(1)
}

fn reference(inode: Ino) -> u64 {
    inode.wrapping_sub(1)
}

fn owners(lwp: &Lwp<'_>, image: &Image) -> Result<Vec<u32>, Errno> {
    let Superblock {
        owners,
        owner_table,
        ..
    } = image.superblock;
    let mut all = Vec::new();
    let mut left = usize::from(owners) * 4;
    for block in 0.. {
        if left == 0 {
            break;
        }
        let len = left.min(METADATA);
        let at = image.listed(lwp, owner_table, block)?;
        let raw = Cursor::new(at, 0).bytes(lwp, image, len)?;
        all.extend(raw.chunks_exact(4).map(|raw| u32_at(raw, 0)));
        left -= len;
    }
    Ok(all)
}

impl FileSystem for Squashfs {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Medium,
            read_only: true,
            largest_file: i64::MAX as u64,
            longest_name: LONGEST_NAME as u32,
            folds_case: false,
        }
    }

    fn root(&self) -> Ino {
        number(self.image.superblock.root)
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        let superblock = &self.image.superblock;
        Ok(Usage {
            block_size: superblock.block_size,
            blocks: superblock.size.div_ceil(u64::from(superblock.block_size)),
            free_blocks: 0,
            inodes: u64::from(superblock.inodes),
            free_inodes: 0,
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let directory = self.directory(lwp, place.directory)?;
        let reference = reference(place.directory);
        let found = directory.find(lwp, &self.image, &self.searches, reference, place.name)?;
        let inode = number(found.ok_or(Errno::ENOENT)?);
        if let Content::Directory(_) = self.inode(lwp, inode)?.content {
            self.places.found(inode, place.directory)?;
        }
        Ok(inode)
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let found = self.inode(lwp, inode)?;
        let (size, space) = match &found.content {
            Content::File(file) => (file.size, file.size.saturating_sub(file.holes)),
            Content::Directory(directory) => (u64::from(directory.size), 0),
            Content::Symlink(target) => (target.len() as u64, 0),
            Content::Other(_) => (0, 0),
        };
        let modified = Time {
            seconds: i64::from(found.modified),
            nanoseconds: 0,
        };
        Ok(Attributes {
            number: inode,
            kind: found.kind(),
            mode: u32::from(found.mode),
            links: found.links,
            owner: self.owner(found.owner)?,
            group: self.owner(found.group)?,
            size,
            space,
            accessed: modified,
            modified,
            changed: modified,
            created: None,
        })
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let Ok(from) = u32::try_from(from) else {
            return Ok(());
        };
        let directory = self.directory(lwp, directory)?;
        directory.entries(lwp, &self.image, from, |entry| {
            each(Entry {
                name: entry.name,
                number: number(entry.reference),
                kind: entry.kind,
                next: u64::from(entry.next),
            })
        })
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        self.contents(lwp, file)?.read(lwp, offset, to)
    }

    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        match self.inode(lwp, link)?.content {
            Content::Symlink(target) => Ok(target),
            _ => Err(Errno::EINVAL),
        }
    }

    fn seek(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, hole: bool) -> Result<u64, Errno> {
        self.contents(lwp, file)?.seek(lwp, offset, hole)
    }

    fn xattr(&self, lwp: &Lwp<'_>, inode: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let list = self.inode(lwp, inode)?.xattrs;
        let mut found = None;
        if list != inode::NONE {
            xattr::each(lwp, &self.image, list, |other, value| {
                if other == name {
                    found = Some(value);
                }
                found.is_none()
            })?;
        }
        found.ok_or(Errno::ENODATA)?.read(lwp, &self.image)
    }

    fn xattrs(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        let list = self.inode(lwp, inode)?.xattrs;
        let mut names = Vec::new();
        if list != inode::NONE {
            xattr::each(lwp, &self.image, list, |name, _| {
                names.push(name);
                true
            })?;
        }
        Ok(names)
    }

    fn forget(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        self.places.forget(inode);
        Ok(())
    }
}
