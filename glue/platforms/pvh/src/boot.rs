//! From the loader to the application, stage by stage.

mod chart;
pub(crate) mod command_line;
#[cfg(rump_bare)]
mod entry;
pub(crate) mod start_info;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use hypercall::{Errno, Upcall};

use crate::acpi::Tables;
use crate::cpu::{self, Cpu};
use crate::interrupts::{self, IoApics, local::Local};
use crate::memory::paging::{self, Access};
use crate::memory::{self, free::free, heap, image};
use crate::xen::{self, Xen};
use crate::{Main, bus, clock, console, params, power, random, smp, threads, traps};
use chart::Chart;
use command_line::CommandLine;
use start_info::{Physical, Range, StartInfo, multiboot2};

/// The end of what the entry mapped.
const NEAR: u64 = 1 << 32;
/// The exit code if the machine is not fit to run on.
const UNFIT: i32 = 1;

unsafe extern "C" {
    /// The lower end of the stack that the entry left us on.
    static boot_stack: u8;
}

/// Boots the machine and runs `main` on it. `info` is the address of what the loader says, `entry` the time stamp
/// counter when it was done, and `loader` the number that it introduced itself with, if that is its way.
///
/// # Safety
///
/// Only the entry of an image calls this, once.
pub unsafe fn start(info: u64, entry: u64, loader: u32, main: Main) -> ! {
    let mut chart = Chart::new(entry);
    // SAFETY: this is the one call.
    unsafe { xen::start() };
    console::start();
    // SAFETY: as above.
    let said = unsafe { take_machine(info, loader) };
    chart.end("memory");
    let tables = Tables::find(said.rsdp);
    let fadt = tables.as_ref().and_then(Tables::fadt);
    let madt = tables.as_ref().and_then(Tables::madt).unwrap_or_default();
    if let Some(fadt) = &fadt {
        power::start(fadt);
    }
    interrupts::start(IoApics::new(&madt));
    bus::start(
        said.memory,
        &said.line.devices,
        tables.as_ref(),
        fadt.as_ref(),
        &madt,
    );
    chart.end("buses");
    clock::start(entry, tables.as_ref(), fadt.as_ref());
    chart.end(CALIBRATION);
    random::start();
    chart.end("random");
    if let Some(page) = said.trampoline {
        // SAFETY: the page was left out of the heap. This is the one call.
        unsafe { smp::start(&madt, page) };
    }
    chart.end("processors");
    params::start(said.line.params.clone());
    if params::flag("boot-chart") {
        chart.print(CALIBRATION);
    }
    run(Program {
        main,
        params: said.line.params,
        arguments: said.line.arguments,
    })
}

/// The stage that waits for time to pass.
const CALIBRATION: &str = "calibration";

/// What the loader said, in memory of the kernel's own.
struct Said {
    line: CommandLine,
    rsdp: u64,
    /// All memory there is.
    memory: Vec<Range>,
    /// A page for other processors to start in.
    trampoline: Option<u64>,
}

/// Takes the memory and the first processor over from the loader, whose word is at `info`.
///
/// # Safety
///
/// To be called once.
unsafe fn take_machine(info: u64, loader: u32) -> Said {
    let hypervisors = || (xen::get().map_or(&[][..], Xen::memory_map), xen::ENTRY);
    let read = match loader {
        multiboot2::MAGIC => multiboot2::read(&Physical, info),
        _ => StartInfo::read(&Physical, info, hypervisors),
    };
    let info = match read {
        Ok(info) => info,
        Err(fault) => unfit(format_args!("{fault}")),
    };
    let trampoline = find_trampoline(&info);
    // SAFETY: each of these is called once, and in this order.
    unsafe {
        give_memory(&info, trampoline);
        traps::start();
        let local = Local::start();
        Cpu::adopt(local.id(), stack());
        give_far_memory(&info);
    }
    let memory = info.map().filter(|entry| entry.ram);
    let said = Said {
        trampoline: trampoline.map(|page| page.start),
        line: CommandLine::parse(info.line),
        rsdp: info.rsdp,
        memory: memory.map(|entry| entry.range).collect(),
    };
    // From here on the page at zero, which loaders use, is missing.
    if image::protect().is_err() {
        unfit(format_args!("too little memory for page tables"));
    }
    said
}

/// Ends a boot that cannot go on.
pub(crate) fn unfit(why: core::fmt::Arguments<'_>) -> ! {
    console::report(format_args!("pvh: {why}\n"));
    power::halt(UNFIT)
}

/// The first free page that another processor can start in.
fn find_trampoline(info: &StartInfo) -> Option<Range> {
    let mut found = None;
    free(info.map(), info.reserved(), smp::PAGES, |piece| {
        found = found.or(Some(Range {
            start: piece.start,
            end: piece.start + memory::PAGE as u64,
        }));
    });
    found
}

/// Gives the heap all free memory below 4 GiB, which the entry mapped.
///
/// # Safety
///
/// To be called once.
unsafe fn give_memory(info: &StartInfo, trampoline: Option<Range>) {
    let taken = info.reserved().chain([image::whole()]).chain(trampoline);
    let within = Range {
        start: memory::PAGE as u64,
        end: NEAR,
    };
    // SAFETY: it is mapped, and nobody's.
    free(info.map(), taken, within, |piece| unsafe {
        heap::add(piece);
    });
}

/// Maps free memory from 4 GiB on, and gives it to the heap as well.
///
/// # Safety
///
/// To be called once.
unsafe fn give_far_memory(info: &StartInfo) {
    let within = Range {
        start: NEAR,
        end: paging::limit(),
    };
    free(info.map(), info.reserved(), within, |piece| {
        // Without memory for page tables what is left is of no use.
        if paging::map(piece, Access::Data).is_ok() {
            // SAFETY: it is mapped, and nobody's.
            unsafe { heap::add(piece) };
        }
    });
}

fn stack() -> Range {
    let start = (&raw const boot_stack).addr() as u64;
    Range {
        start,
        end: start + cpu::STACK as u64,
    }
}

/// What the first thread does.
struct Program {
    main: Main,
    params: Vec<(String, String)>,
    arguments: Vec<String>,
}

/// Starts the first thread, and does what the first processor does for ever.
fn run(program: Program) -> ! {
    extern "C-unwind" fn run(cookie: usize) {
        // SAFETY: the cookie is the box let go of below, and this is called once.
        let program = unsafe { Box::from_raw(cookie as *mut Program) };
        power::halt((program.main)(program.params, program.arguments));
    }

    let cookie = Box::into_raw(Box::new(program)) as usize;
    if let Err(errno) = Errno::check(threads::spawn(Upcall::new(run, cookie))) {
        unfit(format_args!("the first thread: {errno}"));
    }
    threads::idle()
}
