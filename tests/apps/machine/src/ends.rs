//! Ways for a machine to come to an end that it has to report.
// Wrong on purpose.
#![allow(unsafe_code)]

use core::hint::black_box;

pub(crate) fn panic() -> ! {
    panic!("as asked")
}

/// Calls itself for ever.
pub(crate) fn overflow() -> i32 {
    #[inline(never)]
    fn deeper(depth: u64) -> u64 {
        let frame = black_box([depth; 64]);
        match depth {
            u64::MAX => 0,
            _ => deeper(depth + 1) + frame[0],
        }
    }
    deeper(0) as i32
}

/// Writes to a field of nothing.
pub(crate) fn null() -> i32 {
    let nothing: *mut u64 = black_box(core::ptr::null_mut());
    // SAFETY: none: it faults, which is the exercise.
    unsafe { nothing.wrapping_add(3).write_volatile(1) };
    0
}

/// Writes over its own instructions.
pub(crate) fn code() -> i32 {
    // SAFETY: none: it faults, which is the exercise.
    unsafe { (black_box(code as fn() -> i32) as *mut u8).write_volatile(0) };
    0
}

/// Runs what is data.
pub(crate) fn execute() -> i32 {
    let data = black_box([0xc3u8; 16]);
    // SAFETY: none: it faults, which is the exercise.
    let code: extern "C" fn() = unsafe { core::mem::transmute(data.as_ptr()) };
    code();
    0
}
