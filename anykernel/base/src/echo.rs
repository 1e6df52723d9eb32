//! An echo of the console, for a driver that has another place for it.
//!
//! Lines are written in any context; the driver takes them in its own, as deferred work.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::mem;

use crate::Work;
use crate::spin::Spin;

/// Bytes that wait for the driver.
const ROOM: usize = 64 * 1024;

/// What the console got and the driver has not taken yet.
pub struct Echo {
    waiting: Spin<Waiting>,
    work: Arc<Work>,
}

#[derive(Default)]
struct Waiting {
    text: String,
    /// Lines for which there was no room.
    lost: usize,
}

impl Echo {
    pub(crate) fn new(work: &Arc<Work>) -> Self {
        Echo {
            waiting: Spin::new(Waiting::default()),
            work: work.clone(),
        }
    }

    pub(crate) fn add(&self, lines: &str) {
        self.waiting.with(|waiting| {
            if waiting.text.len() + lines.len() <= ROOM {
                waiting.text.push_str(lines);
            } else {
                waiting.lost += lines.lines().count();
            }
        });
        self.work.schedule();
    }

    /// Takes what there is.
    pub fn take(&self) -> String {
        let Waiting { mut text, lost } = self.waiting.with(mem::take);
        if lost > 0 {
            text.push_str(&format!("({lost} lines lost)\n"));
        }
        text
    }
}
