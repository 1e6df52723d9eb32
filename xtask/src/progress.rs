//! How a build comes along, on the terminal.

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rumpgen::build::Progress;

use crate::cli::Verbosity;

/// A bar of crates done; nothing where there is no terminal or no wish for one.
pub(crate) struct Bar {
    bar: ProgressBar,
    verbosity: Verbosity,
    seen: BTreeSet<String>,
}

impl Bar {
    /// A bar that is not drawn yet.
    pub(crate) fn new(verbosity: Verbosity) -> Bar {
        let bar = ProgressBar::new(0);
        if verbosity.quiet || verbosity.verbose {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("  building {bar:24} {pos}/{len} {msg}");
        bar.set_style(style.expect("the template is well-formed"));
        Bar {
            bar,
            verbosity,
            seen: BTreeSet::new(),
        }
    }

    /// Takes the bar off the terminal.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn total(&mut self, crates: usize) {
        self.bar.set_length(crates as u64);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn done(&mut self, name: &str) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        self.bar.inc(1);
        self.bar.set_message(name.to_owned());
        if self.verbosity.verbose {
            eprintln!("  built {name}");
        }
    }

    fn message(&mut self, text: &str, error: bool) {
        if error || !self.verbosity.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}
