//! Cookies: how an object of the kernel becomes a word for the platform, and back.
#![allow(unsafe_code)]

use alloc::boxed::Box;
use alloc::sync::Arc;

use hypercall::Upcall;

use crate::Errno;

/// What an upcall can end at.
pub(crate) trait Called: Send + Sync {
    fn called(self: &Arc<Self>);
}

/// Keeps the object of an upcall alive. To be dropped once the platform has forgotten the upcall.
pub struct UpcallGuard {
    _kept: Box<dyn Send + Sync>,
}

/// An upcall that schedules `work`, from any context.
pub fn upcall(work: &Arc<crate::Work>) -> (Upcall, UpcallGuard) {
    upcall_to(work)
}

pub(crate) fn upcall_to<T: Called + 'static>(object: &Arc<T>) -> (Upcall, UpcallGuard) {
    extern "C-unwind" fn arrive<T: Called>(cookie: usize) {
        // SAFETY: the cookie is the address of the `Arc` that the guard keeps in place, and the
        // platform forgets the upcall before the guard drops.
        let object = unsafe { &*(cookie as *const Arc<T>) };
        object.called();
    }

    // In a box, for an address of its own.
    let kept = Box::new(object.clone());
    let cookie = core::ptr::from_ref(&*kept) as usize;
    (
        Upcall::new(arrive::<T>, cookie),
        UpcallGuard { _kept: kept },
    )
}

/// Runs `f` on a thread of the host's, or gives its error.
#[cfg(feature = "threads")]
pub(crate) fn spawn(f: impl FnOnce() + Send + 'static) -> Result<(), Errno> {
    type Body = Box<dyn FnOnce() + Send>;

    extern "C-unwind" fn run(cookie: usize) {
        // SAFETY: the cookie is the box let go of below, and the host calls once.
        let body = unsafe { Box::from_raw(cookie as *mut Body) };
        body();
    }

    let body: Box<Body> = Box::new(Box::new(f));
    let cookie = Box::into_raw(body);
    let answer = crate::host::spawn(Upcall::new(run, cookie as usize));
    Errno::check(answer).map(drop).inspect_err(|_| {
        // SAFETY: the host refused, so nobody else will ever take it.
        drop(unsafe { Box::from_raw(cookie) });
    })
}

/// There are no threads: `ENOSYS`. What `f` would call is then not in the program.
#[cfg(not(feature = "threads"))]
pub(crate) fn spawn(_f: impl FnOnce() + Send + 'static) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

/// A value that stays on the thread of an instance, inside something that is shared in general.
///
/// Where there are no threads, a process is bound to the one its kernel booted on, and so is what
/// the instance itself holds of it.
pub(crate) struct Bound<T>(pub(crate) T);

// SAFETY: with threads, what is bound here is `Send + Sync` itself. Without, a `Kernel` and an `Lwp` are the
// only ways to an instance and neither leaves its thread: no thread is made, and the platform calls on that
// one too.
unsafe impl<T> Send for Bound<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Bound<T> {}
