//! What is known of files and file systems.

use core::time::Duration;

use syscall::consts::*;
use syscall::{Stamp, Stat, StatFs, StatOut};

use crate::Result;

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Metadata(Stat);

impl From<Stat> for Metadata {
    fn from(stat: Stat) -> Self {
        Metadata(stat)
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FileType {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
    /// Something else, as a descriptor that stands for no file.
    Other,
}

impl FileType {
    pub(super) fn of_bits(bits: u32) -> FileType {
        match bits & S_IFMT {
            S_IFREG => FileType::File,
            S_IFDIR => FileType::Directory,
            S_IFLNK => FileType::Symlink,
            S_IFIFO => FileType::Fifo,
            S_IFSOCK => FileType::Socket,
            S_IFCHR => FileType::CharacterDevice,
            S_IFBLK => FileType::BlockDevice,
            _ => FileType::Other,
        }
    }
}

impl Metadata {
    pub(super) fn of(call: impl FnOnce(StatOut<'_>) -> Result<()>) -> Result<Metadata> {
        let mut stat = Stat::default();
        call((&mut stat).into())?;
        Ok(Metadata(stat))
    }

    /// All of it.
    pub fn stat(&self) -> &Stat {
        &self.0
    }

    /// What it is.
    pub fn file_type(&self) -> FileType {
        FileType::of_bits(self.0.mode)
    }

    /// Whether it is an ordinary file.
    pub fn is_file(&self) -> bool {
        self.file_type() == FileType::File
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.file_type() == FileType::Symlink
    }

    /// Bytes.
    #[allow(clippy::len_without_is_empty, reason = "as std has it")]
    pub fn len(&self) -> u64 {
        self.0.size
    }

    /// Permissions: `0o7777`.
    pub fn mode(&self) -> u32 {
        self.0.mode & !S_IFMT
    }

    /// When its contents last changed, since 1970-01-01T00:00Z; before that it is zero.
    pub fn modified(&self) -> Duration {
        since_epoch(self.0.modified)
    }

    /// When it was made, as `modified`; none where the file system does not note that.
    pub fn created(&self) -> Option<Duration> {
        self.0.created.map(since_epoch)
    }
}

fn since_epoch(stamp: Stamp) -> Duration {
    match u64::try_from(stamp.seconds) {
        Ok(seconds) => Duration::new(seconds, stamp.nanoseconds),
        Err(_) => Duration::ZERO,
    }
}

/// How full a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in all, or zero if there is no limit of its own.
    pub size: u64,
    /// Bytes nobody has.
    pub free: u64,
    /// Inodes in all, or zero if there are as many as wanted.
    pub inodes: u64,
    /// Inodes nobody has.
    pub free_inodes: u64,
}

impl Usage {
    pub(super) fn new(stat: &StatFs) -> Usage {
        let bytes = |blocks: u64| blocks.saturating_mul(stat.block_size.into());
        Usage {
            size: bytes(stat.blocks),
            free: bytes(stat.free_blocks),
            inodes: stat.inodes,
            free_inodes: stat.free_inodes,
        }
    }
}
