//! Who called whom, by frame pointers.
//!
//! The console gets addresses, one a line: `    at 0x0000000000101234`. Names are in the image's symbols,
//! which are not loaded; whoever reads the console puts them there.

use crate::boot::start_info::Range;
use crate::console;
use crate::memory::image;

/// More frames say nothing new.
const MOST: usize = 32;

/// Prints where `rip` is and the callers by the chain that begins at `frame`, on the stack `stack`. Nothing
/// outside of it is read.
pub(crate) fn print_backtrace(rip: Option<u64>, mut frame: u64, stack: Range) {
    let code = image::code();
    let print = |at: u64| console::report(format_args!("    at {at:#018x}\n"));
    if let Some(rip) = rip {
        print(rip);
    }
    for _ in 0..MOST {
        if !frame.is_multiple_of(8) || frame < stack.start || frame.saturating_add(16) > stack.end {
            return;
        }
        // SAFETY: two words within a stack, which is mapped.
        let [caller, back] = unsafe { *(frame as *const [u64; 2]) };
        if !(code.start..code.end).contains(&back) {
            return;
        }
        // The call is before where it returns to.
        print(back - 1);
        if caller <= frame {
            return;
        }
        frame = caller;
    }
}
