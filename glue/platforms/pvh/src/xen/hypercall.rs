//! Calls of Xen: by a page that Xen fills with the instructions for it.

use core::arch::asm;
use core::cell::UnsafeCell;

use x86_64::registers::model_specific::Msr;

use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access, NoTable};

/// Bytes of a call in the page.
const CALL: usize = 32;

#[repr(C, align(4096))]
struct Page(UnsafeCell<[u8; 4096]>);

// SAFETY: only Xen writes it, once.
unsafe impl Sync for Page {}

static PAGE: Page = Page(UnsafeCell::new([0; 4096]));

fn range() -> Range {
    let start = PAGE.0.get().addr() as u64;
    Range {
        start,
        end: start + size_of::<Page>() as u64,
    }
}

/// Lets the page be executed, which is among the data.
pub(crate) fn protect() -> Result<(), NoTable> {
    paging::map(range(), Access::Code)
}

/// The page, filled.
pub(super) struct Hypercalls(());

impl Hypercalls {
    /// Has Xen fill the page, by its register.
    ///
    /// # Safety
    ///
    /// The register is the one that Xen says. To be called once.
    pub(super) unsafe fn establish(register: u32) -> Hypercalls {
        // SAFETY: the page is for nothing else; the caller's promise.
        unsafe { Msr::new(register).write(range().start) };
        Hypercalls(())
    }

    /// Calls Xen.
    ///
    /// # Safety
    ///
    /// What the call does with its arguments is sound.
    pub(super) unsafe fn call(&self, number: usize, [a, b, c]: [usize; 3]) -> isize {
        let target = PAGE.0.get().addr() + number * CALL;
        let result;
        // SAFETY: Xen put the call there, and preserves what is not named. The caller's promise.
        unsafe {
            asm!(
                "call {target}",
                target = in(reg) target,
                lateout("rax") result,
                inlateout("rdi") a => _,
                inlateout("rsi") b => _,
                inlateout("rdx") c => _,
                clobber_abi("sysv64"),
            );
        }
        result
    }

    /// Calls Xen for an operation, with what it is about, which Xen reads and may write to.
    ///
    /// # Safety
    ///
    /// As of [`call`](Self::call).
    pub(super) unsafe fn operate<T>(&self, number: usize, operation: usize, on: &mut T) -> isize {
        let on = (&raw mut *on).expose_provenance();
        // SAFETY: the caller's promise.
        unsafe { self.call(number, [operation, on, 0]) }
    }
}
