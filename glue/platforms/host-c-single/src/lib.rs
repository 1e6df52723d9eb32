//! The platform of a host in C that has no threads: the same as [`host_c`], but that its manifest imports
//! no group `threads`.
#![no_std]

pub use host_c::Platform;
