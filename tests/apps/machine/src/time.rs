//! Waiting for time to pass.

use core::time::Duration;

use hypercall::clock;
use rump::Kernel;

use crate::say;

const MILLISECOND: u64 = 1_000_000;

/// Waits of several lengths end in time: never early.
pub(crate) fn deadlines(kernel: &Kernel) -> i32 {
    let mut latest = 0;
    for span in [0, 1, 5, 20, 50, 3, 1] {
        let begin = clock::monotonic();
        if kernel.sleep(Duration::from_millis(span)).is_err() {
            return 1;
        }
        let took = clock::monotonic() - begin;
        if took < span * MILLISECOND {
            say!(kernel, "deadlines: {span} ms took {took} ns");
            return 1;
        }
        latest = latest.max(took - span * MILLISECOND);
    }
    let date = clock::wall() / (365 * 86_400_000 * MILLISECOND) + 1970;
    say!(
        kernel,
        "deadlines: late by {} us at most, about {date}",
        latest / 1000
    );
    0
}

/// Says the date, in milliseconds since 1970, and again after so many seconds.
pub(crate) fn date(kernel: &Kernel, seconds: u64) -> i32 {
    for rest in [seconds, 0] {
        say!(kernel, "date: {}", clock::wall() / MILLISECOND);
        if kernel.sleep(Duration::from_secs(rest)).is_err() {
            return 1;
        }
    }
    0
}

/// Does nothing for so many seconds.
pub(crate) fn idle(kernel: &Kernel, seconds: u64) -> i32 {
    say!(kernel, "idle");
    i32::from(kernel.sleep(Duration::from_secs(seconds)).is_err())
}
