//! What a kernel has to say to people: kept in a ring, and shown on the console from a level on.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::Instance;
use crate::spin::Spin;

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
    lines: Spin<VecDeque<String>>,
    shown: Level,
}

impl Log {
    pub(crate) fn new(shown: Level) -> Self {
        Log {
            lines: Spin::new(VecDeque::new()),
            shown,
        }
    }

    fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        let line = format!("{text}\n");
        if level <= self.shown {
            hypercall::console::write(line.as_str().into());
        }
        self.lines.with(|lines| {
            if lines.len() == KEPT {
                lines.pop_front();
            }
            lines.push_back(line);
        });
    }
}

impl Instance {
    /// The last lines of the log, oldest first.
    pub fn log_lines(&self) -> alloc::vec::Vec<String> {
        self.log.lines.with(|lines| lines.iter().cloned().collect())
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
