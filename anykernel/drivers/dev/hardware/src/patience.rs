//! Waiting for a device, within bounds.

use hypercall::clock;

/// A look at a register takes at least so long, in nanoseconds.
const LOOK: u64 = 100;

/// Looks again and again whether a condition has come true, for at most `span` nanoseconds: for what a
/// device does at once or not at all, such as a reset.
///
/// The number of looks is bounded too, since a clock may stand still while nobody waits on it.
pub fn comes_true(span: u64, mut condition: impl FnMut() -> bool) -> bool {
    let end = clock::monotonic().saturating_add(span);
    for _ in 0..=span / LOOK {
        if condition() {
            return true;
        }
        if clock::monotonic() > end {
            break;
        }
        core::hint::spin_loop();
    }
    condition()
}
