//! What the compiler asks for where there is no runtime.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use hypercall::{console, power};

use crate::PANICKED;
use crate::line::Line;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    // A message that panics when it is put together is not asked again.
    if !REPORTED.swap(true, Ordering::Relaxed) {
        let line = match info.location() {
            Some(at) => Line::new(format_args!(
                "kernel: panicked at {}:{}: {}",
                at.file(),
                at.line(),
                info.message()
            )),
            None => Line::new(format_args!("kernel: panicked: {}", info.message())),
        };
        console::write(line.as_bytes().into());
    }
    power::halt(PANICKED)
}

/// Named by the tables for unwinding of libraries that were compiled before; nothing unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    power::halt(PANICKED)
}
