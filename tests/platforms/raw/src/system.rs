//! System calls of Linux on x86-64, and what the compiler expects of every program.

use core::arch::asm;

pub(crate) const CLOCK_REALTIME: usize = 0;
pub(crate) const CLOCK_MONOTONIC: usize = 1;

const WRITE: usize = 1;
const NANOSLEEP: usize = 35;
const EXIT_GROUP: usize = 231;
const CLOCK_GETTIME: usize = 228;
const GETRANDOM: usize = 318;

const NANOSECONDS: u64 = 1_000_000_000;

fn call(number: usize, [a, b, c]: [usize; 3]) -> isize {
    let result;
    // SAFETY: the calls named above write nothing but the buffers they are given.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c,
            out("rcx") _, out("r11") _);
    }
    result
}

pub(crate) fn write(text: &[u8]) {
    call(WRITE, [1, text.as_ptr() as usize, text.len()]);
}

pub(crate) fn exit(code: i32) -> ! {
    loop {
        call(EXIT_GROUP, [code as usize, 0, 0]);
    }
}

pub(crate) fn time(clock: usize) -> u64 {
    let mut time = [0u64; 2];
    call(CLOCK_GETTIME, [clock, time.as_mut_ptr() as usize, 0]);
    time[0] * NANOSECONDS + time[1]
}

pub(crate) fn sleep(span: u64) {
    let time = [span / NANOSECONDS, span % NANOSECONDS];
    call(NANOSLEEP, [time.as_ptr() as usize, 0, 0]);
}

pub(crate) fn random(buffer: &mut [u8]) {
    call(GETRANDOM, [buffer.as_mut_ptr() as usize, buffer.len(), 0]);
}

#[cfg(rump_bare)]
mod bare {
    use core::arch::{asm, global_asm};
    use core::fmt::{self, Write};
    use core::panic::PanicInfo;

    global_asm!(
        ".globl _start",
        "_start:",
        "mov rdi, rsp",
        "and rsp, -16",
        "call raw_main",
    );

    struct Console;

    impl Write for Console {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            super::write(text.as_bytes());
            Ok(())
        }
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        let _ = writeln!(Console, "raw: {info}");
        super::exit(101)
    }

    /// Named by what was compiled for unwinding; never called.
    #[unsafe(no_mangle)]
    extern "C" fn rust_eh_personality() {}

    #[unsafe(no_mangle)]
    extern "C" fn _Unwind_Resume() -> ! {
        super::exit(101)
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
        if (to as usize).wrapping_sub(from as usize) >= len {
            // SAFETY: going upwards reads every byte before it is written over.
            return unsafe { memcpy(to, from, len) };
        }
        // SAFETY: the caller's promise; going downwards reads every byte before it is written over.
        unsafe {
            asm!("std", "rep movsb", "cld", inout("rcx") len => _,
                inout("rdi") to.add(len - 1) => _, inout("rsi") from.add(len - 1) => _);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, value: i32, len: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") value as u8);
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
        for index in 0..len {
            // SAFETY: the caller's promise.
            let (a, b) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { memcmp(a, b, len) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn strlen(text: *const u8) -> usize {
        let mut len = 0;
        // SAFETY: the caller's promise. A plain read would be made a call of this function.
        while unsafe { text.add(len).read_volatile() } != 0 {
            len += 1;
        }
        len
    }
}
