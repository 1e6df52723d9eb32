//! The clock, and how it moves: to the next event, as far as somebody waits.

use crate::{Platform, events, world};

/// 2020-01-01T00:00Z, where the wall clock of every world starts.
const EPOCH: u64 = 1_577_836_800_000_000_000;

impl hypercall::Clock for Platform {
    fn monotonic() -> u64 {
        now()
    }

    fn wall() -> u64 {
        EPOCH + now()
    }
}

/// Nanoseconds of the monotonic clock.
pub fn now() -> u64 {
    world::with(|world| world.now)
}

/// Lets `span` nanoseconds pass, and everything happen that is due in them.
pub fn advance(span: u64) {
    let end = now().saturating_add(span);
    run_to(end);
    world::with(|world| world.now = world.now.max(end));
}

/// Lets things happen until nothing is left to happen, but no more than `limit` nanoseconds pass.
/// Says whether nothing was left.
pub fn run_until_idle(limit: u64) -> bool {
    run_to(now().saturating_add(limit));
    world::with(|world| world.events.is_empty())
}

/// Does everything that is due until `end`.
fn run_to(end: u64) {
    while events::next_by(end) {}
}
