//! Time as hypervisors say it: Xen's `vcpu_time_info` (xen/include/public/xen.h) and KVM's
//! `pvclock_vcpu_time_info` (Linux, Documentation/virt/kvm/x86/msr.rst), which are alike.
//!
//! A machine's own clock has the same form, so that there is one way to read a clock. What a hypervisor wrote is
//! read with suspicion: it may change at any time and be anything, and yet reading it ends, and gives a number.

use core::sync::atomic::{AtomicI8, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

use super::SECOND;

/// Readings of what goes on changing before it is given up.
const PATIENCE: u32 = 1 << 10;
/// Of the flags: all processors' clocks show the same.
const STABLE: u8 = 1;
/// Later than any time that is believed.
const NEVER: u64 = 1 << 63;

/// Where a processor finds the time.
#[repr(C)]
pub(crate) struct TimeInfo {
    /// Odd while the rest changes, and another one after that.
    version: AtomicU32,
    unused: u32,
    stamp: AtomicU64,
    time: AtomicU64,
    factor: AtomicU32,
    shift: AtomicI8,
    flags: AtomicU8,
    padding: [u8; 2],
}

/// What is there: at a time stamp it was a time, in nanoseconds, and each stamp since is as many nanoseconds more
/// as the factor says, times 2^(shift - 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    stamp: u64,
    time: u64,
    factor: u32,
    shift: i8,
    flags: u8,
}

/// What `read` reads when `version` says that it is of one piece; none if it never does.
fn consistent<T>(version: &AtomicU32, read: impl Fn() -> T) -> Option<T> {
    (0..PATIENCE).find_map(|_| {
        let before = version.load(Ordering::Acquire);
        let found = read();
        fence(Ordering::Acquire);
        (before.is_multiple_of(2) && version.load(Ordering::Relaxed) == before).then_some(found)
    })
}

impl TimeInfo {
    /// One that says nothing yet.
    pub(crate) const fn new() -> TimeInfo {
        TimeInfo {
            version: AtomicU32::new(0),
            unused: 0,
            stamp: AtomicU64::new(0),
            time: AtomicU64::new(0),
            factor: AtomicU32::new(0),
            shift: AtomicI8::new(0),
            flags: AtomicU8::new(0),
            padding: [0; 2],
        }
    }

    /// What is there, and the time stamp of when that was.
    pub(super) fn read(&self, stamp: impl Fn() -> u64) -> Option<(Reading, u64)> {
        consistent(&self.version, || {
            let reading = Reading {
                stamp: self.stamp.load(Ordering::Relaxed),
                time: self.time.load(Ordering::Relaxed),
                factor: self.factor.load(Ordering::Relaxed),
                shift: self.shift.load(Ordering::Relaxed),
                flags: self.flags.load(Ordering::Relaxed),
            };
            (reading, stamp())
        })
    }

    /// Has it say this. Nobody reads it yet.
    pub(super) fn set(&self, reading: Reading) {
        self.stamp.store(reading.stamp, Ordering::Relaxed);
        self.time.store(reading.time, Ordering::Relaxed);
        self.factor.store(reading.factor, Ordering::Relaxed);
        self.shift.store(reading.shift, Ordering::Relaxed);
        self.flags.store(reading.flags, Ordering::Relaxed);
    }
}

impl Reading {
    /// A clock that begins at zero, at a time stamp, of which there are so many a second.
    pub(super) fn counting(frequency: u64, stamp: u64) -> Reading {
        let ratio = (SECOND << 32) / frequency.max(1);
        let shift = u32::BITS.saturating_sub(ratio.leading_zeros());
        Reading {
            stamp,
            time: 0,
            factor: (ratio >> shift) as u32,
            shift: shift as i8,
            flags: STABLE,
        }
    }

    /// How many stamps there are a second; zero if time stands still.
    pub(super) fn frequency(&self) -> u64 {
        let unshifted = (SECOND << 32).checked_div(u64::from(self.factor));
        shifted(unshifted.unwrap_or(0), self.shift.saturating_neg())
    }

    /// Whether all processors' clocks show the same.
    pub(super) fn is_stable(&self) -> bool {
        self.flags & STABLE != 0
    }

    /// Nanoseconds in so many stamps.
    pub(super) fn span(&self, stamps: u64) -> u64 {
        let product = u128::from(shifted(stamps, self.shift)) * u128::from(self.factor);
        (product >> 32) as u64
    }

    /// The time at a stamp, in nanoseconds. A hypervisor may have begun to count before its guest did: then the
    /// stamp it says is one below zero.
    pub(super) fn at(&self, stamp: u64) -> u64 {
        let stamps = stamp.wrapping_sub(self.stamp).cast_signed().max(0);
        self.time.wrapping_add(self.span(stamps.cast_unsigned())) % NEVER
    }
}

/// The value times 2^shift, as far as that makes sense.
fn shifted(value: u64, shift: i8) -> u64 {
    let places = u32::from(shift.unsigned_abs());
    match shift {
        ..0 => value.wrapping_shr(places),
        _ => value.wrapping_shl(places),
    }
}

/// Where a hypervisor writes which date it was at time zero: Xen's in its shared page, KVM's `pvclock_wall_clock`.
#[repr(C)]
pub(crate) struct WallClock {
    version: AtomicU32,
    seconds: AtomicU32,
    nanoseconds: AtomicU32,
    /// Of the seconds, the upper half: Xen's only.
    more: AtomicU32,
}

impl WallClock {
    /// One that says nothing yet.
    pub(super) const fn new() -> WallClock {
        WallClock {
            version: AtomicU32::new(0),
            seconds: AtomicU32::new(0),
            nanoseconds: AtomicU32::new(0),
            more: AtomicU32::new(0),
        }
    }

    /// Nanoseconds since 1970, if there is a date.
    pub(crate) fn read(&self) -> Option<u64> {
        let (seconds, nanoseconds) = consistent(&self.version, || {
            let [low, high] = [&self.seconds, &self.more].map(|part| part.load(Ordering::Relaxed));
            let seconds = u64::from(high) << 32 | u64::from(low);
            (seconds, self.nanoseconds.load(Ordering::Relaxed))
        })?;
        let whole = seconds
            .checked_mul(SECOND)
            .filter(|whole| (1..NEVER).contains(whole))?;
        Some(whole + u64::from(nanoseconds))
    }
}

/// For the target of `tests/fuzz`: what a hypervisor wrote is read, and gives times that are believed and do not go
/// back.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    let Some((page, stamps)) = bytes.split_first_chunk::<32>() else {
        return;
    };
    // SAFETY: integers without padding, for which any bits are good.
    let info: TimeInfo = unsafe { core::mem::transmute(*page) };
    // SAFETY: as above.
    let wall: WallClock = unsafe { core::mem::transmute(*page.first_chunk::<16>().unwrap()) };
    let _ = wall.read();
    let Some((reading, _)) = info.read(|| 0) else {
        return;
    };
    Reading::counting(reading.frequency(), reading.stamp);
    for stamp in stamps.as_chunks::<8>().0 {
        assert!(reading.at(u64::from_le_bytes(*stamp)) < NEVER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn reading(stamp: u64, time: u64, factor: u32, shift: i8) -> Reading {
        Reading {
            stamp,
            time,
            factor,
            shift,
            flags: 0,
        }
    }

    #[test]
    fn the_time_is_what_hypervisors_mean() {
        // As Xen says it of a counter of 2.4 GHz, and of one of 600 MHz.
        let fast = reading(1_000, 7_000_000_000, 3_579_139_413, -1);
        assert_eq!(fast.at(1_000), 7_000_000_000);
        assert_eq!(fast.at(1_000 + 2_400_000_000), 7_999_999_999);
        assert_eq!(fast.frequency(), 2_400_000_000);
        let slow = reading(0, 0, 3_579_139_413, 1);
        assert_eq!(slow.at(600_000_000), 999_999_999);
        assert_eq!(slow.frequency(), 600_000_000);
        let one = reading(0, 5, 1 << 31, 1);
        assert_eq!((one.at(12), one.frequency()), (17, SECOND));
        // A stamp from before the reading is no time before it.
        assert_eq!(fast.at(999), 7_000_000_000);
        // As Xen says it of its first guest, whose counter began at zero after the reading.
        let early = reading(u64::MAX - 47_580_864, 950_547_502, 3_308_759_957, -1);
        assert_eq!(early.at(526_809_421), 1_171_797_100);
    }

    #[test]
    fn an_own_clock_keeps_time_for_decades() {
        for frequency in [1, 3_000_000, 999_999_999, SECOND, 2_893_202_000, u64::MAX] {
            let own = Reading::counting(frequency, 77);
            assert!(own.is_stable() && own.at(77) == 0);
            let decades = 1 << 30;
            if (1_000_000..1 << 33).contains(&frequency) {
                let found = own.at(77 + frequency * decades);
                assert!(
                    found.abs_diff(decades * SECOND) < decades,
                    "{frequency}: {found}"
                );
                assert!(
                    own.frequency().abs_diff(frequency) < 8,
                    "{}",
                    own.frequency()
                );
            }
        }
        assert_eq!(Reading::counting(0, 0), Reading::counting(1, 0));
    }

    #[test]
    fn nothing_that_is_said_makes_trouble() {
        let extremes = [0, 1, u64::MAX / 2, u64::MAX];
        for shift in [i8::MIN, -64, -63, -32, 0, 31, 63, 64, i8::MAX] {
            for factor in [0, 1, u32::MAX] {
                for time in extremes {
                    for stamp in extremes {
                        let found = reading(stamp, time, factor, shift);
                        assert!(extremes.iter().all(|stamp| found.at(*stamp) < NEVER));
                        found.frequency();
                    }
                }
            }
        }
        assert_eq!(reading(0, 0, 0, 0).frequency(), 0);
    }

    #[test]
    fn what_changes_is_read_again() {
        let info = TimeInfo::new();
        let said = reading(1, 2, 3, 4);
        info.set(said);
        assert_eq!(info.read(|| 9), Some((said, 9)));
        // While it is read the first time it begins to change, and the second time that ends.
        let looks = Cell::new(0);
        let found = info.read(|| {
            looks.set(looks.get() + 1);
            if looks.get() < 3 {
                info.version.fetch_add(1, Ordering::Relaxed);
                info.time.fetch_add(10, Ordering::Relaxed);
            }
            looks.get()
        });
        assert_eq!(found, Some((reading(1, 22, 3, 4), 3)));
    }

    #[test]
    fn what_never_ends_to_change_is_given_up() {
        let info = TimeInfo::new();
        info.version.store(1, Ordering::Relaxed);
        assert_eq!(info.read(|| 0), None);
        info.version.store(0, Ordering::Relaxed);
        let changing = || u64::from(info.version.fetch_add(2, Ordering::Relaxed));
        assert_eq!(info.read(changing), None);
    }

    #[test]
    fn a_date_is_believed_if_it_can_be() {
        let wall = |seconds: u64, nanoseconds| WallClock {
            version: AtomicU32::new(6),
            seconds: AtomicU32::new(seconds as u32),
            nanoseconds: AtomicU32::new(nanoseconds),
            more: AtomicU32::new((seconds >> 32) as u32),
        };
        assert_eq!(
            wall(1_700_000_000, 5).read(),
            Some(1_700_000_000_000_000_005)
        );
        assert_eq!(wall(1 << 32, 0).read(), Some(SECOND << 32));
        assert_eq!(wall(0, 1).read(), None);
        assert_eq!(wall(u64::MAX, u32::MAX).read(), None);
        let changing = wall(1, 1);
        changing.version.store(7, Ordering::Relaxed);
        assert_eq!(changing.read(), None);
    }
}
