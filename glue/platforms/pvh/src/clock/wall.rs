//! The date, from the battery-backed clock of a PC (MC146818).

use x86_64::instructions::port::Port;

use super::SECOND;

const REGISTER: u16 = 0x70;
const VALUE: u16 = 0x71;

/// Status A: the clock is about to change.
const CHANGING: u8 = 0x80;
/// Status B: hours count to 24; numbers are binary.
const FULL_DAY: u8 = 2;
const BINARY: u8 = 4;
/// Looks before a clock that goes on changing is read all the same.
const PATIENCE: u32 = 10_000;

fn read_register(register: u8) -> u8 {
    // SAFETY: reading the clock changes nothing.
    unsafe {
        Port::new(REGISTER).write(register);
        Port::new(VALUE).read()
    }
}

/// Seconds, minutes, hours, day, month, year and the century.
fn read_all() -> [u8; 7] {
    [0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32].map(read_register)
}

/// Nanoseconds since 1970, or zero where no clock says.
pub(super) fn read() -> u64 {
    // Where there is no clock, all bits read as ones.
    if read_register(0x0d) == 0xff {
        return 0;
    }
    let mut found = read_all();
    for _ in 0..PATIENCE {
        let before = found;
        found = read_all();
        if found == before && read_register(0x0a) & CHANGING == 0 {
            break;
        }
    }
    let status = read_register(0x0b);
    seconds(found, status & BINARY != 0, status & FULL_DAY != 0).saturating_mul(SECOND)
}

/// Seconds since 1970 of what the registers say; zero if that is no date.
fn seconds(registers: [u8; 7], binary: bool, full_day: bool) -> u64 {
    let number = |value: u8| match binary {
        true => u64::from(value),
        false => u64::from(value >> 4) * 10 + u64::from(value & 15),
    };
    let [second, minute, hour, day, month, year, century] = registers;
    let hours = match full_day {
        true => number(hour),
        // The highest bit says afternoon; twelve comes before one.
        false => number(hour & 0x7f) % 12 + u64::from(hour >> 7) * 12,
    };
    let century = match number(century) {
        said @ 19..=29 => said,
        _ => 20,
    };
    let (day, month) = (number(day), number(month));
    if !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return 0;
    }
    let days = days(century * 100 + number(year), month, day);
    ((days * 24 + hours) * 60 + number(minute)) * 60 + number(second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, with years that begin in March.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    (before + (month * 153 + 2) / 5 + day).saturating_sub(719_469)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(2024, 2, 29), 19_782);
        let decimal = [0x59, 0x58, 0x23, 0x29, 0x02, 0x24, 0x20];
        assert_eq!(seconds(decimal, false, true), 1_709_251_139);
        let afternoon = [59, 58, 0x8b, 29, 2, 24, 20];
        assert_eq!(seconds(afternoon, true, false), 1_709_251_139);
        assert_eq!(seconds([0; 7], true, true), 0);
        assert_eq!(seconds([0xff; 7], false, false), 0);
    }
}
