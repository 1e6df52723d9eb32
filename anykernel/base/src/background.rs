//! What may wait, though nobody waits for it: deferred work never does, so this has a thread of its own.

use crate::{Errno, Lwp};

/// Runs `f` on a thread of its own, as a process of its own, or gives the host's error. A kernel that ends meanwhile has
/// whatever `f` waits for fail.
#[cfg(feature = "threads")]
pub fn background(lwp: &Lwp<'_>, f: impl FnOnce(&Lwp<'_>) + Send + 'static) -> Result<(), Errno> {
    use crate::{Process, enter};

    let process = Process::new(lwp.instance());
    crate::upcall::spawn(move || {
        // Of a kernel that has ended nothing is left to do.
        let _ = enter(&process, |lwp| {
            f(lwp);
            process.exit(lwp);
            Ok(())
        });
    })
}

/// Runs `f` at once, where there are no other threads. `EAGAIN` while a call waits, which may be in the middle of what `f`
/// would wait for.
#[cfg(not(feature = "threads"))]
pub fn background(lwp: &Lwp<'_>, f: impl FnOnce(&Lwp<'_>) + Send + 'static) -> Result<(), Errno> {
    match lwp.instance().sleepers.any() {
        true => Err(Errno::EAGAIN),
        false => {
            f(lwp);
            Ok(())
        }
    }
}
