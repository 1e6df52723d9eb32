//! Time, from the vDSO.

use std::mem::MaybeUninit;

use crate::Platform;

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

#[inline(always)]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the place is good for a timespec, and both clocks always exist, so it is filled in.
    let time = unsafe {
        libc::clock_gettime(clock, time.as_mut_ptr());
        time.assume_init()
    };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// A span or a time in nanoseconds as the system has it.
pub(crate) fn timespec(nanoseconds: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanoseconds / SECOND) as libc::time_t,
        tv_nsec: (nanoseconds % SECOND) as libc::c_long,
    }
}

impl hypercall::Clock for Platform {
    #[inline(always)]
    fn monotonic() -> u64 {
        read(libc::CLOCK_MONOTONIC)
    }

    #[inline(always)]
    fn wall() -> u64 {
        read(libc::CLOCK_REALTIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Clock;

    #[test]
    fn monotonic_time_does_not_go_back_and_wall_time_is_of_this_century() {
        let start = Platform::monotonic();
        assert!(Platform::monotonic() >= start);
        assert!(Platform::wall() > 1_000_000_000 * SECOND);
    }
}
