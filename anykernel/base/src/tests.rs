//! The whole of base on the simulated platform: one thread, and time that passes only while somebody
//! waits, so that every time is exact.

mod boot;
mod cycles;
mod descriptors;
mod epoll;
mod faults;
mod pipe;
mod poll;
mod time;
mod wait;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::*;

pub(crate) use pipe::Pipe;

const MS: u64 = 1_000_000;

/// A kernel of these components.
fn system(components: &[&'static Component]) -> &'static System {
    static PARAMS: &[ParamSpec] = &[ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "0",
        doc: "",
    }];
    Box::leak(Box::new(System {
        name: "test",
        devices: &[],
        components: components.to_vec().leak(),
        params: PARAMS,
    }))
}

/// A kernel with nothing but base.
fn kernel() -> Kernel {
    static SYSTEM: System = System {
        name: "test",
        devices: &[],
        components: &[&COMPONENT],
        params: &[],
    };
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}

/// Inside of a new kernel, as its initial process.
pub(crate) fn inside<R>(f: impl FnOnce(&Lwp<'_>) -> R) -> R {
    let kernel = kernel();
    enter(kernel.process(), |lwp| Ok(f(lwp))).unwrap()
}

/// Calls `action` once, `span` from now.
fn after(lwp: &Lwp<'_>, span: u64, action: impl Fn(&Lwp<'_>) + Send + Sync + 'static) {
    Callout::new(action).set(lwp, lwp.now() + span);
}

/// Does `action` as a process does it: deferred work is the kernel's own.
fn acting(
    process: &Arc<Process>,
    action: impl Fn(&Lwp<'_>) + Send + Sync + 'static,
) -> impl Fn(&Lwp<'_>) + Send + Sync + 'static {
    let process = upcall::Bound(process.clone());
    move |_| {
        let process = &process;
        let acted = enter(&process.0, |lwp| {
            action(lwp);
            Ok(())
        });
        acted.unwrap();
    }
}

/// Counts.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicU32>);

impl Counter {
    fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// The bits an epoll set reports, with their data.
fn ready(lwp: &Lwp<'_>, set: syscall::Fd, room: i32, timeout: i32) -> Vec<(u32, u64)> {
    let mut events = Vec::new();
    let found = syscall::EpollEvents::new(&mut events, room);
    syscalls::epoll_wait(lwp, set, found, timeout).unwrap();
    events
        .iter()
        .map(|event| (event.events, event.data))
        .collect()
}

/// The console's lines so far that say something of this.
fn said(what: &str) -> Vec<String> {
    let console = sim::console();
    let lines = console.lines().filter(|line| line.contains(what));
    lines.map(String::from).collect()
}
