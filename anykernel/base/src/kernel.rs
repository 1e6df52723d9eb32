//! The handle of an instance that a host holds.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::contain::contain;
use crate::spin::Spin;
use crate::upcall::{Bound, Called, UpcallGuard, spawn, upcall_to};
use crate::{
    Boot, BootError, Config, Errno, Failure, Instance, Level, Lwp, Params, Process, System, enter,
};

/// A kernel. The last handle that drops shuts it down.
#[derive(Clone)]
pub struct Kernel(Arc<Running>);

struct Running {
    system: &'static System,
    engine: Arc<Engine>,
    init: Arc<Process>,
    /// What keeps the upcall's cookie good; taken at shutdown.
    attached: Spin<Option<(u64, UpcallGuard)>>,
    /// How long each component took to start, in nanoseconds.
    chart: Spin<Vec<(&'static str, u64)>>,
}

/// What the host calls to have work done: the kernel's own process, which nobody else acts for.
struct Engine {
    process: Bound<Arc<Process>>,
}

impl Engine {
    /// Does what is due and says when the next is.
    fn run(&self) -> u64 {
        let instance = self.process.0.instance();
        let ran = enter(&self.process.0, |lwp| {
            instance.run_due(lwp);
            Ok(instance.next_due())
        });
        // A dead instance has nothing to do.
        let next = ran.unwrap_or(u64::MAX);
        if next != u64::MAX {
            instance.ask(next);
        }
        next
    }

    /// When the next work is due.
    fn next(&self) -> u64 {
        let instance = self.process.0.instance();
        // A dead instance has nothing to do.
        enter(&self.process.0, |_| Ok(instance.next_due())).unwrap_or(u64::MAX)
    }
}

impl Called for Engine {
    fn called(self: &Arc<Self>) {
        self.run();
    }
}

impl Kernel {
    /// Boots an instance of `system`.
    pub fn boot(system: &'static System, config: &Config) -> Result<Kernel, BootError> {
        let params = Params::resolve(system.params, &config.params)?;
        let instance = Instance::new(system.name, params);
        let engine = Arc::new(Engine {
            process: Bound(Process::new(&instance)),
        });
        let (run, guard) = upcall_to(&engine);
        let handle = hypercall::work::attach(run);
        instance.agenda.with(|agenda| agenda.handle = Some(handle));
        #[cfg_attr(
            not(feature = "threads"),
            expect(clippy::arc_with_non_send_sync, reason = "counted, not shared")
        )]
        let kernel = Kernel(Arc::new(Running {
            system,
            init: Process::new(&instance),
            engine,
            attached: Spin::new(Some((handle, guard))),
            chart: Spin::new(Vec::new()),
        }));
        kernel.start()?;
        if kernel.instance().params.number("boot-chart") == Some(1) {
            hypercall::console::write(kernel.boot_chart().as_str().into());
        }
        Ok(kernel)
    }

    fn start(&self) -> Result<(), BootError> {
        for component in self.0.system.components {
            let begin = hypercall::clock::monotonic();
            let mut failure = None;
            let entered = enter(&self.0.engine.process.0, |lwp| {
                let mut boot = Boot::new(lwp, self.0.system, component.name);
                failure = (component.start)(&mut boot).err();
                Ok(())
            });
            if entered.is_err() {
                failure = Some(Failure::new(Errno::EIO, "it panicked"));
            }
            if let Some(failure) = failure {
                return Err(BootError::component(component.name, failure));
            }
            let took = hypercall::clock::monotonic().saturating_sub(begin);
            self.0
                .chart
                .with(|chart| chart.push((component.name, took)));
        }
        for component in self.0.system.components {
            let ready = enter(&self.0.engine.process.0, |lwp| {
                (component.ready)(lwp);
                Ok(())
            });
            if ready.is_err() {
                let failure = Failure::new(Errno::EIO, "it panicked");
                return Err(BootError::component(component.name, failure));
            }
        }
        Ok(())
    }

    /// The initial process.
    pub fn process(&self) -> &Arc<Process> {
        &self.0.init
    }

    /// The instance.
    pub fn instance(&self) -> &Arc<Instance> {
        self.0.init.instance()
    }

    /// A new process, with no open files. Whoever holds it lets it [`exit`](Process::exit).
    pub fn fork(&self) -> Arc<Process> {
        Process::new(self.instance())
    }

    /// Runs `f` with a handle of this kernel on a thread of its own, which ends with it. A panic of `f`
    /// outside the kernel is the host's to report. `ENOSYS` where the host has no threads, or its
    /// error.
    pub fn spawn(&self, f: impl FnOnce(&Kernel) + Send + 'static) -> Result<(), Errno> {
        let kernel = Bound(self.clone());
        spawn(move || {
            // The whole of it moves, not only the part that stays on its thread.
            let kernel = kernel;
            f(&kernel.0);
        })
    }

    /// Does all work that is due, and says when the next is, in nanoseconds of the monotonic
    /// clock. For hosts without threads, which call it again then, and after frames arrived. Where
    /// there are threads their pool does the work, never two at a time, and this only says.
    pub fn poll(&self) -> Option<u64> {
        let next = if cfg!(feature = "threads") {
            self.0.engine.next()
        } else {
            self.0.engine.run()
        };
        (next != u64::MAX).then_some(next)
    }

    /// Whether nobody can enter any more.
    pub fn is_dead(&self) -> bool {
        self.instance().is_dead()
    }

    /// How long the components took to start, a line each with a bar.
    pub fn boot_chart(&self) -> String {
        let chart = self.0.chart.with(|chart| chart.clone());
        let longest = chart
            .iter()
            .map(|(_, took)| *took)
            .max()
            .unwrap_or(1)
            .max(1);
        let mut text = String::new();
        for (name, took) in &chart {
            let bar = "#".repeat((took * 40 / longest) as usize);
            let _ = writeln!(text, "{name:>12} {} {bar}", microseconds(*took));
        }
        let total: u64 = chart.iter().map(|(_, took)| took).sum();
        let _ = writeln!(text, "{:>12} {}", "total", microseconds(total));
        text
    }

    /// Ends the kernel: processes exit, components stop in reverse order, the host forgets it.
    /// Whoever still waits inside leaves with `EINTR` or `EIO`.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }
}

impl Running {
    fn shutdown(&self) {
        let Some((handle, guard)) = self.attached.with(Option::take) else {
            return;
        };
        let instance = self.init.instance();
        let stopped = enter(&self.engine.process.0, |lwp| {
            self.stop(lwp);
            Ok(())
        });
        instance.close();
        instance.agenda.with(|agenda| agenda.handle = None);
        hypercall::work::detach(handle);
        drop(guard);
        if stopped.and_then(|()| self.clear()).is_err() {
            self.leak();
        }
    }

    /// Lets go of what components hold of each other, so that nothing is left of the instance.
    fn clear(&self) -> Result<(), Errno> {
        let instance = self.init.instance();
        instance.vcpu.acquire();
        let cleared = contain(instance, || {
            drop(instance.agenda.with(|agenda| agenda.clear()));
            instance.callouts.clear();
            drop(instance.states.with(core::mem::take));
            Ok(())
        });
        instance.vcpu.release();
        cleared
    }

    fn stop(&self, lwp: &Lwp<'_>) {
        let processes = self.init.instance().processes.with(|processes| {
            let all = processes.all.iter();
            all.filter_map(|process| process.0.upgrade())
                .collect::<Vec<_>>()
        });
        for process in processes {
            process.interrupt();
            process.exit(lwp);
        }
        let started = self.chart.with(|chart| chart.len());
        for component in self.system.components[..started].iter().rev() {
            (component.stop)(lwp);
        }
    }

    /// Nothing of a dead instance is touched again: what it was changing when it died may be in any
    /// state.
    fn leak(&self) {
        let instance = self.init.instance();
        crate::log!(
            instance,
            Level::Error,
            "{}: dead; {} bytes of its memory stay allocated",
            instance.name(),
            instance.memory().used()
        );
        core::mem::forget(self.engine.clone());
        core::mem::forget(self.init.clone());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// A span as the chart has it. Without floating-point numbers: their formatting is 20 kB of code.
fn microseconds(nanoseconds: u64) -> String {
    format!("{:>7}.{} us", nanoseconds / 1000, nanoseconds % 1000 / 100)
}
