//! On whose behalf a thread calls: the processes of C programs and the threads' bindings to them.
//!
//! A thread's word (hypercall group `tls`) is zero or a counted reference to a [`RawLwp`]. With zero the
//! thread acts in the initial process of the default kernel. A thread that ends while it is bound never
//! gives its reference back: as in NetBSD, it releases its lwp, or leaves, before.
// Without threads a kernel stays on one, and so does what counts references to it.
#![allow(clippy::arc_with_non_send_sync)]

use alloc::sync::{Arc, Weak};
use alloc::vec;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base::sync::Mutex;
use base::{Errno, Kernel, Lwp, Process};
use hypercall::tls;

use crate::kernel;

/// `rfork`: the new process gets copies of the caller's descriptors.
pub const RFFDG: i32 = 1;
/// `rfork`: the new process has no descriptors.
pub const RFCFDG: i32 = 2;

const ESRCH: Errno = Errno::from_number(3);

/// A kernel and the processes that C programs made in it.
struct World {
    kernel: Kernel,
    owners: Mutex<Vec<Weak<Owner>>>,
}

/// A process, as long as it has lwps.
struct Owner {
    world: Arc<World>,
    process: Arc<Process>,
    lwps: AtomicUsize,
}

/// An lwp of a C program: `struct lwp`.
pub struct RawLwp {
    /// As in `owner`; here for the way of every call.
    process: Arc<Process>,
    owner: Arc<Owner>,
    /// Somebody made it and has to release it. The kernel's own is never released.
    unreleased: AtomicBool,
}

impl RawLwp {
    /// The kernel's own lwp of its initial process.
    pub(crate) fn initial(kernel: Kernel) -> Arc<RawLwp> {
        let process = kernel.process().clone();
        let owner = Arc::new_cyclic(|owner: &Weak<Owner>| Owner {
            world: Arc::new(World {
                kernel,
                owners: Mutex::new(vec![owner.clone()]),
            }),
            process,
            lwps: AtomicUsize::new(1),
        });
        RawLwp::of(owner, false)
    }

    fn of(owner: Arc<Owner>, made: bool) -> Arc<RawLwp> {
        Arc::new(RawLwp {
            process: owner.process.clone(),
            owner,
            unreleased: AtomicBool::new(made),
        })
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.owner.world.kernel
    }
}

impl Owner {
    /// Counts one lwp more, unless the last one has ended.
    fn join(&self) -> bool {
        let more = |lwps| (lwps > 0).then_some(lwps + 1);
        self.lwps
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// Counts one lwp less; the process ends with the last.
    fn leave(&self) {
        if self.lwps.fetch_sub(1, Ordering::AcqRel) == 1 {
            // In a dead kernel there is nothing left to close.
            let _ = base::enter(&self.process, |lwp| {
                self.process.exit(lwp);
                Ok(())
            });
        }
    }
}

/// The lwp the calling thread acts as; `ENXIO` before any kernel was booted.
#[inline(always)]
pub(crate) fn current<R>(f: impl FnOnce(&RawLwp) -> Result<R, Errno>) -> Result<R, Errno> {
    let mut lwp = tls::word() as *const RawLwp;
    if lwp.is_null() {
        lwp = kernel::default_lwp();
        if lwp.is_null() {
            return Err(Errno::ENXIO);
        }
    }
    // SAFETY: the thread's word counts as a reference and only this thread changes it, not while it
    // is inside a call; the default kernel's lwp is never freed.
    f(unsafe { &*lwp })
}

/// Runs a call inside the kernel the thread is bound to.
#[inline]
pub(crate) fn inside<R>(call: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
    current(|lwp| base::enter(&lwp.process, call))
}

/// Binds the calling thread.
pub(crate) fn bind(to: Option<Arc<RawLwp>>) {
    let before = tls::word() as *const RawLwp;
    tls::set_word(to.map_or(ptr::null(), Arc::into_raw) as usize);
    if !before.is_null() {
        // SAFETY: the word counted as a reference, and does not any more.
        drop(unsafe { Arc::from_raw(before) });
    }
}

/// `rump_pub_lwproc_rfork`: a new process with one lwp, which the calling thread becomes.
pub fn lwproc_rfork(flags: i32) -> i32 {
    let copy = match flags {
        RFFDG => true,
        RFCFDG => false,
        // Two processes with one table of descriptors are not to be had; two lwps of one process are.
        0 => return Errno::ENOSYS.number(),
        _ => return Errno::EINVAL.number(),
    };
    become_lwp(current(|parent| {
        let world = &parent.owner.world;
        let owner = Arc::new(Owner {
            world: world.clone(),
            process: world.kernel.fork(),
            lwps: AtomicUsize::new(1),
        });
        base::enter(&owner.process, |lwp| {
            owner.process.inherit(&parent.process);
            if copy {
                owner.process.copy_files(lwp, &parent.process)?;
            }
            let mut owners = world.owners.lock(lwp);
            owners.retain(|owner| owner.strong_count() > 0);
            owners.push(Arc::downgrade(&owner));
            Ok(())
        })?;
        Ok(owner)
    }))
}

/// `rump_pub_lwproc_newlwp`: a new lwp of the process `pid`, which the calling thread becomes.
pub fn lwproc_newlwp(pid: i32) -> i32 {
    become_lwp(current(|caller| {
        let owner = base::enter(&caller.process, |lwp| {
            let owners = caller.owner.world.owners.lock(lwp);
            let mut alive = owners.iter().filter_map(Weak::upgrade);
            Ok(alive.find(|owner| owner.process.pid() == pid))
        })?;
        owner.filter(|owner| owner.join()).ok_or(ESRCH)
    }))
}

/// The calling thread becomes a new lwp of a process, which lives until it is released.
fn become_lwp(owner: Result<Arc<Owner>, Errno>) -> i32 {
    match owner {
        Ok(owner) => {
            let lwp = RawLwp::of(owner, true);
            // The reference that `lwproc_releaselwp` takes back.
            let _life = ManuallyDrop::new(lwp.clone());
            bind(Some(lwp));
            0
        }
        Err(error) => error.number(),
    }
}

/// `rump_pub_lwproc_releaselwp`: ends the calling thread's lwp.
pub fn lwproc_releaselwp() {
    let lwp = tls::word() as *const RawLwp;
    if lwp.is_null() {
        return;
    }
    // SAFETY: the word counts as a reference, which `bind` takes back after the last use here.
    if unsafe { &*lwp }.unreleased.swap(false, Ordering::AcqRel) {
        // SAFETY: the reference of `become_lwp`, taken back once.
        let life = unsafe { Arc::from_raw(lwp) };
        life.owner.leave();
    }
    bind(None);
}

/// `rump_pub_lwproc_switch`: binds the calling thread to an lwp, or to none.
///
/// # Safety
///
/// `lwp` is null or came from [`lwproc_curlwp`] and was not released.
pub unsafe fn lwproc_switch(lwp: *mut RawLwp) {
    if lwp.is_null() {
        return bind(None);
    }
    // SAFETY: the caller's word that it is alive: somebody holds a reference to it, to which this adds one.
    let lwp = unsafe {
        Arc::increment_strong_count(lwp.cast_const());
        Arc::from_raw(lwp.cast_const())
    };
    bind(Some(lwp));
}

/// `rump_pub_lwproc_curlwp`: the lwp the calling thread is bound to, or null.
pub fn lwproc_curlwp() -> *mut RawLwp {
    tls::word() as *mut RawLwp
}
