//! The faction of files: names, vnodes, mounts, what is kept of files in memory, and the system calls on them.
//!
//! - A file system is a [`FileSystem`], whose operations are about inodes; its kind is a [`Format`], which a component
//!   registers with the faction's state, [`Vfs`].
//! - An inode somebody uses has one [`Vnode`], with its attributes, the names found in it or the pages of its contents.
//!   These are bounded; what differs from a medium is written back when there is much of it, when somebody
//!   synchronises, and at the end.
//! - A [`Person`] is what the faction keeps of a process: where its paths begin, whom it acts for.
//!
//! A file system may wait for its disk within a call, so one over a synchronous crate is one: the locks that are held
//! across such waits are [`base::Exclusive`]. Deferred work never comes here.
//!
//! This crate knows no file system, no disk, and no platform.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod attributes;
mod boot;
mod cache;
mod calls;
mod contents;
mod copy;
mod date;
mod directory;
mod expiry;
mod extent;
mod failures;
mod filesystem;
mod frame;
pub mod inodes;
mod inotify;
mod locks;
mod lookup;
mod mapping;
mod mount;
mod open;
mod openfile;
mod page;
mod person;
mod pipe;
mod places;
mod ranges;
mod rights;
mod stat;
pub mod syscalls;
#[allow(clippy::module_inception, reason = "the faction's state")]
mod vfs;
mod vnode;
mod writeback;
mod xattr;

use base::Component;

pub use attributes::{Attributes, Changes, Creation, Device, Kind, Time};
pub use date::Date;
pub use filesystem::{
    Entry, Existence, FileSystem, Format, Ino, MakeArguments, MountArguments, Place, Properties,
    Storage, Usage, read_pieces,
};
pub use mount::{Mount, MountOptions};
pub use openfile::VnodeFile;
pub use person::Person;
pub use places::Places;
pub use rights::{Access, Credentials};
pub use vfs::{Devices, Opened, Vfs};
pub use vnode::Vnode;

/// The faction as a component of a kernel.
pub static COMPONENT: Component = Component::new("vfs")
    .start(boot::start)
    .ready(boot::ready)
    .stop(boot::stop);
