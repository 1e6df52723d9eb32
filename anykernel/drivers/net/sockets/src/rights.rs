//! What travels with messages: open files, from descriptors and to descriptors again, and who sent.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp, OpenFile};
use syscall::consts::{SCM_CREDENTIALS, SCM_RIGHTS, SOL_SOCKET};
use syscall::{Control, Credentials, Fd, NewFd};

/// The most descriptors one message may carry (Linux's `SCM_MAX_FD`).
const MOST: usize = 253;

/// The open files of the descriptors that control data names. `EBADF` for one that is none, `EINVAL` for too many and
/// for control data of this level that is of another kind, `EPERM` for credentials that are not the sender's.
pub(crate) fn collect(lwp: &Lwp<'_>, control: &[Control]) -> Result<Vec<Arc<OpenFile>>, Errno> {
    let mut files = Vec::new();
    let result = control.iter().try_for_each(|one| add(lwp, one, &mut files));
    match result {
        Ok(()) => Ok(files),
        Err(errno) => {
            release(lwp, files);
            Err(errno)
        }
    }
}

fn add(lwp: &Lwp<'_>, control: &Control, files: &mut Vec<Arc<OpenFile>>) -> Result<(), Errno> {
    match (control.level, control.kind) {
        (SOL_SOCKET, SCM_RIGHTS) => {}
        (SOL_SOCKET, SCM_CREDENTIALS) => return is_true(lwp, &control.data),
        (SOL_SOCKET, _) => return Err(Errno::EINVAL),
        _ => return Ok(()),
    }
    let (descriptors, _) = control.data.as_chunks();
    if files.len() + descriptors.len() > MOST {
        return Err(Errno::EINVAL);
    }
    for descriptor in descriptors {
        let fd = Fd(i32::from_ne_bytes(*descriptor));
        files.push(lwp.process().get(lwp, fd)?);
    }
    Ok(())
}

/// Control data of other levels, which the protocol has to make something of.
pub(crate) fn others(control: &[Control]) -> Vec<Control> {
    let theirs = control.iter().filter(|one| one.level != SOL_SOCKET);
    theirs.cloned().collect()
}

/// Who a process is. Everybody is root.
pub(crate) fn credentials(pid: i32) -> Credentials {
    Credentials {
        pid,
        uid: 0,
        gid: 0,
    }
}

/// Holds `struct ucred` against who sends: `EPERM` for somebody else.
fn is_true(lwp: &Lwp<'_>, data: &[u8]) -> Result<(), Errno> {
    let data: &[u8; 12] = data.try_into().map_err(|_| Errno::EINVAL)?;
    let Credentials { pid, uid, gid } = credentials(lwp.process().pid());
    match [pid as u32, uid, gid].map(u32::to_ne_bytes).as_flattened() == data {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// Opens descriptors for files, for as many as there is `room` for and as the process may have. Says whether those
/// were all.
pub(crate) fn install(
    lwp: &Lwp<'_>,
    files: Vec<Arc<OpenFile>>,
    room: usize,
    close_on_exec: bool,
) -> (Vec<NewFd>, bool) {
    let count = files.len();
    let mut files = files.into_iter();
    let installed: Vec<NewFd> = files
        .by_ref()
        .take(room)
        .map_while(|open| lwp.process().install(lwp, open, close_on_exec).ok())
        .collect();
    release(lwp, files.collect());
    let all = installed.len() == count;
    (installed, all)
}

/// Gives up files that nobody wants. Most often there are none.
#[inline]
pub(crate) fn release(lwp: &Lwp<'_>, files: Vec<Arc<OpenFile>>) {
    if !files.is_empty() {
        release_all(lwp, files);
    }
}

#[cold]
fn release_all(lwp: &Lwp<'_>, files: Vec<Arc<OpenFile>>) {
    for open in files {
        open.release(lwp);
    }
}
