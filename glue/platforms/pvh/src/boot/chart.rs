//! What boot spends its time on, before components start.

use core::fmt;

use crate::{clock, console};

/// The most stages.
const MOST: usize = 8;

/// Stages, each with the time stamp of its end.
pub(super) struct Chart {
    begin: u64,
    stages: [(&'static str, u64); MOST],
    count: usize,
}

impl Chart {
    /// Begins at the time stamp `begin`.
    pub(super) fn new(begin: u64) -> Chart {
        Chart {
            begin,
            stages: [("", 0); MOST],
            count: 0,
        }
    }

    /// Ends a stage.
    pub(super) fn end(&mut self, stage: &'static str) {
        if let Some(place) = self.stages.get_mut(self.count) {
            *place = (stage, clock::stamp());
            self.count += 1;
        }
    }

    /// Prints all stages, in the form of the chart of components. The clock is needed by now, and was not
    /// before. `apart` is no part of the total: what it takes does not depend on what it does.
    pub(super) fn print(&self, apart: &str) {
        let mut begin = self.begin;
        let mut total = 0;
        for (stage, end) in &self.stages[..self.count] {
            let took = clock::span(begin, *end);
            console::print(format_args!("{stage:>12} {}\n", Span(took)));
            if *stage != apart {
                total += took;
            }
            begin = *end;
        }
        let total = Span(total);
        console::print(format_args!("{:>12} {total} without {apart}\n", "machine"));
    }
}

/// Nanoseconds, in microseconds.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7}.{} us", self.0 / 1000, self.0 % 1000 / 100)
    }
}
