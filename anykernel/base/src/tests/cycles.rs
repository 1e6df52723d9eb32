//! What a kernel took is given back when it goes.
// The allocator has no safe form.
#![allow(unsafe_code)]

extern crate std;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System as HostSystem;

use syscall::{EpollEvent, EpollEventIn, Fd, UserIn, UserOut, consts::*};

use super::{MS, Pipe, after, kernel, ready};
use crate::syscalls::*;
use crate::*;

std::thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// Counts a thread's bytes: each test has a thread, and the kernels of a test have no other.
struct Counting;

fn count(bytes: isize) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: the host's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract.
        unsafe { HostSystem.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract.
        unsafe { HostSystem.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A kernel's life with everything in it that could hold on to it.
fn live() {
    let kernel = kernel();
    let work = Work::new(kernel.instance(), |_| ());
    enter(kernel.process(), |lwp| {
        let (pipe, fd) = Pipe::open(lwp, 4);
        let (inner, outer) = (epoll_create1(lwp, 0)?, epoll_create1(lwp, 0)?);
        for (set, fd) in [(inner, fd), (outer, Fd(inner.0))] {
            let event = EpollEventIn::new(Ok(EpollEvent {
                events: Events::IN.0,
                data: 5,
            }));
            epoll_ctl(lwp, Fd(set.0), EPOLL_CTL_ADD, fd, event)?;
        }
        let feeding = pipe.clone();
        after(lwp, MS, move |lwp| feeding.feed(lwp, 1));
        after(lwp, 100 * MS, move |lwp| pipe.feed(lwp, 2));
        assert_eq!(ready(lwp, Fd(outer.0), 1, -1), [(Events::IN.0, 5)]);
        write(lwp, fd, UserIn::from([1, 2, 3].as_slice()))?;
        read(lwp, fd, UserOut::from([0; 2].as_mut_slice()))?;
        work.schedule();
        Ok(())
    })
    .unwrap();
    let child = kernel.fork();
    enter(&child, |lwp| child.copy_files(lwp, kernel.process())).unwrap();
}

#[test]
fn ten_thousand_kernels_leave_no_byte() {
    // What the platform and the test harness set up once.
    live();
    let before = LIVE.get();
    for _ in 0..10_000 {
        live();
    }
    assert_eq!(LIVE.get(), before);
}
