//! How far a long command is: on a terminal only, and not before a second has gone by.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};

/// When it is first shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is shown, if anything is: there is one terminal.
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Takes what is shown away, for good.
pub(crate) fn erase() {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(bar) = shown.and_then(|bar| bar.upgrade()) {
        bar.finish_and_clear();
    }
}

/// What is counted while people wait.
pub(crate) struct Progress {
    bar: ProgressBar,
    since: Instant,
    files: AtomicU64,
}

impl Progress {
    /// `done` is what is done with bytes, such as `copied`.
    pub(crate) fn new(done: &str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template =
            format!("{{spinner}} {{binary_bytes}} {done}, {{binary_bytes_per_sec}}{{msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
        Progress {
            bar,
            since: Instant::now(),
            files: AtomicU64::new(0),
        }
    }

    /// Something that takes as long as it takes, such as `making a file system`.
    pub(crate) fn of_one(doing: &str) -> Progress {
        let progress = Progress::new(doing);
        if io::stderr().is_terminal() {
            progress.bar.set_draw_target(ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                progress.bar.set_style(style);
            }
            progress.bar.set_message(doing.to_owned());
            progress.bar.enable_steady_tick(PATIENCE);
        }
        progress
    }

    /// One more file.
    pub(crate) fn file(&self) {
        let files = self.files.fetch_add(1, Ordering::Relaxed) + 1;
        if files.is_multiple_of(256) {
            self.bytes(0);
        }
    }

    /// So many more bytes.
    pub(crate) fn bytes(&self, count: u64) {
        self.bar.inc(count);
        if self.bar.is_hidden() {
            if self.since.elapsed() < PATIENCE || !io::stderr().is_terminal() {
                return;
            }
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let files = self.files.load(Ordering::Relaxed);
        if files > 1 {
            self.bar.set_message(format!(", {files} files"));
        }
    }

    /// The end: nothing of it stays on the terminal.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
