//! The handle of a kernel.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use base::{BootError, Config, Level, Lwp, Process, System};
use syscall::PollFds;

use crate::Result;

/// A running kernel. Cloning it gives another handle; the kernel ends when the last handle is gone,
/// and objects such as sockets are handles too.
///
/// Any number of kernels live in one program, and share nothing.
///
/// ```no_run
/// # static SYSTEM: rump::System = rump::System { name: "", components: &[], params: &[], devices: &[] };
/// use rump::{Config, Kernel};
/// let a = Kernel::boot(&SYSTEM, Config::new())?;
/// let b = Kernel::boot(&SYSTEM, Config::new().param("tcp-buffer", "1MiB"))?;
/// print!("{}", b.boot_chart());
/// # Ok::<(), rump::BootError>(())
/// ```
#[derive(Clone)]
pub struct Kernel(base::Kernel);

impl Kernel {
    /// Boots a kernel from a configuration's table of components. The generated crate `kernel` has
    /// a function `boot` that knows the table.
    ///
    /// # Errors
    ///
    /// An unknown parameter, a value it does not take, or a component that could not start: the
    /// message names it.
    pub fn boot(system: &'static System, config: Config) -> core::result::Result<Self, BootError> {
        base::Kernel::boot(system, &config).map(Kernel)
    }

    /// Ends the kernel now, whoever else has a handle: files are closed, components stop, and every
    /// call from then on fails with `EIO`.
    pub fn shutdown(&self) {
        self.0.shutdown();
    }

    /// Whether the kernel ended, by [`shutdown`](Self::shutdown) or because a component failed.
    pub fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// Runs `f` on a thread of its own, which ends with it. Objects of the kernel are shared between
    /// threads as other values are.
    ///
    /// # Errors
    ///
    /// `ENOSYS` where the host has no threads: an application that runs everywhere does without them.
    pub fn spawn(&self, f: impl FnOnce(&Kernel) + Send + 'static) -> Result<()> {
        self.0.spawn(move |kernel| f(&Kernel(kernel.clone())))
    }

    /// Does all the work that is due, and says when to call again at the latest, in nanoseconds of
    /// the host's monotonic clock. Only for hosts without threads.
    pub fn poll(&self) -> Option<u64> {
        self.0.poll()
    }

    /// How long each component took to start, as text with bars.
    pub fn boot_chart(&self) -> String {
        self.0.boot_chart()
    }

    /// Waits.
    pub fn sleep(&self, span: Duration) -> Result<()> {
        let end = self
            .enter(|lwp| Ok(lwp.now()))?
            .saturating_add(nanoseconds(span));
        loop {
            let left = self.enter(|lwp| Ok(end.saturating_sub(lwp.now())))?;
            if left == 0 {
                return Ok(());
            }
            let timeout = milliseconds(Some(Duration::from_nanos(left)));
            self.enter(|lwp| base::syscalls::poll(lwp, PollFds::new(Ok(&mut [])), timeout))?;
        }
    }

    /// Writes a line to the console: what an application has to say to people.
    ///
    /// ```no_run
    /// # fn print(kernel: &rump::Kernel, port: u16) {
    /// kernel.print(format_args!("httpd: listening on port {port}"));
    /// # }
    /// ```
    pub fn print(&self, line: fmt::Arguments<'_>) {
        self.0.instance().print(&format!("{line}\n"));
    }

    /// Writes a line to the kernel's log, and to the console if the log's level says so.
    pub fn log(&self, level: Level, line: fmt::Arguments<'_>) {
        base::write_log(self.0.instance(), level, line);
    }

    /// The last lines of the log, oldest first.
    pub fn log_lines(&self) -> Vec<String> {
        self.0.instance().log_lines()
    }

    /// Those of the last lines of the log that are at least so severe, oldest first.
    pub fn log_lines_of(&self, least: Level) -> Vec<String> {
        self.0.instance().log_lines_of(least)
    }

    /// The process that objects of this crate belong to: for system calls that have no object.
    pub fn process(&self) -> &Arc<Process> {
        self.0.process()
    }

    /// Runs `f` inside the kernel.
    pub(crate) fn enter<R>(&self, f: impl FnOnce(&Lwp<'_>) -> Result<R>) -> Result<R> {
        base::enter(self.0.process(), f)
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kernel")
            .field(&self.0.instance().name())
            .finish()
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A timeout as `poll` has it: whole milliseconds, never less than asked for; -1 is for ever.
pub(crate) fn milliseconds(span: Option<Duration>) -> i32 {
    span.map_or(-1, |span| {
        i32::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
    })
}
