//! The whole of it as a C program has it, on a kernel of base alone.

use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use base::{Errno, Events, File, Lwp, Readiness, System};
use syscall::Fd;

extern crate std;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT],
    params: &[base::ParamSpec {
        component: "base",
        name: "log-level",
        kind: base::ParamKind::Choice(&["error", "warning"]),
        default: "warning",
        doc: "",
    }],
};

crate::entry_points!(&SYSTEM);

fn getpid() -> i32 {
    crate::syscall(base::syscalls::getpid)
}

fn close(fd: i32) -> i32 {
    crate::syscall(|lwp| base::syscalls::close(lwp, Fd(fd)))
}

/// A kernel the calling thread is inside of.
struct Inside(*mut crate::RawKernel);

impl Inside {
    fn boot() -> Inside {
        // SAFETY: null is good for parameters, and the handle is a new one.
        unsafe {
            let kernel = rump_boot(ptr::null());
            assert!(!kernel.is_null(), "{}", sim::console());
            assert_eq!(rump_enter(kernel), 0);
            Inside(kernel)
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // SAFETY: the handle of `boot`, used once.
        unsafe { rump_shutdown(self.0) };
    }
}

/// A file that counts how many were closed.
struct Counted {
    readiness: Readiness,
    closed: Arc<AtomicUsize>,
}

impl File for Counted {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn close(&self, _lwp: &Lwp<'_>) {
        self.closed.fetch_add(1, Relaxed);
    }
}

fn open(closed: &Arc<AtomicUsize>) -> i32 {
    crate::syscall(|lwp| {
        let file = Counted {
            readiness: Readiness::new(Events::OUT),
            closed: closed.clone(),
        };
        lwp.process().open(lwp, Arc::new(file), 0)
    })
}

#[test]
fn the_default_kernel() {
    assert_eq!(getpid(), -1);
    assert_eq!(sim::errno(), Errno::ENXIO.number());
    assert_eq!((rump_init(), rump_init()), (0, 0));
    assert_eq!(getpid(), 1);
    assert_eq!(close(17), -1);
    assert_eq!(sim::errno(), Errno::EBADF.number());
    let mut next = 0;
    // SAFETY: the place is good; null names the default kernel.
    unsafe {
        assert_eq!(rump_poll(&mut next), 0);
        rump_shutdown(ptr::null_mut());
    }
    assert_eq!(next, u64::MAX);
    assert_eq!(getpid(), -1);
    assert_eq!(sim::errno(), Errno::EIO.number());
    assert_eq!(rump_init(), Errno::EIO.number());
}

#[test]
fn parameters_of_a_boot() {
    let boot = |params: &core::ffi::CStr| {
        // SAFETY: a string; a handle is shut down once.
        unsafe {
            let kernel = rump_boot(params.as_ptr().cast());
            if !kernel.is_null() {
                rump_shutdown(kernel);
            }
            !kernel.is_null()
        }
    };
    assert!(boot(c" log-level=error\n\tlog-level=warning "));
    assert!(!boot(c"log-levle=error"));
    assert_eq!(sim::errno(), Errno::EINVAL.number());
    assert!(!boot(c"log-level"));
    let console = sim::console();
    let expected = "rump: unknown parameter \"log-levle\"; did you mean \"log-level\"?\n\
                    rump: parameter \"log-level\" has no value; write log-level=VALUE\n";
    assert_eq!(console, expected);
}

#[test]
fn kernels_share_nothing() {
    let closed = Arc::new(AtomicUsize::new(0));
    let first = Inside::boot();
    let fd = open(&closed);
    let second = Inside::boot();
    assert_eq!(close(fd), -1);
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { rump_enter(first.0) }, 0);
    assert_eq!(open(&closed), fd + 1);
    drop(first);
    assert_eq!(closed.load(Relaxed), 2);
    assert!(rump_pub_lwproc_curlwp().is_null());
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { rump_enter(second.0) }, 0);
    assert_eq!(getpid(), 1);
}

#[test]
fn processes_copy_descriptors_or_have_none() {
    let closed = Arc::new(AtomicUsize::new(0));
    let _kernel = Inside::boot();
    let initial = rump_pub_lwproc_curlwp();
    let fd = open(&closed);

    assert_eq!(rump_pub_lwproc_rfork(crate::RFFDG), 0);
    let copy = (rump_pub_lwproc_curlwp(), getpid());
    assert!(copy.1 > 1);
    assert_eq!(close(fd), 0);
    assert_eq!(closed.load(Relaxed), 0);

    assert_eq!(rump_pub_lwproc_rfork(crate::RFCFDG), 0);
    assert_eq!(close(fd), -1);
    let own = open(&closed);
    let pid = getpid();
    assert_eq!(rump_pub_lwproc_newlwp(pid), 0);
    assert_eq!(getpid(), pid);
    let second = rump_pub_lwproc_curlwp();
    rump_pub_lwproc_releaselwp();
    assert!(rump_pub_lwproc_curlwp().is_null());
    assert_eq!(closed.load(Relaxed), 0, "another lwp keeps the process");

    // SAFETY: the lwps are alive.
    unsafe {
        rump_pub_lwproc_switch(copy.0);
        assert_eq!(getpid(), copy.1);
        rump_pub_lwproc_switch(initial);
    }
    assert_ne!(second, copy.0);
    assert_eq!((getpid(), close(fd)), (1, 0));
    assert_eq!(closed.load(Relaxed), 1);
    assert_eq!(rump_pub_lwproc_newlwp(4711), 3);
    assert_eq!(rump_pub_lwproc_newlwp(1), 0);
    assert_eq!(getpid(), 1);
    rump_pub_lwproc_releaselwp();
    // SAFETY: as above; the kernel's own lwp outlives others of its process.
    unsafe { rump_pub_lwproc_switch(initial) };
    assert_eq!(getpid(), 1);
    assert_eq!(own, 0);
    assert_eq!(rump_pub_lwproc_rfork(0), Errno::ENOSYS.number());
    assert_eq!(rump_pub_lwproc_rfork(3), Errno::EINVAL.number());
}

#[test]
fn the_last_lwp_takes_its_process_along() {
    let closed = Arc::new(AtomicUsize::new(0));
    let kernel = Inside::boot();
    assert_eq!(rump_pub_lwproc_rfork(crate::RFCFDG), 0);
    open(&closed);
    let pid = getpid();
    rump_pub_lwproc_releaselwp();
    assert_eq!(closed.load(Relaxed), 1);
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { rump_enter(kernel.0) }, 0);
    assert_eq!(rump_pub_lwproc_newlwp(pid), 3);
}

#[test]
fn a_panic_ends_the_kernel_and_not_the_program() {
    let kernel = Inside::boot();
    assert_eq!(crate::syscall::<i32>(|_| panic!("as asked")), -1);
    assert_eq!(sim::errno(), Errno::EIO.number());
    assert_eq!(getpid(), -1);
    // SAFETY: the handle is alive.
    assert_eq!(unsafe { rump_enter(kernel.0) }, Errno::EIO.number());
    assert_eq!(crate::public(|_| Ok(())), Errno::EIO.number());
    let _other = Inside::boot();
    assert_eq!(getpid(), 1);
}
