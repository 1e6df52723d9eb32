//! Names in directories, made, moved and taken away.

use std::ffi::{CStr, CString, c_int};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use hypercall::{Bytes, Errno};

use super::node::{Node, check, through_proc};

/// A name that is one: so it leads to an entry of its directory, and nowhere else.
pub(super) struct Name(CString);

impl Name {
    /// `EINVAL` unless it is one.
    pub(super) fn new(name: Bytes<'_>) -> Result<Self, Errno> {
        match name.as_slice() {
            b"" | b"." | b".." => Err(Errno::EINVAL),
            name if name.contains(&b'/') => Err(Errno::EINVAL),
            name => CString::new(name).map(Name).map_err(|_| Errno::EINVAL),
        }
    }

    pub(super) fn as_c(&self) -> &CStr {
        &self.0
    }
}

impl Node {
    /// Makes what `mode` says.
    pub(super) fn create(&self, name: &Name, mode: u32, target: &[u8]) -> Result<Node, Errno> {
        let (directory, text) = (self.raw(), name.as_c().as_ptr());
        let permissions = mode & !libc::S_IFMT;
        let kind = mode & libc::S_IFMT;
        let mut made_open = None;
        match kind {
            libc::S_IFREG => made_open = Some(Arc::new(self.create_file(name, permissions)?)),
            // SAFETY: the calls read names that end in NUL.
            libc::S_IFDIR => check(unsafe { libc::mkdirat(directory, text, permissions) })?,
            libc::S_IFLNK => {
                let target = CString::new(target).map_err(|_| Errno::EINVAL)?;
                // SAFETY: as above.
                check(unsafe { libc::symlinkat(target.as_ptr(), directory, text) })?;
            }
            libc::S_IFIFO | libc::S_IFSOCK => {
                // SAFETY: as above.
                check(unsafe { libc::mknodat(directory, text, mode, 0) })?;
            }
            _ => return Err(Errno::EPERM),
        }
        let node = match made_open {
            // By its descriptor: its name may be another's by now.
            Some(file) => Node::made(file)?,
            None => {
                let found = self.find(name)?;
                // Somebody else may have been there meanwhile.
                if found.kind() != kind {
                    return Err(Errno::ESTALE);
                }
                found
            }
        };
        // The process's umask is not the kernel's.
        if kind != libc::S_IFLNK && node.mode()? & 0o7777 != permissions {
            node.set_mode(permissions)?;
        }
        Ok(node)
    }

    /// Gives a file one more name in `directory`.
    pub(super) fn link(&self, directory: &Node, name: &Name) -> Result<(), Errno> {
        let from = through_proc(self.raw());
        let (to, name) = (directory.raw(), name.as_c().as_ptr());
        let follow = libc::AT_SYMLINK_FOLLOW;
        // SAFETY: the call reads names that end in NUL. What is followed is the descriptor, and not what a link says.
        check(unsafe { libc::linkat(libc::AT_FDCWD, from.as_ptr(), to, name, follow) })
    }

    /// Takes a name away.
    pub(super) fn remove(&self, name: &Name, is_directory: bool) -> Result<(), Errno> {
        let flags = if is_directory { libc::AT_REMOVEDIR } else { 0 };
        // SAFETY: the call reads a name that ends in NUL.
        check(unsafe { libc::unlinkat(self.raw(), name.as_c().as_ptr(), flags) })
    }

    /// Gives what has a name another, or two names each other's.
    pub(super) fn rename(
        &self,
        name: &Name,
        to: &Node,
        new_name: &Name,
        exchange: bool,
    ) -> Result<(), Errno> {
        let (old, new) = (name.as_c().as_ptr(), new_name.as_c().as_ptr());
        let flags = if exchange { libc::RENAME_EXCHANGE } else { 0 };
        // SAFETY: the call reads names that end in NUL.
        let renamed: c_int = unsafe {
            let (from, to) = (self.raw(), to.raw());
            libc::syscall(libc::SYS_renameat2, from, old, to, new, flags) as c_int
        };
        check(renamed)
    }
}

/// A descriptor's number.
pub(super) fn raw(fd: &impl AsRawFd) -> c_int {
    fd.as_raw_fd()
}
