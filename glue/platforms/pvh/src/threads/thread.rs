//! A thread and its stack.

use core::alloc::Layout;
use core::arch::naked_asm;
use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use hypercall::Upcall;

use super::deadlines::{NOWHERE, Placed};
use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access};
use crate::memory::{PAGE, heap};

/// Bytes of a stack. The page below it is missing.
const STACK: usize = 64 << 10;

/// No permit; one; none, and the thread waits for it.
pub(super) const EMPTY: u32 = 0;
pub(super) const PERMIT: u32 = 1;
pub(super) const PARKED: u32 = 2;

/// A thread. It is never freed, so that a token stays good: one that ended is used again.
pub(crate) struct Thread {
    pub(super) state: AtomicU32,
    /// Counts from one; zero is a processor without a thread.
    number: u32,
    stack: Range,
    /// What it is to run.
    pub(super) run: Cell<Option<Upcall>>,
    /// Where its registers are while it does not run. This and what follows is under the scheduler's lock.
    pub(super) saved: Cell<usize>,
    /// It waits, and nobody decided yet that it goes on.
    pub(super) waits: Cell<bool>,
    /// Its place among the deadlines.
    place: Cell<usize>,
    /// The next in the queue it is in.
    pub(super) next: Cell<Option<&'static Thread>>,
}

// SAFETY: what is in cells is under the scheduler's lock, or the thread's own.
unsafe impl Sync for Thread {}

static NUMBERS: AtomicU32 = AtomicU32::new(1);

impl Thread {
    /// A new one, with a stack; none if there is no memory for it.
    pub(super) fn new() -> Option<&'static Thread> {
        let size = PAGE + STACK + size_of::<Thread>();
        let layout = Layout::from_size_align(size, PAGE).ok()?;
        let start = heap::allocate(layout);
        if start.is_null() {
            return None;
        }
        let bottom = start as u64 + PAGE as u64;
        let stack = Range {
            start: bottom,
            end: bottom + STACK as u64,
        };
        let guard = Range {
            start: start as u64,
            end: bottom,
        };
        if paging::map(guard, Access::None).is_err() {
            // SAFETY: it was allocated above.
            unsafe { heap::release(start, layout) };
            return None;
        }
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let place = stack.end as *mut Thread;
        // SAFETY: the place is above the stack, in the same allocation, and suitably aligned.
        unsafe {
            place.write(Thread::on(stack, number));
            Some(&*place)
        }
    }

    /// What runs on a processor that runs no thread.
    pub(crate) fn idle(stack: Range) -> Thread {
        Thread::on(stack, 0)
    }

    fn on(stack: Range, number: u32) -> Thread {
        Thread {
            state: AtomicU32::new(EMPTY),
            number,
            stack,
            run: Cell::new(None),
            saved: Cell::new(0),
            waits: Cell::new(false),
            place: Cell::new(NOWHERE),
            next: Cell::new(None),
        }
    }

    /// Has it begin with `begin`, from an empty stack, and be told what to run.
    pub(super) fn prepare(&self, run: Upcall, begin: extern "C" fn() -> !) {
        self.run.set(Some(run));
        // What `switch` pops, where it returns to, and no caller of that.
        let frame = [0, 0, 0, 0, 0, 0, begin as usize, 0];
        let place = self.stack.end as usize - size_of_val(&frame);
        // SAFETY: the thread does not run, so its stack is nobody's.
        unsafe { (place as *mut [usize; 8]).write(frame) };
        self.saved.set(place);
    }

    #[inline]
    pub(super) fn take_permit(&self) -> bool {
        self.state
            .compare_exchange(PERMIT, EMPTY, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Its stack.
    pub(crate) fn stack(&self) -> Range {
        self.stack
    }

    /// Whether the address is in the page below its stack.
    pub(crate) fn guards(&self, address: u64) -> bool {
        self.number != 0 && (self.stack.start - PAGE as u64..self.stack.start).contains(&address)
    }

    /// Goes on with `to` where it stopped.
    ///
    /// # Safety
    ///
    /// `self` runs, `to` does not, and the scheduler's lock is held, to be released by whoever runs next.
    pub(super) unsafe fn switch_to(&self, to: &Thread) {
        // SAFETY: the caller's promise.
        unsafe { switch(self.saved.as_ptr(), to.saved.get()) };
    }
}

impl Placed for &'static Thread {
    fn place(&self) -> usize {
        self.place.get()
    }

    fn set_place(&self, place: usize) {
        self.place.set(place);
    }
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.write_str("no thread"),
            number => write!(f, "thread {number}"),
        }
    }
}

/// Puts what a called function has to preserve onto the stack, notes where in `saved`, and takes up what
/// was left at `to`. Control words of the floating-point units are never changed.
#[unsafe(naked)]
unsafe extern "C" fn switch(saved: *mut usize, to: usize) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    );
}
