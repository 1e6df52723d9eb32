//! Days of the calendar, for media that keep time so.

use crate::Time;

const SECONDS_A_DAY: i64 = 86_400;
/// Of 400 years, after which the calendar repeats.
const DAYS_AN_ERA: i64 = 146_097;
/// From 1st March of the year 0 to 1st January 1970.
const DAYS_BEFORE: i64 = 719_468;

/// A moment of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Such as 1970.
    pub year: i64,
    /// From 1 on.
    pub month: u8,
    /// From 1 on.
    pub day: u8,
    /// Below 24.
    pub hour: u8,
    /// Below 60.
    pub minute: u8,
    /// Below 60, or 60 in a leap second, which is the next one's.
    pub second: u8,
}

impl Date {
    /// The time, or nothing if there is no such day or hour. A day too many of a short month is the next one's.
    pub fn time(self) -> Option<Time> {
        let is = (1..=12).contains(&self.month)
            && (1..=31).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        // In years that begin with March, the leap day is the last one.
        let year = self.year - i64::from(self.month <= 2);
        let month = (i64::from(self.month) + 9) % 12;
        let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let days = era * DAYS_AN_ERA + year * 365 + year / 4 - year / 100 + day - DAYS_BEFORE;
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        is.then_some(Time {
            seconds: days * SECONDS_A_DAY + minutes * 60 + i64::from(self.second),
            nanoseconds: 0,
        })
    }

    /// The day and hour of a time.
    pub fn of(time: Time) -> Date {
        let days = time.seconds.div_euclid(SECONDS_A_DAY) + DAYS_BEFORE;
        let second = time.seconds.rem_euclid(SECONDS_A_DAY);
        let (era, day) = (days.div_euclid(DAYS_AN_ERA), days.rem_euclid(DAYS_AN_ERA));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        Date {
            year: era * 400 + year + i64::from(month >= 10),
            month: ((month + 2) % 12 + 1) as u8,
            day: (day - (153 * month + 2) / 5 + 1) as u8,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i64, month: u8, day: u8) -> Date {
        Date {
            year,
            month,
            day,
            hour: 1,
            minute: 2,
            second: 3,
        }
    }

    #[test]
    fn every_day_of_eight_centuries_is_the_one_after_the_last() {
        let mut time = date(1600, 1, 1).time().unwrap();
        let mut days = 0;
        for year in 1600..2400 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let lengths = [
                31,
                28 + u8::from(leap),
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ];
            for (month, length) in (1..).zip(lengths) {
                for day in 1..=length {
                    let date = date(year, month, day);
                    assert_eq!(date.time(), Some(time));
                    assert_eq!(Date::of(time), date);
                    time.seconds += SECONDS_A_DAY;
                    days += 1;
                }
            }
        }
        assert_eq!(days, 2 * DAYS_AN_ERA);
    }

    #[test]
    fn the_epoch_is_where_it_is_and_no_day_is_none() {
        let epoch = Date::of(Time::default());
        assert_eq!(epoch.time(), Some(Time::default()));
        assert_eq!(
            (epoch.year, epoch.month, epoch.day, epoch.hour),
            (1970, 1, 1, 0)
        );
        for (month, day) in [(0, 1), (13, 1), (255, 1), (1, 0), (1, 32)] {
            assert_eq!(date(2000, month, day).time(), None);
        }
    }
}
