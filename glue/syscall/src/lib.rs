//! The interface upwards: the types a system call's arguments are made of.
//!
//! The set is closed. The generator knows, for each type, what it is in C and on a wire, so a
//! component states a system call once, as a plain function.
//!
//! Small arguments (addresses, options, poll sets) arrive decoded and leave to be encoded: C
//! layouts, which differ by host, are the C layer's. A decoding error waits inside the argument until the
//! call asks for it, so that it comes in the order the errors of the call have. Bulk data is copied
//! through [`UserMem`] and never referenced.
//!
//! This crate does not know the kernel, any component, or the layout of any C structure.
#![no_std]

extern crate alloc;

mod address;
pub mod consts;
mod event;
mod file;
mod group;
mod lock;
mod message;
mod option;
mod time;
mod uio;
mod usermem;

pub use address::{SockAddr, SockAddrIn, SockAddrOut};
pub use event::{EpollEvent, EpollEventIn, EpollEvents, PollFd, PollFds};
pub use file::{
    Dirent, DirentsOut, NewTime, Offset, Path, Stamp, Stat, StatFs, StatFsOut, StatOut, StatxOut,
    Times,
};
pub use group::{GroupsIn, GroupsOut, MOST_GROUPS};
pub use hypercall::Errno;
pub use lock::{FcntlArg, LockPlace, RangeLock};
pub use message::{Control, Credentials, FdPair, MsgIn, MsgOut, MsgResult};
pub use option::{IoctlArg, OptIn, OptOut, copy};
pub use time::{SigMask, Timespec};
pub use uio::{IovIn, IovOut, UioIn, UioOut};
pub use usermem::{Local, UserIn, UserMem, UserOut};

/// A file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fd(pub i32);

/// A file descriptor the call made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFd(pub i32);

/// An address of the caller's memory, of which nothing is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub usize);

/// A string of the caller's.
#[derive(Clone, Copy, Debug)]
pub struct Str<'a>(Result<&'a str, Errno>);

impl<'a> Str<'a> {
    /// A string, or why there is none.
    pub fn new(text: Result<&'a str, Errno>) -> Self {
        Str(text)
    }

    /// The string.
    pub fn get(&self) -> Result<&'a str, Errno> {
        self.0
    }
}

impl<'a> From<&'a str> for Str<'a> {
    fn from(text: &'a str) -> Self {
        Str(Ok(text))
    }
}
