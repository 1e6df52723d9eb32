//! Panics, contained by unwinding.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use hypercall::{Console, Upcall};

use crate::{Platform, tls::caught};

/// What a silent unwinding carries.
struct Silent;

/// The thread's word while a panic would be a kernel's; zero otherwise.
const INSIDE: usize = 1;

static HOOK: Once = Once::new();

impl hypercall::Fault for Platform {
    #[inline]
    fn catch(run: Upcall) -> bool {
        HOOK.call_once(install_hook);
        let outer = caught::get();
        caught::set(INSIDE);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| run.call()));
        caught::set(outer);
        match outcome {
            Ok(()) => false,
            Err(payload) => {
                discard(payload);
                true
            }
        }
    }

    #[inline]
    fn panicking() -> bool {
        std::thread::panicking()
    }

    #[cold]
    fn raise() -> ! {
        panic::resume_unwind(Box::new(Silent))
    }
}

/// Drops what a panic carried. A payload whose own drop panics is left where it is.
#[cold]
fn discard(payload: Box<dyn std::any::Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// Makes panics inside of kernels one line on the console, and leaves all others as they were.
#[cold]
fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if caught::get() == 0 {
            previous(info);
        } else {
            Platform::write(report(info).as_str().into());
        }
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("no message");
    // One line, whatever the message is: the console's contract.
    let message = message.replace('\n', "; ");
    match info.location() {
        Some(at) => format!(
            "kernel: panicked at {}:{}: {message}\n",
            at.file(),
            at.line()
        ),
        None => format!("kernel: panicked: {message}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Fault;

    extern "C-unwind" fn panics(_: usize) {
        panic!("as asked\nby the test");
    }

    extern "C-unwind" fn raises(_: usize) {
        Platform::raise();
    }

    extern "C-unwind" fn nested(cookie: usize) {
        assert!(Platform::catch(Upcall::new(panics, cookie)));
        assert!(!Platform::panicking());
        assert_eq!(caught::get(), 1);
    }

    #[test]
    fn panics_end_at_catch() {
        assert!(Platform::catch(Upcall::new(panics, 0)));
        assert!(Platform::catch(Upcall::new(raises, 0)));
        assert!(!Platform::catch(Upcall::new(nested, 0)));
        assert_eq!(caught::get(), 0);
    }
}
