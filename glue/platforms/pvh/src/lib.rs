//! The platform that is a bare x86-64 machine, entered the PVH way: QEMU's microvm and q35, Xen, Firecracker; or by a
//! boot loader that speaks Multiboot2, from a disk.
//!
//! An image is the kernel, an application and this. Interrupts are taken only where nothing is held: they
//! are off while Rust runs, and on where a processor has nothing to do or a thread waits. Threads are
//! cooperative. All memory is mapped where it is.
//!
//! Nothing here knows a component. The state of the machine lives here and nowhere else.
#![cfg_attr(not(test), no_std)]
// A machine has no safe form.
#![allow(unsafe_code)]

extern crate alloc;

mod acpi;
#[cfg(rump_bare)]
mod bare;
mod boot;
mod bus;
mod clock;
mod console;
mod cpu;
mod fault;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hypervisor;
mod interrupts;
mod lock;
mod memory;
mod once;
mod params;
mod power;
mod random;
mod smp;
mod threads;
mod traps;
mod work;
mod xen;

use alloc::string::String;
use alloc::vec::Vec;

pub use boot::start;

/// The platform, for the generated bindings.
pub struct Platform;

/// What an image runs: with the parameters on its command line and the application's arguments, to its exit
/// code.
pub type Main = fn(Vec<(String, String)>, Vec<String>) -> i32;

/// Makes a function of the type [`Main`] what an image runs.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        extern "C" fn pvh_main(info: u64, entry: u64, loader: u32) -> ! {
            // SAFETY: only the entry calls this, once.
            unsafe { $crate::start(info, entry, loader, $main) }
        }
    };
}
