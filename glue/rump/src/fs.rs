//! Files and directories, shaped like `std::fs`.
//!
//! Paths are bytes: a `&str`, a `String` or a `Vec<u8>`.
//!
//! ```no_run
//! # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
//! use rump::fs::{self, File};
//!
//! fs::create_dir(kernel, "/notes")?;
//! let file = File::create(kernel, "/notes/today")?;
//! file.write_all(b"rain")?;
//! file.sync_all()?;
//! for entry in fs::read_dir(kernel, "/notes")? {
//!     let entry = entry?;
//!     kernel.print(format_args!("{}", String::from_utf8_lossy(&entry.name)));
//! }
//!
//! // A file system on a disk, its kind recognised, for reading only.
//! fs::create_dir(kernel, "/image")?;
//! fs::mount(kernel, "disk0", "/image", None, fs::MountOptions::new().read_only(true))?;
//! fs::unmount(kernel, "/image")?;
//! # Ok(()) }
//! ```

mod directory;
mod file;
mod metadata;
mod mount;
mod node;

use alloc::string::String;
use alloc::vec::Vec;

use syscall::consts::{AT_FDCWD, AT_REMOVEDIR};
use syscall::{Errno, Fd, Path};
use vfs::syscalls;

use crate::{Kernel, Result};

pub use directory::{DirEntry, ReadDir, read_dir};
pub use file::{File, OpenOptions, SeekFrom};
pub use metadata::{FileType, Metadata, Usage};
pub use mount::{
    MountOptions, Mounted, force_unmount, formats, make, mount, mounts, recognise, unmount, usage,
};
pub use node::Node;
pub use syscall::{Stamp, Stat, StatFs};
pub use vfs::{Changes, Date, Device, Kind, Time};

/// Where the process stands.
const HERE: Fd = Fd(AT_FDCWD);

/// Bytes of one piece of a copy.
const PIECE: usize = 1 << 20;

/// Everything in a file.
pub fn read(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    let file = File::open(kernel, path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Everything in a file, as text. `EINVAL` if it is not UTF-8.
pub fn read_to_string(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<String> {
    String::from_utf8(read(kernel, path)?).map_err(|_| Errno::EINVAL)
}

/// Has a file consist of these bytes; it is made if it is not there.
pub fn write(kernel: &Kernel, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Result<()> {
    File::create(kernel, path)?.write_all(bytes.as_ref())
}

/// Copies what is in a file, and its permissions, to another: how many bytes.
pub fn copy(kernel: &Kernel, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<u64> {
    let from = File::open(kernel, from)?;
    let mode = from.metadata()?.mode();
    let to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(kernel, to)?;
    let mut done = 0;
    loop {
        match from.copy_to(&to, PIECE)? {
            0 => break,
            count => done += count as u64,
        }
    }
    to.set_mode(mode)?;
    Ok(done)
}

/// Makes a directory.
pub fn create_dir(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::mkdir(lwp, path.as_ref().into(), 0o777))
}

/// Makes a directory, and those it is in.
pub fn create_dir_all(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    let path = path.as_ref();
    match create_dir(kernel, path) {
        Err(Errno::ENOENT) => {
            let trimmed = path.strip_suffix(b"/").unwrap_or(path);
            let end = trimmed.iter().rposition(|byte| *byte == b'/');
            let above = end.filter(|end| *end > 0).ok_or(Errno::ENOENT)?;
            create_dir_all(kernel, &trimmed[..above])?;
            create_dir(kernel, path)
        }
        Err(Errno::EEXIST) if metadata(kernel, path)?.is_dir() => Ok(()),
        done => done,
    }
}

/// Takes a file's name away.
pub fn remove_file(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::unlink(lwp, path.as_ref().into()))
}

/// Removes an empty directory.
pub fn remove_dir(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::rmdir(lwp, path.as_ref().into()))
}

/// Removes a directory with everything in it; symbolic links are not followed.
pub fn remove_dir_all(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    let path = path.as_ref();
    let directory = File::open_directory(kernel, path)?;
    empty(&directory)?;
    drop(directory);
    remove_dir(kernel, path)
}

/// Removes everything in an open directory. Each step goes from where it stands, so that nobody leads it astray.
fn empty(directory: &File) -> Result<()> {
    loop {
        // Entries are read anew after each round: those that were there are gone.
        let entries = directory.entries()?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            let flags = match directory.open_directory_at(&entry.name) {
                Ok(child) => {
                    empty(&child)?;
                    AT_REMOVEDIR
                }
                Err(Errno::ENOTDIR | Errno::ELOOP) => 0,
                Err(errno) => return Err(errno),
            };
            let name = Path::from(&entry.name[..]);
            directory.call(|lwp, fd| syscalls::unlinkat(lwp, fd, name, flags))?;
        }
    }
}

/// Gives a file another name, at once; what has that name loses it.
pub fn rename(kernel: &Kernel, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::rename(lwp, from.as_ref().into(), to.as_ref().into()))
}

/// Gives a file one more name.
pub fn hard_link(kernel: &Kernel, file: impl AsRef<[u8]>, link: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::link(lwp, file.as_ref().into(), link.as_ref().into()))
}

/// Makes a symbolic link that says `target`.
pub fn symlink(kernel: &Kernel, target: impl AsRef<[u8]>, link: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::symlink(lwp, target.as_ref().into(), link.as_ref().into()))
}

/// What a symbolic link says.
pub fn read_link(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    let mut text = alloc::vec![0; 4096];
    let buffer = text.as_mut_slice().into();
    let len = kernel.enter(|lwp| syscalls::readlink(lwp, path.as_ref().into(), buffer))?;
    text.truncate(len);
    Ok(text)
}

/// What is known of a file.
pub fn metadata(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Metadata> {
    Metadata::of(|to| kernel.enter(|lwp| syscalls::stat(lwp, path.as_ref().into(), to)))
}

/// What is known of a file; a symbolic link is itself.
pub fn symlink_metadata(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Metadata> {
    Metadata::of(|to| kernel.enter(|lwp| syscalls::lstat(lwp, path.as_ref().into(), to)))
}

/// Whether there is something of this name.
pub fn exists(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<bool> {
    match metadata(kernel, path) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Sets permissions, such as `0o644`.
pub fn set_mode(kernel: &Kernel, path: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    kernel.enter(|lwp| syscalls::chmod(lwp, path.as_ref().into(), mode))
}

/// Sets owner and group; nothing stays as it is. A symbolic link is itself.
pub fn lchown(
    kernel: &Kernel,
    path: impl AsRef<[u8]>,
    owner: Option<u32>,
    group: Option<u32>,
) -> Result<()> {
    let (owner, group) = (owner.unwrap_or(u32::MAX), group.unwrap_or(u32::MAX));
    kernel.enter(|lwp| syscalls::lchown(lwp, path.as_ref().into(), owner, group))
}

/// The value of an extended attribute; a symbolic link is itself. `ENODATA` if there is none.
pub fn xattr(kernel: &Kernel, path: impl AsRef<[u8]>, name: impl AsRef<[u8]>) -> Result<Vec<u8>> {
    let (path, name) = (path.as_ref(), name.as_ref());
    all_of(|to| kernel.enter(|lwp| syscalls::lgetxattr(lwp, path.into(), name.into(), to.into())))
}

/// The names of all extended attributes; a symbolic link is itself.
pub fn xattrs(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>> {
    let path = path.as_ref();
    let names = all_of(|to| kernel.enter(|lwp| syscalls::llistxattr(lwp, path.into(), to.into())))?;
    let names = names.split(|byte| *byte == 0);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

/// Sets an extended attribute; a symbolic link is itself.
pub fn set_xattr(
    kernel: &Kernel,
    path: impl AsRef<[u8]>,
    name: impl AsRef<[u8]>,
    value: &[u8],
) -> Result<()> {
    let (path, name) = (path.as_ref(), name.as_ref());
    kernel.enter(|lwp| syscalls::lsetxattr(lwp, path.into(), name.into(), value.into(), 0))
}

/// What a call says that with no room says how much it has to say.
fn all_of(mut call: impl FnMut(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    loop {
        let len = call(&mut [])?;
        let mut bytes = alloc::vec![0; len];
        if len == 0 {
            return Ok(bytes);
        }
        match call(&mut bytes) {
            // It grew meanwhile.
            Err(Errno::ERANGE) => {}
            result => {
                bytes.truncate(result?);
                return Ok(bytes);
            }
        }
    }
}

/// Has everything survive a loss of power.
pub fn sync(kernel: &Kernel) -> Result<()> {
    kernel.enter(|lwp| lwp.state::<vfs::Vfs>()?.sync(lwp))
}

/// Has paths that do not begin with a slash begin at a directory.
pub fn set_current_dir(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::chdir(lwp, path.as_ref().into()))
}
