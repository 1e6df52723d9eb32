//! Interrupts: how they arrive, and who is told.
//!
//! A handler only marks its vector (`traps`); what is here runs afterwards, where nothing is held: in a
//! processor's idle loop and where a thread waits or lets others run. A processor's local controller holds
//! back what comes between an interrupt and `eoi`, so one after the other is served.

mod io;
pub(crate) mod local;
mod table;

use crate::cpu::Cpu;
use crate::lock::Lock;
use crate::xen;

pub(crate) use io::{IoApics, isa_line};
use local::Local;

/// Vectors from here on are for devices.
const FIRST: u8 = 32;
/// Events of Xen's.
pub(crate) const EVENTS: u8 = 0xfc;
/// What wakes a processor that has nothing to do.
pub(crate) const WAKE: u8 = 0xfd;
/// The timer of a processor.
pub(crate) const TIMER: u8 = 0xfe;
/// What a controller sends that changed its mind. It is not answered.
const SPURIOUS: u8 = 0xff;

/// The controllers of devices' interrupts.
static IO: Lock<IoApics> = Lock::new(IoApics::none());

/// Makes the controllers of devices' interrupts known.
pub(crate) fn start(io: IoApics) {
    *IO.lock() = io;
}

/// Takes the interrupts that are there, and tells whom they concern. Nothing is held.
#[inline]
pub(crate) fn take_all() {
    while let Some(vector) = Cpu::this().take_interrupt() {
        serve(vector);
    }
}

/// Tells whom an interrupt concerns that was taken. Nothing is held.
pub(crate) fn serve(vector: u8) {
    match vector {
        SPURIOUS => {}
        // The processor looks what there is to do, in any case.
        TIMER | WAKE => Local.end(),
        EVENTS => {
            if let Some(xen) = xen::get() {
                xen.serve();
            }
        }
        _ => table::serve(vector),
    }
}
