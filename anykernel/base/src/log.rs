//! What a kernel has to say to people: kept in a ring, and shown on the console from a level on.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::spin::Spin;
use crate::{Echo, Instance, Work};

/// The lines kept.
const KEPT: usize = 256;

/// How much a line matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something is not as it should be.
    Warning,
    /// Something happened that people may want to know.
    Info,
    /// For whoever looks for a fault.
    Debug,
}

pub(crate) struct Log {
    lines: Spin<VecDeque<(Level, String)>>,
    shown: Level,
    echoes: Spin<Vec<Arc<Echo>>>,
}

impl Log {
    pub(crate) fn new(shown: Level) -> Self {
        Log {
            lines: Spin::new(VecDeque::new()),
            shown,
            echoes: Spin::new(Vec::new()),
        }
    }

    fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        let line = format!("{text}\n");
        if level <= self.shown {
            self.show(&line);
        }
        self.lines.with(|lines| {
            if lines.len() == KEPT {
                lines.pop_front();
            }
            lines.push_back((level, line));
        });
    }

    /// Puts lines on the console, and wherever that is echoed.
    fn show(&self, lines: &str) {
        hypercall::console::write(lines.into());
        for echo in self.echoes.with(|echoes| echoes.clone()) {
            echo.add(lines);
        }
    }
}

impl Instance {
    /// The last lines of the log, oldest first.
    pub fn log_lines(&self) -> Vec<String> {
        self.log
            .lines
            .with(|lines| lines.iter().map(|(_, line)| line.clone()).collect())
    }

    /// Those of the last lines of the log that are at least so severe, oldest first.
    pub fn log_lines_of(&self, least: Level) -> Vec<String> {
        self.log.lines.with(|lines| {
            let severe = lines.iter().filter(|(level, _)| *level <= least);
            severe.map(|(_, line)| line.clone()).collect()
        })
    }

    /// Puts lines on the console, each ending in a newline, whatever the log's level.
    pub fn print(&self, lines: &str) {
        self.log.show(lines);
    }

    /// Has `work` scheduled for what the console gets from now on, and has got of the log so far.
    pub fn echo(&self, work: &Arc<Work>) -> Arc<Echo> {
        let echo = Arc::new(Echo::new(work));
        self.log.echoes.with(|echoes| echoes.push(echo.clone()));
        let shown: String = self.log.lines.with(|lines| {
            let shown = lines.iter().filter(|(level, _)| *level <= self.log.shown);
            shown.map(|(_, line)| line.as_str()).collect()
        });
        echo.add(&shown);
        echo
    }

    /// Ends that.
    pub fn unecho(&self, echo: &Arc<Echo>) {
        let _dropped_outside = self.log.echoes.with(|echoes| {
            let at = echoes.iter().position(|other| Arc::ptr_eq(other, echo));
            at.map(|at| echoes.remove(at))
        });
    }
}

/// Writes a line to the instance's log: what [`log!`](crate::log!) expands to.
pub fn write_log(instance: &Instance, level: Level, text: fmt::Arguments<'_>) {
    instance.log.write(level, text);
}

/// Writes a line to the log of an instance: `log!(lwp.instance(), Level::Info, "virt0 is up")`.
#[macro_export]
macro_rules! log {
    ($instance:expr, $level:expr, $($text:tt)+) => {
        $crate::write_log($instance, $level, format_args!($($text)+))
    };
}
