//! A program in the foreground: it has the terminal and hears of signals, and we outlive it.

use std::io::{self, IsTerminal};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{self, OptionalActions, Termios};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::failure::Failure;

/// What the shell says of a program that Ctrl-C ended.
pub(crate) const INTERRUPTED: u8 = 130;

/// A running program. Dropped, it is ended and the terminal is as it was.
pub(crate) struct Foreground {
    child: Child,
    interrupted: Arc<AtomicBool>,
    signals: Handle,
    terminal: Option<Termios>,
}

impl Foreground {
    /// Starts it. From now on, signals that would end us end the program instead: there is something to clean
    /// up after it.
    pub(crate) fn start(command: &mut Command) -> Result<Foreground, Failure> {
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |error: io::Error| Failure::work(format!("cannot start {program}: {error}"));
        // Some programs change it, and leave it so when they are ended.
        let terminal = io::stdin().is_terminal();
        let terminal = terminal
            .then(|| termios::tcgetattr(io::stdin()).ok())
            .flatten();
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(failed)?;
        let handle = signals.handle();
        let child = command.spawn().map_err(failed)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&interrupted);
        let pid = pid(&child);
        thread::spawn(move || {
            for _ in signals.forever() {
                // Who does not listen the first time is not asked a second time.
                let signal = match heard.swap(true, Ordering::Relaxed) {
                    false => Signal::TERM,
                    true => Signal::KILL,
                };
                let _ = kill_process(pid, signal);
            }
        });
        Ok(Foreground {
            child,
            interrupted,
            signals: handle,
            terminal,
        })
    }

    /// What it writes, where that was asked for.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus, Failure> {
        let waited = self.child.wait();
        waited.map_err(|error| Failure::work(format!("cannot wait for a program: {error}")))
    }

    /// Whether a signal ended it.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Asked first: it may have a terminal or files to leave in order.
            let _ = kill_process(pid(&self.child), Signal::TERM);
        }
        let _ = self.child.wait();
        self.signals.close();
        if let Some(terminal) = &self.terminal {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, terminal);
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}
