//! `memcpy` and its kin, which the host's own target expects from a C library.
//!
//! In loops of 64 and of 8 bytes rather than by string instructions: those cost an emulator a loop over
//! single bytes. Unaligned loads and stores cost nothing worth a detour. It is written out, with no iterators, so that
//! it is as fast in a crate that is compiled to be small.

use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_set1_epi8, _mm_storeu_si128};

/// Copies upwards: right for ranges that are apart, and when `to` is below `from`.
///
/// # Safety
///
/// As for `memmove`.
#[inline(always)]
unsafe fn copy_up(to: *mut u8, from: *const u8, len: usize) {
    let mut at = 0;
    // SAFETY: every access is within `len`.
    unsafe {
        while len - at >= 64 {
            let source = from.add(at).cast::<__m128i>();
            let target = to.add(at).cast::<__m128i>();
            let first = _mm_loadu_si128(source);
            let second = _mm_loadu_si128(source.add(1));
            let third = _mm_loadu_si128(source.add(2));
            let fourth = _mm_loadu_si128(source.add(3));
            _mm_storeu_si128(target, first);
            _mm_storeu_si128(target.add(1), second);
            _mm_storeu_si128(target.add(2), third);
            _mm_storeu_si128(target.add(3), fourth);
            at += 64;
        }
        while len - at >= 8 {
            let part = from.add(at).cast::<u64>().read_unaligned();
            to.add(at).cast::<u64>().write_unaligned(part);
            at += 8;
        }
        while at < len {
            // Volatile, as below: the compiler makes calls of this very function of plain loops.
            to.add(at).write_volatile(from.add(at).read_volatile());
            at += 1;
        }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { copy_up(to, from, len) };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller's promise; what overlaps at the end of `from` is read before it is written.
    unsafe {
        if (to as usize).wrapping_sub(from as usize) >= len {
            copy_up(to, from, len);
        } else {
            let mut left = len;
            while left >= 16 {
                left -= 16;
                let part = _mm_loadu_si128(from.add(left).cast());
                _mm_storeu_si128(to.add(left).cast(), part);
            }
            while left > 0 {
                left -= 1;
                to.add(left).write_volatile(from.add(left).read_volatile());
            }
        }
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, len: usize) -> *mut u8 {
    let mut at = 0;
    // SAFETY: the caller's promise; every access is within `len`.
    unsafe {
        let part = _mm_set1_epi8(value as i8);
        while len - at >= 64 {
            let target = to.add(at).cast::<__m128i>();
            _mm_storeu_si128(target, part);
            _mm_storeu_si128(target.add(1), part);
            _mm_storeu_si128(target.add(2), part);
            _mm_storeu_si128(target.add(3), part);
            at += 64;
        }
        while len - at >= 16 {
            _mm_storeu_si128(to.add(at).cast(), part);
            at += 16;
        }
        while at < len {
            to.add(at).write_volatile(value as u8);
            at += 1;
        }
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, len: usize) -> i32 {
    let mut at = 0;
    // SAFETY: the caller's promise; every access is within `len`.
    unsafe {
        while len - at >= 8 {
            let x = a.add(at).cast::<u64>().read_unaligned();
            let y = b.add(at).cast::<u64>().read_unaligned();
            if x != y {
                return if x.swap_bytes() < y.swap_bytes() {
                    -1
                } else {
                    1
                };
            }
            at += 8;
        }
        while at < len {
            let (x, y) = (a.add(at).read_volatile(), b.add(at).read_volatile());
            if x != y {
                return i32::from(x) - i32::from(y);
            }
            at += 1;
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
    // SAFETY: the caller's promise.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}
