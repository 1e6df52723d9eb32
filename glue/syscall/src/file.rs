//! Paths, and what is said of files.

use crate::Errno;

/// A path of the caller's, without the NUL behind it in C: any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a>(Result<&'a [u8], Errno>);

impl<'a> Path<'a> {
    /// A path, or why there is none.
    pub fn new(path: Result<&'a [u8], Errno>) -> Self {
        Path(path)
    }

    /// The path.
    pub fn get(&self) -> Result<&'a [u8], Errno> {
        self.0
    }
}

impl<'a> From<&'a str> for Path<'a> {
    fn from(path: &'a str) -> Self {
        Path(Ok(path.as_bytes()))
    }
}

impl<'a> From<&'a [u8]> for Path<'a> {
    fn from(path: &'a [u8]) -> Self {
        Path(Ok(path))
    }
}

/// A moment: seconds since 1970-01-01T00:00Z, and nanoseconds of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Seconds; before 1970 they are negative.
    pub seconds: i64,
    /// Nanoseconds, fewer than 1,000,000,000.
    pub nanoseconds: u32,
}

/// What `stat` says of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stat {
    pub device: u64,
    pub inode: u64,
    /// What it is, and its permissions.
    pub mode: u32,
    pub links: u32,
    pub user: u32,
    pub group: u32,
    /// Which unit a node of a device is for, as C's `makedev` has it.
    pub unit: u64,
    pub size: u64,
    /// Bytes that are best read or written at once.
    pub block_size: u32,
    /// Units of 512 bytes that it takes.
    pub blocks: u64,
    pub accessed: Stamp,
    pub modified: Stamp,
    pub changed: Stamp,
    /// When it was made, if anybody knows.
    pub created: Option<Stamp>,
}

/// What `statfs` says of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct StatFs {
    /// A number for its kind.
    pub kind: u32,
    pub block_size: u32,
    pub blocks: u64,
    pub free_blocks: u64,
    /// Those that not only the superuser may take.
    pub available_blocks: u64,
    pub inodes: u64,
    pub free_inodes: u64,
    pub identity: u64,
    pub longest_name: u32,
    /// `ST_…`.
    pub flags: u32,
}

macro_rules! place {
    ($(#[$doc:meta])* $Name:ident, $Value:ty) => {
        $(#[$doc])*
        pub struct $Name<'a>(Option<&'a mut $Value>);

        impl<'a> $Name<'a> {
            /// A place, if the caller has one.
            pub fn new(place: Option<&'a mut $Value>) -> Self {
                $Name(place)
            }

            /// Puts it there. `EFAULT` if there is no place.
            pub fn put(&mut self, value: $Value) -> Result<(), Errno> {
                **self.0.as_mut().ok_or(Errno::EFAULT)? = value;
                Ok(())
            }
        }

        impl<'a> From<&'a mut $Value> for $Name<'a> {
            fn from(place: &'a mut $Value) -> Self {
                $Name(Some(place))
            }
        }
    };
}

place!(
    /// A place for what `stat` says.
    StatOut, Stat
);
place!(
    /// A place for what `statx` says.
    StatxOut, Stat
);
place!(
    /// A place for what `statfs` says.
    StatFsOut, StatFs
);

/// A place for an offset that a call begins at and moves on; the caller may have none.
pub struct Offset<'a>(Option<&'a mut i64>);

impl<'a> Offset<'a> {
    /// An offset, if the caller has one.
    pub fn new(place: Option<&'a mut i64>) -> Self {
        Offset(place)
    }

    /// Where to begin, if the caller says so. `EINVAL` if that is negative.
    pub fn get(&self) -> Result<Option<u64>, Errno> {
        let place = self.0.as_deref().copied();
        place
            .map(|offset| u64::try_from(offset).map_err(|_| Errno::EINVAL))
            .transpose()
    }

    /// Says how far the call came.
    pub fn put(&mut self, offset: u64) {
        if let Some(place) = &mut self.0 {
            **place = offset as i64;
        }
    }
}

/// An entry of a directory, as `getdents64` gives it.
#[derive(Clone, Copy, Debug)]
pub struct Dirent<'a> {
    /// The inode's number.
    pub inode: u64,
    /// Where the next entry is.
    pub next: u64,
    /// `DT_…`.
    pub kind: u8,
    /// The name.
    pub name: &'a [u8],
}

/// A place for entries of a directory.
pub struct DirentsOut<'a>(&'a mut dyn FnMut(&Dirent<'_>) -> Option<usize>);

impl<'a> DirentsOut<'a> {
    /// A place that says of each entry how many bytes it took, or nothing where there is no more room.
    pub fn new(take: &'a mut dyn FnMut(&Dirent<'_>) -> Option<usize>) -> Self {
        DirentsOut(take)
    }

    /// Adds an entry: how many bytes it took; nothing if there is no room for it.
    pub fn push(&mut self, entry: &Dirent<'_>) -> Option<usize> {
        (self.0)(entry)
    }
}

/// A time that a file is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTime {
    /// What it is now.
    Now,
    /// The one it has.
    Same,
    /// This.
    At(Stamp),
}

/// Times that a file is to get: of the last access and the last change, as `utimensat` has them.
#[derive(Clone, Copy, Debug)]
pub struct Times(Result<[NewTime; 2], Errno>);

impl Times {
    /// Times, or why there are none.
    pub fn new(times: Result<[NewTime; 2], Errno>) -> Self {
        Times(times)
    }

    /// The times.
    pub fn get(&self) -> Result<[NewTime; 2], Errno> {
        self.0
    }
}
