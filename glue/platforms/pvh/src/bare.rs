//! What the compiler expects of every program, for images only: elsewhere the host's libraries have it.

use core::panic::PanicInfo;

#[cfg(target_os = "linux")]
mod memory;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::fault::panicked(info)
}

/// Named by what the core library was compiled with for the host's own target, and never called: nothing
/// unwinds.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::power::halt(crate::fault::PANICKED)
}
