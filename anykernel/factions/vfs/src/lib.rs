//! The faction of files.
//!
//! A file system is a [`FileSystem`]; its kind is a [`Format`], which a component registers.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod attributes;
mod filesystem;

pub use attributes::{Attributes, Changes, Creation, Device, Kind, Time};
pub use filesystem::{
    Entry, Existence, FileSystem, Format, Ino, MountArguments, Place, Properties, Storage, Usage,
};
