//! The calls for C programs: NetBSD's.

use base::{Errno, Lwp};
use markers::public;
use syscall::Str;
use syscall::consts::ETFS_SIZE_ENDOFF;

use crate::registry::Registry;

/// Gives what the host calls `hostpath` the name `key`, an absolute path of the kernel's whose directories are made if they
/// are not there. RUMP_ETFS_REG, RUMP_ETFS_BLK: a file or block device becomes a disk, and `key` the node of it; what
/// may not be written is only read. RUMP_ETFS_DIR, RUMP_ETFS_DIR_SUBDIRS: a directory with all that is in it is
/// mounted there. EINVAL: no absolute path, or no such kind; EEXIST: there is something; EOPNOTSUPP: RUMP_ETFS_CHR; EPERM: the
/// process is not the superuser's; others are the host's.
#[public(etfs)]
pub fn register(lwp: &Lwp<'_>, key: Str<'_>, hostpath: Str<'_>, ftype: u32) -> Result<(), Errno> {
    let registry = lwp.state::<Registry>()?;
    registry.register(
        lwp,
        key.get()?,
        hostpath.get()?,
        ftype,
        (0, ETFS_SIZE_ENDOFF),
    )
}

/// As register, of a file the `size` bytes from byte `begin` on; RUMP_ETFS_SIZE_ENDOFF is all to the end. EINVAL: these are
/// no whole blocks of it, or not in it.
#[public(etfs)]
pub fn register_withsize(
    lwp: &Lwp<'_>,
    key: Str<'_>,
    hostpath: Str<'_>,
    ftype: u32,
    begin: u64,
    size: u64,
) -> Result<(), Errno> {
    let registry = lwp.state::<Registry>()?;
    registry.register(lwp, key.get()?, hostpath.get()?, ftype, (begin, size))
}

/// Takes it away: its node, and the disk; or unmounts the directory. ENOENT: nothing was registered by this name; EBUSY: the
/// directory is used. Who has the disk open or mounted has ENXIO from then on.
#[public(etfs)]
pub fn remove(lwp: &Lwp<'_>, key: Str<'_>) -> Result<(), Errno> {
    lwp.state::<Registry>()?.remove(lwp, key.get()?)
}
