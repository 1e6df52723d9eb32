//! Signals that want the tool to end: Ctrl-C, SIGTERM, SIGHUP.
//!
//! As long as nothing is open for writing it ends at once. Otherwise an end [`is_wanted`], what takes long looks whether
//! one is, and the image is closed as ever: what was written so far is in it. Signals are the process's, and so is what
//! is kept of them.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::{fs, process, thread};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, Result};
use crate::progress;

/// The last signal, or zero.
static LAST: AtomicI32 = AtomicI32::new(0);

/// How the terminal was, which whoever asks for lines may have changed.
static TERMINAL: OnceLock<Termios> = OnceLock::new();

/// How many are writing.
static WRITERS: Mutex<usize> = Mutex::new(0);

fn writers() -> MutexGuard<'static, usize> {
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears of signals from now on. One that whoever started the tool had ignored stays so, as by `nohup`.
pub(crate) fn listen() -> io::Result<()> {
    let ignored = ignored();
    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let mut signals = Signals::new(wanted.filter(|signal| ignored & 1 << (signal - 1) == 0))?;
    if let Ok(terminal) = tcgetattr(io::stdin()) {
        let _ = TERMINAL.set(terminal);
    }
    thread::spawn(move || signals.forever().for_each(heard));
    Ok(())
}

fn heard(signal: i32) {
    let writers = writers();
    LAST.store(signal, Ordering::Relaxed);
    progress::erase();
    if *writers == 0 {
        process::exit(end(signal));
    }
}

/// The signals that are ignored, a bit each from 1 on.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// The end by a signal: leaves the terminal as it was, and gives the exit code.
fn end(signal: i32) -> i32 {
    if let Some(terminal) = TERMINAL.get() {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, terminal);
    }
    128 + signal
}

/// While there is one, the tool does not end before its time.
pub(crate) struct Writing(());

impl Writing {
    pub(crate) fn begin() -> Writing {
        *writers() += 1;
        Writing(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        *writers() -= 1;
    }
}

/// Whether what takes long is to stop.
pub(crate) fn is_wanted() -> bool {
    LAST.load(Ordering::Relaxed) != 0
}

/// A failure if it is.
pub(crate) fn check() -> Result<()> {
    match is_wanted() {
        true => Err(Failure::Interrupted),
        false => Ok(()),
    }
}

/// The end by a signal, if there was one: leaves the terminal as it was, and gives the exit code.
pub(crate) fn ended() -> Option<i32> {
    is_wanted().then(|| end(LAST.load(Ordering::Relaxed)))
}

/// Ctrl-C was for one of several commands only.
pub(crate) fn go_on() {
    let _ = LAST.compare_exchange(SIGINT, 0, Ordering::Relaxed, Ordering::Relaxed);
}
