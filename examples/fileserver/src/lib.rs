//! A web server of the files on a disk: `httpd`, with a directory to serve.
//!
//! What is mounted where is the configuration's business: the parameter `mount=/srv=auto:vblk0:ro` has the first disk's
//! files there on a machine, `mount=/srv=auto:disk0:ro` with `disk=IMAGE` in a process.
//!
//! `fileserver [--port N]`, port 80 otherwise.
#![no_std]

extern crate alloc;

use alloc::string::String;

use rump::Kernel;

/// Where the files are that it serves.
const ROOT: &str = "/srv";

/// Serves until the kernel ends. Returns the exit code.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    httpd::serve(kernel, args, Some(ROOT))
}
