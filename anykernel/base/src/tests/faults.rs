//! A panic ends its kernel and no other.

use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::{Fd, UserIn, UserOut};

use super::{MS, Pipe, after, kernel, said, system};
use crate::sync::Leaf;
use crate::syscalls::{close, read, write};
use crate::*;

/// The kernel is dead, and its memory stays; another one works.
fn dead(kernel: Kernel, other: &Kernel) {
    assert!(kernel.is_dead() && kernel.instance().is_killed());
    assert_eq!(enter(kernel.process(), |_| Ok(())), Err(Errno::EIO));
    assert_eq!(kernel.poll(), None);
    let instance = Arc::downgrade(kernel.instance());
    drop(kernel);
    assert!(instance.upgrade().is_some());
    assert_eq!(said("test: dead;").len(), 1);
    assert!(sim::run_until_idle(u64::MAX));
    works(other);
}

fn works(kernel: &Kernel) {
    enter(kernel.process(), |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 10);
        after(lwp, MS, move |lwp| pipe.feed(lwp, 1));
        let mut byte = [0];
        assert_eq!(read(lwp, fd, UserOut::from(byte.as_mut_slice())), Ok(1));
        close(lwp, fd)
    })
    .unwrap();
}

#[test]
fn in_a_call_with_a_lock_held() {
    let (kernel, other) = (kernel(), kernel());
    let result = enter(kernel.process(), |lwp| {
        Pipe::open(lwp, 1).0.break_in_the_middle(lwp);
        Ok(())
    });
    assert_eq!(result, Err(Errno::EIO));
    assert_eq!(said("a fault with a lock held").len(), 1);
    dead(kernel, &other);
}

#[test]
fn in_a_callout_while_somebody_waits() {
    let (kernel, other) = (kernel(), kernel());
    let result = enter(kernel.process(), |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 1);
        let start = lwp.now();
        after(lwp, 10 * MS, move |lwp| pipe.break_in_the_middle(lwp));
        let mut byte = [0];
        let result = read(lwp, fd, UserOut::from(byte.as_mut_slice()));
        assert!(lwp.now() - start < 12 * MS);
        // The lock that was held is not to be had any more.
        let _ = write(lwp, fd, UserIn::from([1].as_slice()));
        unreachable!("in a dead kernel: {result:?}");
        #[expect(unreachable_code, reason = "it leaves at the lock")]
        Ok(())
    });
    assert_eq!(result, Err(Errno::EIO));
    assert_eq!(said("unreachable"), [""; 0]);
    dead(kernel, &other);
}

#[test]
fn in_deferred_work() {
    let (kernel, other) = (kernel(), kernel());
    Work::new(kernel.instance(), |_| panic!("a fault in work")).schedule();
    assert!(sim::run_until_idle(0));
    dead(kernel, &other);
}

struct Explosive(Readiness);

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("a fault in a destructor");
    }
}

impl File for Explosive {
    fn readiness(&self) -> &Readiness {
        &self.0
    }
}

fn explosive() -> Arc<Explosive> {
    Arc::new(Explosive(Readiness::new(Events::NONE)))
}

#[test]
fn in_a_file_s_destructor() {
    let (kernel, other) = (kernel(), kernel());
    let closed = enter(kernel.process(), |lwp| {
        let fd = lwp.process().open(lwp, explosive(), 0)?;
        close(lwp, Fd(fd.0))
    });
    assert_eq!(closed, Err(Errno::EIO));
    dead(kernel, &other);
}

#[test]
fn in_a_file_s_destructor_at_the_end() {
    let (kernel, other) = (kernel(), kernel());
    enter(kernel.process(), |lwp| {
        lwp.process().open(lwp, explosive(), 0)
    })
    .unwrap();
    kernel.shutdown();
    dead(kernel, &other);
}

#[test]
fn in_a_destructor_that_runs_when_a_dead_kernel_is_let_go() {
    let (kernel, other) = (kernel(), kernel());
    let child = kernel.fork();
    enter(&child, |lwp| lwp.process().open(lwp, explosive(), 0)).unwrap();
    let _ = enter(kernel.process(), |_| -> Result<(), _> { panic!("a fault") });
    drop(child);
    dead(kernel, &other);
    assert_eq!(said("a fault in a destructor"), [""; 0]);
}

#[test]
fn in_a_state_s_destructor() {
    static EXPLOSIVE: Component = Component::new("explosive").start(|boot| {
        boot.publish(explosive());
        Ok(())
    });
    let other = kernel();
    let kernel = Kernel::boot(system(&[&EXPLOSIVE]), &Config::new()).unwrap();
    drop(kernel);
    assert_eq!(said("a fault in a destructor").len(), 1);
    assert_eq!(said("test: dead;").len(), 1);
    works(&other);
}

#[test]
fn what_it_has_open_on_the_host_is_closed() {
    extern crate std;
    std::thread_local! {
        static CLOSED: Leaf<Vec<u64>> = const { Leaf::new(Vec::new()) };
    }
    fn close(handle: u64) {
        CLOSED.with(|closed| closed.with(|closed| closed.push(handle)));
    }
    let (kernel, other) = (kernel(), kernel());
    let [first, second] = [1, 2].map(|handle| kernel.instance().keep(handle, close));
    let alive = other.instance().keep(3, close);
    assert!(first.close() && !first.close());
    let _ = enter(kernel.process(), |_| -> Result<(), _> { panic!("a fault") });
    assert!(second.is_closed() && !second.close() && !alive.is_closed());
    dead(kernel, &other);
    let closed = CLOSED.with(|closed| closed.with(core::mem::take));
    assert_eq!(closed, [1, 2]);
}

#[test]
fn a_host_that_unwinds_through_calls_kills_nothing() {
    extern crate std;
    struct Closes(Kernel, Fd);
    impl Drop for Closes {
        fn drop(&mut self) {
            let closed = enter(self.0.process(), |lwp| close(lwp, self.1));
            assert_eq!(closed, Ok(()));
        }
    }
    let kernel = kernel();
    let (pipe, fd) = enter(kernel.process(), |lwp| Ok(Pipe::open(lwp, 1))).unwrap();
    let handle = kernel.clone();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _closes = Closes(handle, fd);
        panic!("a fault of the host's own");
    }));
    assert!(result.is_err());
    assert_eq!(pipe.closed.get(), 1);
    works(&kernel);
}
