//! Mounts.

use alloc::string::String;
use alloc::vec::Vec;

use syscall::StatFs;
use syscall::consts::{MNT_FORCE, MS_RDONLY};
use vfs::{MakeArguments, Vfs, syscalls};

use crate::fs::Usage;
use crate::{Kernel, Level, Result};

/// How something is mounted.
#[derive(Clone, Debug, Default)]
pub struct MountOptions {
    read_only: bool,
    options: String,
}

impl MountOptions {
    /// For reading and writing, without options of the file system's own.
    pub fn new() -> Self {
        MountOptions::default()
    }

    /// For reading only.
    pub fn read_only(mut self, on: bool) -> Self {
        self.read_only = on;
        self
    }

    /// Options of the file system's own, separated by commas.
    pub fn options(mut self, options: &str) -> Self {
        self.options = options.into();
        self
    }
}

/// A mount there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The kind of file system.
    pub format: &'static str,
    /// What it was mounted from.
    pub source: Vec<u8>,
    /// Whether it is for reading only.
    pub read_only: bool,
}

/// Mounts `source`, such as the name of a disk, on a directory. Without a `format` it is recognised. Why it failed is in the
/// [log](Kernel::log_lines).
pub fn mount(
    kernel: &Kernel,
    source: impl AsRef<[u8]>,
    target: impl AsRef<[u8]>,
    format: Option<&str>,
    options: MountOptions,
) -> Result<()> {
    let flags = if options.read_only { MS_RDONLY } else { 0 };
    kernel.enter(|lwp| {
        syscalls::mount(
            lwp,
            source.as_ref().into(),
            target.as_ref().into(),
            format.unwrap_or("auto").into(),
            flags.into(),
            options.options.as_str().into(),
        )
    })
}

/// Writes everything and unmounts. `EBUSY` while something of it is open.
pub fn unmount(kernel: &Kernel, target: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::umount2(lwp, target.as_ref().into(), 0))
}

/// Unmounts whoever uses it; what cannot be written is lost.
pub fn force_unmount(kernel: &Kernel, target: impl AsRef<[u8]>) -> Result<()> {
    kernel.enter(|lwp| syscalls::umount2(lwp, target.as_ref().into(), MNT_FORCE))
}

/// Makes a new file system of a kind on `source`, the name of a disk, whatever is there now. `label` is its name for people,
/// or empty. `EOPNOTSUPP` if the kind's driver makes none, `EBUSY` if it is mounted. Why it failed is in the
/// [log](Kernel::log_lines).
pub fn make(kernel: &Kernel, source: impl AsRef<[u8]>, format: &str, label: &str) -> Result<()> {
    let source = source.as_ref();
    kernel.enter(|lwp| {
        let made = lwp
            .state::<Vfs>()?
            .make(lwp, format, &MakeArguments { source, label });
        made.map_err(|failure| {
            let line = format_args!("make: {failure}");
            base::write_log(lwp.instance(), Level::Warning, line);
            failure.errno()
        })
    })
}

/// The kinds of file systems that there are.
pub fn formats(kernel: &Kernel) -> Result<Vec<&'static str>> {
    kernel.enter(|lwp| Ok(lwp.state::<Vfs>()?.formats()))
}

/// The kind of file system that a source, such as the name of a disk, looks like; nothing if none is recognised.
pub fn recognise(kernel: &Kernel, source: impl AsRef<[u8]>) -> Result<Option<&'static str>> {
    kernel.enter(|lwp| Ok(lwp.state::<Vfs>()?.recognise(lwp, source.as_ref())))
}

/// All mounts, in the order they were made.
pub fn mounts(kernel: &Kernel) -> Result<Vec<Mounted>> {
    kernel.enter(|lwp| {
        let mounts = lwp.state::<Vfs>()?.mounts();
        let mounted = |mount: &alloc::sync::Arc<vfs::Mount>| Mounted {
            format: mount.options().format,
            source: mount.options().source.clone(),
            read_only: mount.is_read_only(),
        };
        Ok(mounts.iter().map(mounted).collect())
    })
}

/// How full the file system is that a path leads to.
pub fn usage(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Usage> {
    let mut stat = StatFs::default();
    kernel.enter(|lwp| syscalls::statfs(lwp, path.as_ref().into(), (&mut stat).into()))?;
    Ok(Usage::new(&stat))
}
