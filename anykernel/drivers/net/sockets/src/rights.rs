//! Open files that travel with messages: from descriptors to files, and to descriptors again.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp, OpenFile};
use syscall::consts::{SCM_RIGHTS, SOL_SOCKET};
use syscall::{Control, Fd, NewFd};

/// The most descriptors one message may carry (Linux's `SCM_MAX_FD`).
const MOST: usize = 253;

/// The open files of the descriptors that control data names. `EBADF` for one that is none, `EINVAL` for too many and
/// for control data of another kind.
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
    if (control.level, control.kind) != (SOL_SOCKET, SCM_RIGHTS) {
        return Err(Errno::EINVAL);
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
    release(lwp, files);
    let all = installed.len() == count;
    (installed, all)
}

/// Gives up files that nobody wants.
pub(crate) fn release(lwp: &Lwp<'_>, files: impl IntoIterator<Item = Arc<OpenFile>>) {
    for open in files {
        open.release(lwp);
    }
}
