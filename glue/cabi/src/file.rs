//! Paths, and what is said of files, in Linux's layouts.

use core::ffi::{CStr, c_int, c_long};
use core::mem::offset_of;

use base::Errno;
use syscall::consts::{STATX_BASIC_STATS, STATX_BTIME};
use syscall::{Dirent, NewTime, Stamp, UioOut};

use crate::memory::user_out;
use crate::scalar::RawTimespec;

/// Decoder of a path: `EFAULT` for null.
pub struct Path<'a>(Result<&'a [u8], Errno>);

impl Path<'_> {
    /// # Safety
    ///
    /// `path` is null or a string that is not changed until the call ends.
    pub unsafe fn new(path: *const u8) -> Self {
        if path.is_null() {
            return Path(Err(Errno::EFAULT));
        }
        // SAFETY: the caller's word.
        Path(Ok(unsafe { CStr::from_ptr(path.cast()) }.to_bytes()))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::Path<'_> {
        syscall::Path::new(self.0)
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// `struct stat`.
#[repr(C)]
#[derive(Clone, Copy)]
#[cfg(target_arch = "x86_64")]
#[allow(missing_docs)]
pub struct RawStat {
    pub st_dev: u64,
    pub st_ino: u64,
    pub st_nlink: u64,
    pub st_mode: u32,
    pub st_uid: u32,
    pub st_gid: u32,
    pub pad: u32,
    pub st_rdev: u64,
    pub st_size: i64,
    pub st_blksize: i64,
    pub st_blocks: i64,
    pub times: [RawTimespec; 3],
    pub spare: [i64; 3],
}

/// `struct stat` of Linux's newer machines.
#[repr(C)]
#[derive(Clone, Copy)]
#[cfg(not(target_arch = "x86_64"))]
#[allow(missing_docs)]
pub struct RawStat {
    pub st_dev: u64,
    pub st_ino: u64,
    pub st_mode: u32,
    pub st_nlink: u32,
    pub st_uid: u32,
    pub st_gid: u32,
    pub st_rdev: u64,
    pub pad: u64,
    pub st_size: i64,
    pub st_blksize: i32,
    pub pad2: i32,
    pub st_blocks: i64,
    pub times: [RawTimespec; 3],
    pub spare: [i32; 2],
}

/// `struct statx_timestamp`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct RawStatxTime {
    pub tv_sec: i64,
    pub tv_nsec: u32,
    pub pad: i32,
}

/// `struct statx`, the same on all machines.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawStatx {
    pub stx_mask: u32,
    pub stx_blksize: u32,
    pub stx_attributes: u64,
    pub stx_nlink: u32,
    pub stx_uid: u32,
    pub stx_gid: u32,
    pub stx_mode: u16,
    pub pad: u16,
    pub stx_ino: u64,
    pub stx_size: u64,
    pub stx_blocks: u64,
    pub stx_attributes_mask: u64,
    pub stx_atime: RawStatxTime,
    pub stx_btime: RawStatxTime,
    pub stx_ctime: RawStatxTime,
    pub stx_mtime: RawStatxTime,
    /// Major and minor number, of the node and of where it is.
    pub devices: [[u32; 2]; 2],
    pub spare: [u64; 14],
}

const _: () = assert!(size_of::<RawStatx>() == 256);

/// What C's `major` and `minor` make of a device's number.
fn major_and_minor(number: u64) -> [u32; 2] {
    let major = (number >> 8 & 0xfff) | (number >> 32 & !0xfff);
    let minor = (number & 0xff) | (number >> 12 & !0xff);
    [major as u32, minor as u32]
}

fn raw_statx(stat: &syscall::Stat) -> RawStatx {
    let time = |stamp: Stamp| RawStatxTime {
        tv_sec: stamp.seconds,
        tv_nsec: stamp.nanoseconds,
        pad: 0,
    };
    let created = if stat.created.is_some() {
        STATX_BTIME
    } else {
        0
    };
    RawStatx {
        stx_mask: STATX_BASIC_STATS | created,
        stx_blksize: stat.block_size,
        stx_attributes: 0,
        stx_nlink: stat.links,
        stx_uid: stat.user,
        stx_gid: stat.group,
        stx_mode: stat.mode as u16,
        pad: 0,
        stx_ino: stat.inode,
        stx_size: stat.size,
        stx_blocks: stat.blocks,
        stx_attributes_mask: 0,
        stx_atime: time(stat.accessed),
        stx_btime: stat.created.map(time).unwrap_or_default(),
        stx_ctime: time(stat.changed),
        stx_mtime: time(stat.modified),
        devices: [stat.unit, stat.device].map(major_and_minor),
        spare: [0; 14],
    }
}

fn time(stamp: Stamp) -> RawTimespec {
    RawTimespec {
        tv_sec: stamp.seconds as isize,
        tv_nsec: stamp.nanoseconds as isize,
    }
}

fn raw_stat(stat: &syscall::Stat) -> RawStat {
    RawStat {
        st_dev: stat.device,
        st_ino: stat.inode,
        st_nlink: stat.links.into(),
        st_mode: stat.mode,
        st_uid: stat.user,
        st_gid: stat.group,
        pad: 0,
        #[cfg(not(target_arch = "x86_64"))]
        pad2: 0,
        st_rdev: stat.unit,
        st_size: stat.size as i64,
        st_blksize: stat.block_size as _,
        st_blocks: stat.blocks as i64,
        times: [stat.accessed, stat.modified, stat.changed].map(time),
        spare: Default::default(),
    }
}

/// `struct statfs`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawStatFs {
    pub f_type: c_long,
    pub f_bsize: c_long,
    pub f_blocks: u64,
    pub f_bfree: u64,
    pub f_bavail: u64,
    pub f_files: u64,
    pub f_ffree: u64,
    pub f_fsid: [c_int; 2],
    pub f_namelen: c_long,
    pub f_frsize: c_long,
    pub f_flags: c_long,
    pub f_spare: [c_long; 4],
}

fn raw_statfs(stat: &syscall::StatFs) -> RawStatFs {
    RawStatFs {
        f_type: stat.kind as c_long,
        f_bsize: stat.block_size as c_long,
        f_blocks: stat.blocks,
        f_bfree: stat.free_blocks,
        f_bavail: stat.available_blocks,
        f_files: stat.inodes,
        f_ffree: stat.free_inodes,
        f_fsid: [stat.identity as c_int, (stat.identity >> 32) as c_int],
        f_namelen: stat.longest_name as c_long,
        f_frsize: stat.block_size as c_long,
        f_flags: stat.flags as c_long,
        f_spare: [0; 4],
    }
}

macro_rules! place {
    ($(#[$doc:meta])* $Name:ident, $Raw:ident, $raw:ident, $Value:ty) => {
        $(#[$doc])*
        pub struct $Name {
            place: *mut $Raw,
            value: $Value,
        }

        impl $Name {
            /// # Safety
            ///
            /// `place` is null or good for writing.
            pub unsafe fn new(place: *mut $Raw) -> Self {
                $Name { place, value: <$Value>::default() }
            }

            /// The argument.
            pub fn arg(&mut self) -> syscall::$Name<'_> {
                syscall::$Name::new((!self.place.is_null()).then_some(&mut self.value))
            }

            /// Copies it out.
            pub fn finish(self) -> Result<(), Errno> {
                // SAFETY: the contract of `new`; a null pointer made the call fail.
                unsafe { self.place.write_unaligned($raw(&self.value)) };
                Ok(())
            }
        }
    };
}

place!(
    /// Decoder of a place for `struct stat`.
    StatOut, RawStat, raw_stat, syscall::Stat
);
place!(
    /// Decoder of a place for `struct statx`.
    StatxOut, RawStatx, raw_statx, syscall::Stat
);
place!(
    /// Decoder of a place for `struct statfs`.
    StatFsOut, RawStatFs, raw_statfs, syscall::StatFs
);

/// Decoder of an offset that the call moves on.
pub struct Offset {
    place: *mut i64,
    value: i64,
}

impl Offset {
    /// # Safety
    ///
    /// `place` is null or good for reading and writing.
    pub unsafe fn new(place: *mut i64) -> Self {
        let value = match place.is_null() {
            true => 0,
            // SAFETY: the caller's word.
            false => unsafe { place.read_unaligned() },
        };
        Offset { place, value }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::Offset<'_> {
        syscall::Offset::new((!self.place.is_null()).then_some(&mut self.value))
    }

    /// Copies it out.
    pub fn finish(self) -> Result<(), Errno> {
        if !self.place.is_null() {
            // SAFETY: the contract of `new`.
            unsafe { self.place.write_unaligned(self.value) };
        }
        Ok(())
    }
}

/// `struct linux_dirent64`, up to the name.
#[repr(C)]
struct RawDirent {
    d_ino: u64,
    d_off: i64,
    d_reclen: u16,
    d_type: u8,
    d_name: [u8; 0],
}

/// Where the name is.
const NAME: usize = offset_of!(RawDirent, d_name);

/// Decoder of a place for entries of a directory.
pub struct DirentsOut<'a> {
    take: Entries<'a>,
}

/// Writes one entry after the other.
type Entries<'a> = alloc::boxed::Box<dyn FnMut(&Dirent<'_>) -> Option<usize> + 'a>;

impl DirentsOut<'_> {
    /// # Safety
    ///
    /// `place` is null or good for writing `len` bytes until the call ends.
    pub unsafe fn new(place: *mut u8, len: usize) -> Self {
        let mut to = UioOut::from(user_out(place, len));
        let take = move |entry: &Dirent<'_>| {
            let len = (NAME + entry.name.len() + 1).next_multiple_of(align_of::<RawDirent>());
            if len > to.remaining() {
                return None;
            }
            let mut record = [0; NAME + 256 + 8];
            record[..8].copy_from_slice(&entry.inode.to_ne_bytes());
            record[8..16].copy_from_slice(&(entry.next as i64).to_ne_bytes());
            record[16..18].copy_from_slice(&(len as u16).to_ne_bytes());
            record[18] = entry.kind;
            record
                .get_mut(NAME..NAME + entry.name.len())?
                .copy_from_slice(entry.name);
            to.put(&record[..len]).ok()
        };
        DirentsOut {
            take: alloc::boxed::Box::new(take),
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::DirentsOut<'_> {
        syscall::DirentsOut::new(&mut *self.take)
    }

    /// They are there already.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

const UTIME_NOW: isize = 0x3fff_ffff;
const UTIME_OMIT: isize = 0x3fff_fffe;

/// Decoder of `struct timespec[2]`; null is now.
pub struct Times(syscall::Times);

impl Times {
    /// # Safety
    ///
    /// `times` is null or good for reading two.
    pub unsafe fn new(times: *const RawTimespec) -> Self {
        if times.is_null() {
            return Times(syscall::Times::new(Ok([NewTime::Now; 2])));
        }
        // SAFETY: the caller's word.
        let both = unsafe { times.cast::<[RawTimespec; 2]>().read_unaligned() };
        let decode = |time: RawTimespec| match time.tv_nsec {
            UTIME_NOW => Ok(NewTime::Now),
            UTIME_OMIT => Ok(NewTime::Same),
            0..1_000_000_000 => Ok(NewTime::At(Stamp {
                seconds: time.tv_sec as i64,
                nanoseconds: time.tv_nsec as u32,
            })),
            _ => Err(Errno::EINVAL),
        };
        let both = decode(both[0]).and_then(|first| Ok([first, decode(both[1])?]));
        Times(syscall::Times::new(both))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::Times {
        self.0
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}
