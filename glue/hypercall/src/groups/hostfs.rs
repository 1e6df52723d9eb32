//! Directories of the host.

use crate::{Bytes, BytesMut, group};

/// What the host says of a file.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostFile {
    /// What it is known by from now on; zero where it was known already.
    pub handle: u64,
    /// Which file system of the host it is on.
    pub device: u64,
    /// Its number there.
    pub number: u64,
    /// Its kind and permissions, as `st_mode` has them.
    pub mode: u32,
    /// Names it has.
    pub links: u32,
    /// Who owns it.
    pub owner: u32,
    /// Which group does.
    pub group: u32,
    /// Bytes.
    pub size: u64,
    /// Bytes it takes.
    pub space: u64,
    /// When it was last read.
    pub accessed: HostTime,
    /// When its contents last changed.
    pub modified: HostTime,
    /// When anything of it last changed.
    pub changed: HostTime,
    /// When it was made; zero where the host does not know.
    pub created: HostTime,
}

/// A moment: seconds since 1970 and nanoseconds of the second.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTime {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds.
    pub nanoseconds: u32,
}

/// What is to change of a file.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostChanges {
    /// Which of these, the sum of the constants.
    pub which: u32,
    /// Permissions.
    pub mode: u32,
    /// Who owns it.
    pub owner: u32,
    /// Which group does.
    pub group: u32,
    /// Bytes.
    pub size: u64,
    /// When it was last read.
    pub accessed: HostTime,
    /// When its contents last changed.
    pub modified: HostTime,
}

impl HostChanges {
    /// Permissions.
    pub const MODE: u32 = 1;
    /// Who owns it.
    pub const OWNER: u32 = 2;
    /// Which group does.
    pub const GROUP: u32 = 4;
    /// How long it is.
    pub const SIZE: u32 = 8;
    /// When it was last read.
    pub const ACCESSED: u32 = 16;
    /// When its contents last changed.
    pub const MODIFIED: u32 = 32;
}

/// How full the host's file system is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostUsage {
    /// Bytes of a block.
    pub block_size: u32,
    /// Bytes of the longest name.
    pub longest_name: u32,
    /// Blocks in all.
    pub blocks: u64,
    /// Blocks that the process may still have.
    pub free_blocks: u64,
    /// Inodes in all.
    pub inodes: u64,
    /// Inodes nobody has.
    pub free_inodes: u64,
}

group! {
    /// Directories of the host, with all that is in them and nothing else.
    ///
    /// A file is known by a handle, which is of the file itself, whatever becomes of its names. A name is one of a
    /// directory: not empty, without `/` and NUL, and neither `.` nor `..` (`EINVAL`). Nothing leads out of the
    /// directory: a symbolic link is never followed, what the host has mounted in it is not entered (`EXDEV`), and of
    /// what is neither a file nor a directory nothing is opened. Modes, flags and error numbers are Linux's; what fails
    /// returns a negated error number. A call takes as long as the host does; one that would wait for another program,
    /// as for the other end of a pipe, does not exist.
    pub trait HostFs as hostfs {
        /// Opens the directory `path`, which may lead through links, fills in `root`, and returns its handle.
        fn attach(path: Bytes<'_>, root: &mut HostFile) -> i64;
        /// Closes it with all handles of what is in it.
        fn detach(root: u64);
        /// Fills in what a directory has by a name, and a handle of it. `ENOENT`.
        fn find(directory: u64, name: Bytes<'_>, file: &mut HostFile) -> i64;
        /// Closes a handle.
        fn close(file: u64);
        /// Fills in what there is to say of a file.
        fn look(file: u64, about: &mut HostFile) -> i64;
        /// Fills `to` with entries of a directory from `from` on (zero: the first), and returns how many bytes; zero
        /// behind the last. An entry is, in the machine's order: its number and where the next is, 64 bits each; the bits
        /// of `st_mode` that say its kind, or zero, and its name's length, 32 bits each; the name, and zeros up to a
        /// multiple of eight. `EINVAL` if there is no room for one.
        fn entries(directory: u64, from: u64, to: BytesMut<'_>) -> i64;
        /// Reads from byte `offset` of a file on, and returns how many bytes; fewer than there is room for at the end.
        fn read(file: u64, offset: u64, to: BytesMut<'_>) -> i64;
        /// Writes all of `from`.
        fn write(file: u64, offset: u64, from: Bytes<'_>) -> i64;
        /// Fills `to` with what a symbolic link says, and returns how many bytes.
        fn read_link(link: u64, to: BytesMut<'_>) -> i64;
        /// Changes a file.
        fn change(file: u64, changes: &HostChanges) -> i64;
        /// Makes a file, a directory, a pipe, a socket's name, or a symbolic link that says `target`, as `mode` has it, and
        /// fills in what it is. `EPERM` for others.
        fn create(directory: u64, name: Bytes<'_>, mode: u32, target: Bytes<'_>, file: &mut HostFile) -> i64;
        /// Gives a file one more name.
        fn link(file: u64, directory: u64, name: Bytes<'_>) -> i64;
        /// Takes a name away: of a directory, or of anything else.
        fn remove(directory: u64, name: Bytes<'_>, is_directory: bool) -> i64;
        /// Gives what is called `name` another name, instead of what has that, or with `exchange` for it.
        fn rename(directory: u64, name: Bytes<'_>, to: u64, new_name: Bytes<'_>, exchange: bool) -> i64;
        /// Has space for a range of a file, or with `punch` zeros there that take none. The size stays.
        fn reserve(file: u64, offset: u64, len: u64, punch: bool) -> i64;
        /// Where data from `offset` on begins, or with `hole` a hole. `ENXIO`.
        fn seek(file: u64, offset: u64, hole: bool) -> i64;
        /// Fills `to` with an extended attribute's value, or without a name with the names of all, a NUL behind each, and
        /// returns how many bytes. `ERANGE` if there is no room.
        fn xattr(file: u64, name: Bytes<'_>, to: BytesMut<'_>) -> i64;
        /// Sets an extended attribute; with the flag 1 only a new one, with 2 one that is there; with 4 takes it away.
        fn set_xattr(file: u64, name: Bytes<'_>, value: Bytes<'_>, flags: u32) -> i64;
        /// Fills in how full the file system of a file is.
        fn usage(file: u64, usage: &mut HostUsage) -> i64;
        /// Has a file's contents survive a loss of power, and unless told otherwise its attributes; of a directory its
        /// names.
        fn sync(file: u64, data_only: bool) -> i64;
        /// Has everything on the file system of a file survive a loss of power.
        fn sync_all(file: u64) -> i64;
    }
}
