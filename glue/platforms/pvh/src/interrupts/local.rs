//! A processor's local interrupt controller (Intel SDM 3A, chapter 12): as x2APIC where there is one, else
//! in memory.

use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicUsize, Ordering};

use x86_64::registers::model_specific::Msr;

use super::{SPURIOUS, TIMER};
use crate::boot::start_info::Range;
use crate::memory::paging::{self, Access};

/// The register that says where the controller is and in which mode.
const BASE: u32 = 0x1b;
/// In it: enabled, and as x2APIC.
const ENABLED: u64 = 1 << 11;
const EXTENDED: u64 = 1 << 10;
/// The register of which 16 bytes in memory are one register here.
const X2APIC: u32 = 0x800;
/// The time stamp at which the timer interrupts.
const TSC_DEADLINE: u32 = 0x6e0;

/// Registers, by their number as x2APIC.
const ID: u32 = 0x02;
const PRIORITY: u32 = 0x08;
const END: u32 = 0x0b;
const SPURIOUS_VECTOR: u32 = 0x0f;
const COMMAND: u32 = 0x30;
const COMMAND_HIGH: u32 = 0x31;
const TIMER_ENTRY: u32 = 0x32;
const LINES: [u32; 2] = [0x35, 0x36];
const ERROR_ENTRY: u32 = 0x37;
const TIMER_START: u32 = 0x38;
const TIMER_NOW: u32 = 0x39;
const TIMER_DIVISOR: u32 = 0x3e;

const SOFTWARE_ENABLED: u32 = 1 << 8;
const MASKED: u32 = 1 << 16;
/// The timer interrupts at a time stamp.
const AT_TIME_STAMP: u32 = 2 << 17;
/// The timer counts every cycle of its clock.
const EVERY_CYCLE: u32 = 0b1011;
/// In a command: not delivered yet.
const PENDING: u32 = 1 << 12;
/// In a command: as if its wire were asserted.
const ASSERT: u32 = 1 << 14;
/// In a command: a non-maskable interrupt.
const NON_MASKABLE: u32 = 4 << 8;
/// In a command: to all others, whoever they are.
const ALL_OTHERS: u32 = 3 << 18;

/// What processors say to each other.
#[derive(Clone, Copy)]
pub(crate) enum Command {
    /// An interrupt of this vector.
    Interrupt(u8),
    /// Go back to where you wait to be started.
    Init,
    /// Start in real mode, in this page.
    Start(u8),
}

impl Command {
    fn bits(self) -> u32 {
        ASSERT
            | match self {
                Command::Interrupt(vector) => u32::from(vector),
                Command::Init => 5 << 8,
                Command::Start(page) => 6 << 8 | u32::from(page),
            }
    }
}

/// Where the registers are; zero: as x2APIC.
static REGISTERS: AtomicUsize = AtomicUsize::new(0);

/// The calling processor's.
pub(crate) struct Local;

impl Local {
    /// Switches the calling processor's on, with everything masked but what others send.
    pub(crate) fn start() -> Local {
        let local = Local;
        let mut base = Msr::new(BASE);
        // SAFETY: every x86-64 processor has this register; switching the controller on interrupts nobody.
        unsafe {
            let mut value = base.read() | ENABLED;
            if __cpuid(1).ecx & 1 << 21 != 0 {
                base.write(value);
                value |= EXTENDED;
            } else {
                let start = value & 0x000f_ffff_ffff_f000;
                let range = Range {
                    start,
                    end: start + 0x1000,
                };
                // The entry mapped it, and splitting a page takes memory that is there at boot.
                paging::map(range, Access::Device).expect("memory for a page table");
                REGISTERS.store(start as usize, Ordering::Relaxed);
            }
            base.write(value);
        }
        local.write(PRIORITY, 0);
        for entry in [TIMER_ENTRY, ERROR_ENTRY].into_iter().chain(LINES) {
            local.write(entry, MASKED);
        }
        local.write(TIMER_DIVISOR, EVERY_CYCLE);
        local.write(SPURIOUS_VECTOR, SOFTWARE_ENABLED | u32::from(SPURIOUS));
        local
    }

    fn read(&self, register: u32) -> u32 {
        match REGISTERS.load(Ordering::Relaxed) {
            // SAFETY: the controller is in this mode.
            0 => unsafe { Msr::new(X2APIC + register).read() as u32 },
            // SAFETY: the registers are mapped there.
            base => unsafe { ((base + register as usize * 16) as *const u32).read_volatile() },
        }
    }

    #[inline]
    fn write(&self, register: u32, value: u32) {
        match REGISTERS.load(Ordering::Relaxed) {
            // SAFETY: the controller is in this mode, and the registers above change no memory.
            0 => unsafe { Msr::new(X2APIC + register).write(u64::from(value)) },
            // SAFETY: the registers are mapped there.
            base => unsafe {
                ((base + register as usize * 16) as *mut u32).write_volatile(value);
            },
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        match REGISTERS.load(Ordering::Relaxed) {
            0 => self.read(ID),
            _ => self.read(ID) >> 24,
        }
    }

    /// The interrupt that was taken is served: others may come.
    #[inline]
    pub(crate) fn end(&self) {
        self.write(END, 0);
    }

    /// Sends a command to the processor whose controller has this number.
    pub(crate) fn send(&self, to: u32, command: Command) {
        self.send_bits(to, command.bits());
    }

    /// Interrupts all others, whatever they do, with what cannot be held back.
    pub(crate) fn stop_others(&self) {
        self.send_bits(0, NON_MASKABLE | ASSERT | ALL_OTHERS);
    }

    fn send_bits(&self, to: u32, bits: u32) {
        if REGISTERS.load(Ordering::Relaxed) == 0 {
            let value = u64::from(to) << 32 | u64::from(bits);
            // SAFETY: as in `write`. What is sent is received where Rust does not run.
            unsafe { Msr::new(X2APIC + COMMAND).write(value) };
            return;
        }
        self.write(COMMAND_HIGH, to << 24);
        self.write(COMMAND, bits);
        while self.read(COMMAND) & PENDING != 0 {
            core::hint::spin_loop();
        }
    }

    /// What its timer counts down to zero.
    pub(crate) fn timer_now(&self) -> u32 {
        self.read(TIMER_NOW)
    }

    /// Has the timer count down from `count` and interrupt then; zero stops it.
    pub(crate) fn count_down(&self, count: u32) {
        self.write(TIMER_START, count);
    }

    /// Has the timer interrupt, by counting down or at a time stamp.
    pub(crate) fn enable_timer(&self, at_time_stamp: bool) {
        let mode = if at_time_stamp { AT_TIME_STAMP } else { 0 };
        self.write(TIMER_ENTRY, mode | u32::from(TIMER));
    }

    /// Has the timer interrupt at a time stamp; zero stops it.
    pub(crate) fn interrupt_at(&self, time_stamp: u64) {
        // SAFETY: to be called in this mode, in which there is the register.
        unsafe { Msr::new(TSC_DEADLINE).write(time_stamp) };
    }
}
