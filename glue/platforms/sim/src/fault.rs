//! Panics, contained by unwinding.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use hypercall::Upcall;

use crate::{Platform, world};

/// What a silent unwinding carries.
struct Silent;

thread_local! {
    static CAUGHT: Cell<u32> = const { Cell::new(0) };
}

impl hypercall::Fault for Platform {
    fn catch(run: Upcall) -> bool {
        static HOOK: Once = Once::new();
        HOOK.call_once(install_hook);
        CAUGHT.set(CAUGHT.get() + 1);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| run.call()));
        CAUGHT.set(CAUGHT.get() - 1);
        outcome.is_err()
    }

    fn panicking() -> bool {
        std::thread::panicking()
    }

    fn raise() -> ! {
        panic::resume_unwind(Box::new(Silent))
    }
}

/// Puts panics inside of kernels on the world's console too; a test that fails for one shows it where
/// tests show theirs.
fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if CAUGHT.get() != 0 {
            let message = info
                .payload_as_str()
                .unwrap_or("no message")
                .replace('\n', "; ");
            let line = match info.location() {
                Some(at) => format!(
                    "kernel: panicked at {}:{}: {message}\n",
                    at.file(),
                    at.line()
                ),
                None => format!("kernel: panicked: {message}\n"),
            };
            world::try_with(|world| world.console.extend_from_slice(line.as_bytes()));
        }
        previous(info);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Fault;

    extern "C-unwind" fn panics(_: usize) {
        panic!("as asked");
    }

    extern "C-unwind" fn raises(_: usize) {
        Platform::raise();
    }

    #[test]
    fn panics_end_at_catch_and_are_reported_once() {
        assert!(Platform::catch(Upcall::new(panics, 0)));
        assert!(Platform::catch(Upcall::new(raises, 0)));
        let console = crate::console();
        assert_eq!(console.lines().count(), 1, "{console}");
        assert!(console.ends_with(": as asked\n"), "{console}");
    }
}
