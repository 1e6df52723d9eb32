//! Interrupts.

use crate::{Upcall, group};

/// What a device writes where, to interrupt by a message.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The bus address it writes to.
    pub address: u64,
    /// What it writes.
    pub data: u32,
}

group! {
    /// Interrupts.
    ///
    /// Upcalls come where the kernel holds nothing: from an idle processor, or between two threads;
    /// never two at a time for one handle. Interrupts that arrive while one waits to be delivered may
    /// be delivered as one.
    pub trait Irq as irq {
        /// Has `arrived` called when the line interrupts, and returns a handle, or a negated error
        /// number. Several may attach to one line. A level-triggered line is masked from its interrupt
        /// until everybody attached has called [`done`](Self::done).
        fn attach(line: u32, level: bool, arrived: Upcall) -> i64;
        /// As [`attach`](Self::attach), for interrupts by message: fills in what the device is to write.
        fn message(arrived: Upcall, message: &mut Message) -> i64;
        /// The device no longer asserts its line: more interrupts may come.
        fn done(handle: u64);
        /// Ends that. When this returns, no upcall is under way and none will come.
        fn detach(handle: u64);
    }
}
