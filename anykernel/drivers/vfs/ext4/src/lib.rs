//! The file system ext4, by the crate `rsext4`.
//!
//! The crate does what there is to do with inodes, directories and the journal; this is what fits it into the faction: a
//! disk for it to read, errors, numbers for places in directories, names of attributes, nanoseconds that it keeps but
//! does not tell, and the inodes without a name that somebody still uses. It does one thing at a time, so there is one
//! lock.
//!
//! A mount to read only writes nothing. If a journal was left, what it says is read into memory first, so that one sees
//! what a mount to write would have made of it.
//!
//! Without extents, as in ext2 and ext3, a file system can be read but not written: the crate cannot have its directories
//! grow.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod blocks;
mod change;
mod contents;
mod cursor;
mod error;
mod filesystem;
mod format;
mod layout;
mod make;
mod medium;
mod operations;
mod source;
mod times;
mod xattr;

use alloc::sync::Arc;

use base::{Boot, Component, Failure};
use vfs::Vfs;

pub use format::Ext4Format;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("ext4").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(Ext4Format));
    Ok(())
}
