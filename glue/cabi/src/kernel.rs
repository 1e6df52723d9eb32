//! The kernels of a C program: the default one, and others by handle.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use base::{Config, Errno, Kernel, System};
use hypercall::{clock, console, tls};

use crate::call::set_errno;
use crate::lwp::{RawLwp, bind, current};

/// A kernel a C program booted: `struct rump_kernel`.
pub struct RawKernel(Arc<RawLwp>);

/// The default kernel's own lwp, once it was booted; a reference that is never given back.
static DEFAULT: AtomicPtr<RawLwp> = AtomicPtr::new(ptr::null_mut());
/// Some thread boots the default kernel.
static BOOTING: AtomicBool = AtomicBool::new(false);

#[inline(always)]
pub(crate) fn default_lwp() -> *const RawLwp {
    DEFAULT.load(Ordering::Acquire)
}

fn boot_lwp(system: &'static System, params: &str) -> Result<Arc<RawLwp>, Errno> {
    let config =
        params
            .split_ascii_whitespace()
            .try_fold(Config::new(), |config, pair| match pair.split_once('=') {
                Some((name, value)) => Ok(config.param(name, value)),
                None => Err(refuse(
                    format!("parameter \"{pair}\" has no value; write {pair}=VALUE"),
                    Errno::EINVAL,
                )),
            })?;
    let kernel =
        Kernel::boot(system, &config).map_err(|error| refuse(format!("{error}"), error.errno()))?;
    Ok(RawLwp::initial(kernel))
}

/// Says on the console why there is no kernel: an error number alone would not.
fn refuse(reason: alloc::string::String, error: Errno) -> Errno {
    console::write(format!("rump: {reason}\n").as_str().into());
    error
}

/// `rump_init`: boots the default kernel unless it was booted already. Zero, or the error number;
/// `EIO` if it has died or was shut down.
pub fn init(system: &'static System) -> i32 {
    while BOOTING.swap(true, Ordering::Acquire) {
        core::hint::spin_loop();
    }
    let lwp = DEFAULT.load(Ordering::Relaxed);
    let result = if lwp.is_null() {
        boot_lwp(system, "").map(|lwp| {
            DEFAULT.store(Arc::into_raw(lwp).cast_mut(), Ordering::Release);
        })
    } else {
        // SAFETY: the default kernel's lwp is never freed.
        match unsafe { &*lwp }.kernel().is_dead() {
            false => Ok(()),
            true => Err(Errno::EIO),
        }
    };
    BOOTING.store(false, Ordering::Release);
    result.map_or_else(Errno::number, |()| 0)
}

/// `rump_boot`: boots a kernel with parameters `name=value`, separated by white space. Null on
/// failure, with `errno` set.
///
/// # Safety
///
/// `params` is null or a string.
pub unsafe fn boot(system: &'static System, params: *const u8) -> *mut RawKernel {
    let params = match params.is_null() {
        true => c"",
        // SAFETY: the caller's word.
        false => unsafe { CStr::from_ptr(params.cast()) },
    };
    let params = params
        .to_str()
        .map_err(|_| refuse("parameters are not UTF-8".into(), Errno::EINVAL));
    match params.and_then(|params| boot_lwp(system, params)) {
        Ok(lwp) => Box::into_raw(Box::new(RawKernel(lwp))),
        Err(error) => {
            set_errno(error);
            ptr::null_mut()
        }
    }
}

/// `rump_enter`: binds the calling thread to the initial process of `kernel`, or, if it is null, to
/// that of the default kernel. Zero, or `EIO` if the kernel is dead: the binding is then as before.
///
/// # Safety
///
/// `kernel` is null or came from [`boot`] and was not shut down.
pub unsafe fn enter(kernel: *mut RawKernel) -> i32 {
    if kernel.is_null() {
        bind(None);
        return 0;
    }
    // SAFETY: the caller's word.
    let kernel = unsafe { &*kernel };
    if kernel.0.kernel().is_dead() {
        return Errno::EIO.number();
    }
    bind(Some(kernel.0.clone()));
    0
}

/// `rump_leave`: binds the calling thread to the default kernel's initial process.
pub fn leave() {
    bind(None);
}

/// `rump_shutdown`: ends a kernel, or, if `kernel` is null, the default one. Threads that are bound
/// to it stay so, and get `EIO`, except the calling one, which leaves.
///
/// # Safety
///
/// `kernel` is null or came from [`boot`] and was not shut down.
pub unsafe fn shutdown(kernel: *mut RawKernel) {
    if kernel.is_null() {
        let lwp = default_lwp();
        if !lwp.is_null() {
            // SAFETY: the default kernel's lwp is never freed.
            unsafe { &*lwp }.kernel().shutdown();
        }
        return;
    }
    // SAFETY: the caller's word; the handle ends here.
    let RawKernel(lwp) = *unsafe { Box::from_raw(kernel) };
    lwp.kernel().shutdown();
    if ptr::eq(Arc::as_ptr(&lwp), tls::word() as *const RawLwp) {
        bind(None);
    }
}

/// `rump_poll`: does the work of the calling thread's kernel that is due and stores when there is
/// more. Zero, or the error number.
///
/// # Safety
///
/// `next` is null or good for writing.
pub unsafe fn poll(next: *mut u64) -> i32 {
    let due = current(|lwp| match lwp.kernel().is_dead() {
        false => Ok(lwp.kernel().poll()),
        true => Err(Errno::EIO),
    });
    match due {
        Ok(due) => {
            if !next.is_null() {
                // SAFETY: the caller's word.
                unsafe { next.write(due.unwrap_or(u64::MAX)) };
            }
            0
        }
        Err(error) => error.number(),
    }
}

/// `rump_now`: nanoseconds of the host's monotonic clock, which a program cannot read by itself where it
/// is a simulated one.
pub fn now() -> u64 {
    clock::monotonic()
}
