//! What is registered, and what became of it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Exclusive, Level, Lwp, log};
use dev::{Block, Dev};
use devfs::Devfs;
use disk::Disks;
use syscall::Fd;
use syscall::consts::*;
use vfs::syscalls::{mkdir, mknodat, mount, umount2, unlink};
use vfs::{Person, Vfs};

use crate::window::Window;

/// What a name stands for.
enum Kind {
    Disk {
        unit: Arc<Block>,
        /// The part of it that is meant, if it is not all.
        window: Option<Arc<Block>>,
    },
    Directory,
}

/// All names.
pub(crate) struct Registry {
    names: Leaf<Vec<(String, Kind)>>,
    /// Held by whoever registers or takes away.
    turn: Exclusive<()>,
}

/// `EPERM` unless the process may reach for what is the host's.
fn check_root(lwp: &Lwp<'_>) -> Result<(), Errno> {
    match Person::of(lwp)?.credentials().is_root() {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// Makes the directories that a path goes through.
fn make_directories(lwp: &Lwp<'_>, path: &str) -> Result<(), Errno> {
    let slashes = path.match_indices('/').skip(1);
    for (end, _) in slashes {
        match mkdir(lwp, path[..end].into(), 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

impl Registry {
    pub(crate) fn new() -> Self {
        Registry {
            names: Leaf::new(Vec::new()),
            turn: Exclusive::new(()),
        }
    }

    /// Gives what the host calls `host` the name `key`; of a file, `part` is from which byte on and how many.
    pub(crate) fn register(
        &self,
        lwp: &Lwp<'_>,
        key: &str,
        host: &str,
        kind: u32,
        part: (u64, u64),
    ) -> Result<(), Errno> {
        check_root(lwp)?;
        if !key.starts_with('/') || key.ends_with('/') {
            return Err(Errno::EINVAL);
        }
        self.turn.with(lwp, |()| {
            let there = |names: &mut Vec<(String, Kind)>| names.iter().any(|(name, _)| name == key);
            if self.names.with(there) {
                return Err(Errno::EEXIST);
            }
            make_directories(lwp, key)?;
            let kind = match kind {
                ETFS_REG | ETFS_BLK => register_disk(lwp, key, host, part)?,
                ETFS_DIR | ETFS_DIR_SUBDIRS => {
                    mkdir(lwp, key.into(), 0o755)?;
                    mount(
                        lwp,
                        host.into(),
                        key.into(),
                        syscall::Str::new(Ok(hostfs::NAME)),
                        0,
                        "".into(),
                    )?;
                    Kind::Directory
                }
                ETFS_CHR => return Err(Errno::EOPNOTSUPP),
                _ => return Err(Errno::EINVAL),
            };
            self.names.with(|names| names.push((key.into(), kind)));
            Ok(())
        })?
    }

    /// Takes a name away.
    pub(crate) fn remove(&self, lwp: &Lwp<'_>, key: &str) -> Result<(), Errno> {
        check_root(lwp)?;
        self.turn.with(lwp, |()| {
            let place =
                |names: &mut Vec<(String, Kind)>| names.iter().position(|(name, _)| name == key);
            let place = self.names.with(place).ok_or(Errno::ENOENT)?;
            let is_directory =
                |names: &mut Vec<(String, Kind)>| matches!(names[place].1, Kind::Directory);
            if self.names.with(is_directory) {
                umount2(lwp, key.into(), 0)?;
            } else {
                // What was written through its node may be in memory only.
                lwp.state::<Vfs>()?.sync(lwp)?;
                // A program may have taken the node away itself.
                match unlink(lwp, key.into()) {
                    Ok(()) | Err(Errno::ENOENT) => {}
                    Err(errno) => return Err(errno),
                }
            }
            match self.names.with(|names| names.remove(place)).1 {
                Kind::Disk { unit, window } => detach(lwp, &unit, window.as_ref()),
                Kind::Directory => Ok(()),
            }
        })?
    }
}

fn register_disk(lwp: &Lwp<'_>, key: &str, host: &str, part: (u64, u64)) -> Result<Kind, Errno> {
    let disks = lwp.state::<Disks>()?;
    let unit = match disks.attach(lwp, host, false) {
        Err(Errno::EACCES | Errno::EPERM | Errno::EROFS) => disks.attach(lwp, host, true),
        attached => attached,
    };
    let unit = unit.inspect_err(|errno| {
        let why = disk::refusal(host, *errno);
        log!(lwp.instance(), Level::Warning, "etfs: {key}: {why}");
    })?;
    let mut window = None;
    let made = (|| {
        if part != (0, ETFS_SIZE_ENDOFF) {
            let disk = Arc::new(Window::new(&unit, part.0, part.1)?);
            window = Some(lwp.state::<Dev>()?.add_disk("etfs", disk));
        }
        let kind = lwp
            .state::<Devfs>()?
            .block(window.as_ref().unwrap_or(&unit));
        let device = kind.device().ok_or(Errno::ENXIO)?;
        let mode = kind.bits() | 0o600;
        mknodat(lwp, Fd(AT_FDCWD), key.into(), mode, device.number())
    })();
    match made {
        Ok(()) => Ok(Kind::Disk { unit, window }),
        Err(errno) => {
            detach(lwp, &unit, window.as_ref())?;
            Err(errno)
        }
    }
}

fn detach(lwp: &Lwp<'_>, unit: &Arc<Block>, window: Option<&Arc<Block>>) -> Result<(), Errno> {
    if let Some(window) = window {
        lwp.state::<Dev>()?.remove_disk(window);
    }
    lwp.state::<Disks>()?.detach(lwp, unit.name())
}
