//! Words of the calling thread, and C's `errno`.
//!
//! A library's ordinary thread-local variable costs a call (`__tls_get_addr`) whenever the library is
//! a shared one. These words are in the initial-exec model, which is two instructions and takes eight
//! bytes each of the space that C libraries reserve for it; the compiler offers no way to ask for it,
//! hence the assembly. They have no destructor.

use crate::Platform;

/// Defines a module with `get` and `set` of a word a thread, zero at first.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(crate) mod $name {
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            std::arch::global_asm!(
                concat!(".section .tbss.__rump_tls_", stringify!($name), ",\"awT\",@nobits"),
                concat!(".hidden __rump_tls_", stringify!($name)),
                concat!(".globl __rump_tls_", stringify!($name)),
                concat!(".type __rump_tls_", stringify!($name), ",@object"),
                concat!(".size __rump_tls_", stringify!($name), ",8"),
                ".p2align 3",
                concat!("__rump_tls_", stringify!($name), ":"),
                ".zero 8",
                ".previous",
            );

            /// Where the word is from the thread's pointer on. It never changes, so it is looked up once a function.
            #[cfg(target_arch = "x86_64")]
            #[inline(always)]
            fn offset() -> usize {
                let offset;
                // SAFETY: reads the GOT entry of the word defined above, which the loader filled.
                unsafe {
                    std::arch::asm!(
                        concat!("mov {offset}, qword ptr [rip + __rump_tls_", stringify!($name), "@GOTTPOFF]"),
                        offset = out(reg) offset,
                        options(pure, nomem, nostack, preserves_flags),
                    );
                }
                offset
            }

            #[cfg(target_arch = "x86_64")]
            #[inline(always)]
            pub(crate) fn get() -> usize {
                let word;
                // SAFETY: reads the word defined above.
                unsafe {
                    std::arch::asm!(
                        "mov {word}, qword ptr fs:[{at}]",
                        word = out(reg) word,
                        at = in(reg) offset(),
                        options(pure, readonly, nostack, preserves_flags),
                    );
                }
                word
            }

            #[cfg(target_arch = "x86_64")]
            #[inline(always)]
            pub(crate) fn set(word: usize) {
                // SAFETY: writes the word defined above, which nobody has a reference to.
                unsafe {
                    std::arch::asm!(
                        "mov qword ptr fs:[{at}], {word}",
                        at = in(reg) offset(),
                        word = in(reg) word,
                        options(nostack, preserves_flags),
                    );
                }
            }

            #[cfg(target_arch = "aarch64")]
            #[inline(always)]
            fn address() -> *mut usize {
                let address;
                // SAFETY: computes the address of the word defined above from the thread's pointer.
                unsafe {
                    std::arch::asm!(
                        "mrs {base}, tpidr_el0",
                        concat!("adrp {at}, :gottprel:__rump_tls_", stringify!($name)),
                        concat!("ldr {at}, [{at}, :gottprel_lo12:__rump_tls_", stringify!($name), "]"),
                        "add {at}, {at}, {base}",
                        base = out(reg) _,
                        at = out(reg) address,
                        options(pure, readonly, nostack, preserves_flags),
                    );
                }
                address
            }

            #[cfg(target_arch = "aarch64")]
            #[inline(always)]
            pub(crate) fn get() -> usize {
                // SAFETY: the thread's own word, which nobody has a reference to.
                unsafe { *address() }
            }

            #[cfg(target_arch = "aarch64")]
            #[inline(always)]
            pub(crate) fn set(word: usize) {
                // SAFETY: as above.
                unsafe { *address() = word }
            }

            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            std::thread_local! {
                static WORD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
            }

            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            #[inline]
            pub(crate) fn get() -> usize {
                WORD.get()
            }

            #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
            #[inline]
            pub(crate) fn set(word: usize) {
                WORD.set(word);
            }
        }
    };
}

word! {
    /// The C interface's word.
    current
}
word! {
    /// Whether the thread is inside `catch`: a panic is a kernel's then.
    caught
}
word! {
    /// The address of the thread's wait word.
    parker
}

impl hypercall::Tls for Platform {
    #[inline(always)]
    fn word() -> usize {
        current::get()
    }

    #[inline(always)]
    fn set_word(word: usize) {
        current::set(word);
    }

    fn set_errno(number: i32) {
        // SAFETY: the C library's place for the calling thread's `errno`, always there.
        unsafe { *libc::__errno_location() = number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Tls;

    #[test]
    fn each_thread_has_its_own_word() {
        Platform::set_word(17);
        std::thread::spawn(|| {
            assert_eq!(Platform::word(), 0);
            Platform::set_word(18);
            assert_eq!(Platform::word(), 18);
        })
        .join()
        .unwrap();
        assert_eq!(Platform::word(), 17);
        Platform::set_word(0);
    }

    #[test]
    fn errno_is_the_c_library_s() {
        Platform::set_errno(libc::EBADF);
        assert_eq!(crate::last_errno(), libc::EBADF);
    }
}
