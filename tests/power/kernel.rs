//! A kernel that has a disk mounted on `/disk`, and what programs in it do.

use std::sync::Arc;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::Dev;
use dev::testing::RecordingDisk;
use syscall::consts::*;
use syscall::{Fd, Stat};
use vfs::syscalls as calls;

const fn param(
    component: &'static str,
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
) -> ParamSpec {
    ParamSpec {
        component,
        name,
        kind,
        default,
        doc: "",
    }
}

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &bio::COMPONENT,
        &vfs::COMPONENT,
        &tmpfs::COMPONENT,
        &ext2::COMPONENT,
        &ext4::COMPONENT,
        &fat::COMPONENT,
    ],
    params: &[
        param("base", "memory-limit", ParamKind::Bytes, "64MiB"),
        param("bio", "buffer-cache", ParamKind::Bytes, "256KiB"),
        param("vfs", "page-cache", ParamKind::Bytes, "256KiB"),
        param("vfs", "root", ParamKind::Text, "tmpfs"),
        param("vfs", "mount", ParamKind::Text, ""),
    ],
};

/// Does something in a kernel that has the disk mounted, unmounts it, and says whether that went well.
pub(crate) fn with_disk<R>(
    disk: &Arc<RecordingDisk>,
    f: impl FnOnce(&Lwp<'_>) -> R,
) -> (R, Result<(), Errno>) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).expect("it boots");
    let result = enter(kernel.process(), |lwp| {
        lwp.state::<Dev>()?.add_disk("image", disk.clone());
        calls::mkdir(lwp, "/disk".into(), 0o755)?;
        calls::mount(
            lwp,
            "image0".into(),
            "/disk".into(),
            "auto".into(),
            0,
            "".into(),
        )?;
        let result = f(lwp);
        Ok((result, calls::umount2(lwp, "/disk".into(), MNT_FORCE)))
    });
    result.unwrap_or_else(|errno| panic!("the kernel died: {errno}"))
}

pub(crate) fn open(lwp: &Lwp<'_>, path: &str, flags: u32) -> Result<Fd, Errno> {
    Ok(Fd(calls::open(lwp, path.into(), flags, 0o644)?.0))
}

pub(crate) fn close(lwp: &Lwp<'_>, fd: Fd) {
    base::syscalls::close(lwp, fd).expect("it is open");
}

/// Does something with an open file, and closes it.
pub(crate) fn opened<R>(
    lwp: &Lwp<'_>,
    path: &str,
    flags: u32,
    f: impl FnOnce(Fd) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let fd = open(lwp, path, flags)?;
    let result = f(Fd(fd.0));
    close(lwp, fd);
    result
}

/// Writes all of it to a place.
pub(crate) fn write_at(lwp: &Lwp<'_>, fd: &Fd, bytes: &[u8], at: usize) -> Result<(), Errno> {
    let mut done = 0;
    while done < bytes.len() {
        let rest = bytes[done..].into();
        done += calls::pwrite(lwp, Fd(fd.0), rest, (at + done) as i64)?;
    }
    Ok(())
}

/// What is in a file; nothing if there is none.
pub(crate) fn contents(lwp: &Lwp<'_>, path: &str) -> Result<Option<Vec<u8>>, Errno> {
    let mut known = Stat::default();
    match calls::stat(lwp, path.into(), (&mut known).into()) {
        Err(Errno::ENOENT) => return Ok(None),
        known => known?,
    }
    let mut bytes = vec![0; known.size as usize];
    opened(lwp, path, O_RDONLY, |fd| {
        let mut done = 0;
        while done < bytes.len() {
            let rest = (&mut bytes[done..]).into();
            match calls::pread(lwp, Fd(fd.0), rest, done as i64)? {
                0 => break,
                count => done += count,
            }
        }
        Ok(())
    })?;
    Ok(Some(bytes))
}
