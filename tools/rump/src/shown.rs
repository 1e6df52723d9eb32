//! Names, sizes and times for people. Names in an image are an enemy's: what would command a terminal is escaped.

use std::fmt::{self, Display, Write};

use rump::fs::{Date, FileType, Stamp, Time};

/// A name or path as text: control characters, what turns the direction of text around, and bytes that are no UTF-8
/// are written as in Rust.
pub(crate) fn shown(name: &[u8]) -> impl Display {
    Shown(name)
}

struct Shown<'a>(&'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '\\' => f.write_str("\\\\")?,
                    char if is_harmful(char) => write!(f, "{}", char.escape_default())?,
                    char => f.write_char(char)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn is_harmful(char: char) -> bool {
    let turns =
        matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || turns || matches!(char, '\u{2028}' | '\u{2029}')
}

/// Bytes for people: `512`, `1.5K`, `20M`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [char; 6] = ['K', 'M', 'G', 'T', 'P', 'E'];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    tenths = tenths.div_ceil(1024);
    while tenths > 10_230 && unit + 1 < UNITS.len() {
        tenths = tenths.div_ceil(1024);
        unit += 1;
    }
    match tenths < 100 {
        true => format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit]),
        false => format!("{}{}", tenths.div_ceil(10), UNITS[unit]),
    }
}

/// A time in UTC, to the minute.
pub(crate) fn minute(stamp: Stamp) -> String {
    let date = date(stamp);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        date.year, date.month, date.day, date.hour, date.minute
    )
}

/// A time in UTC, as RFC 3339 has it.
pub(crate) fn moment(stamp: Stamp) -> String {
    let date = date(stamp);
    let fraction = match stamp.nanoseconds {
        0 => String::new(),
        nanoseconds => format!(".{nanoseconds:09}"),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        date.year, date.month, date.day, date.hour, date.minute, date.second
    )
}

fn date(stamp: Stamp) -> Date {
    Date::of(Time {
        seconds: stamp.seconds,
        nanoseconds: stamp.nanoseconds,
    })
}

/// What something is, as a letter: those of `ls -l` and `find -type`, but `f` for a file.
pub(crate) fn letter(kind: FileType) -> char {
    match kind {
        FileType::File => 'f',
        FileType::Directory => 'd',
        FileType::Symlink => 'l',
        FileType::Fifo => 'p',
        FileType::Socket => 's',
        FileType::CharacterDevice => 'c',
        FileType::BlockDevice => 'b',
        FileType::Other => '?',
    }
}

/// Kind and permissions as `ls -l` has them: `drwxr-sr-x`.
pub(crate) fn mode(kind: FileType, mode: u32) -> String {
    let mut text = String::with_capacity(10);
    text.push(match kind {
        FileType::File => '-',
        kind => letter(kind),
    });
    for (shift, special, marks) in [(6, 0o4000, "sS"), (3, 0o2000, "sS"), (0, 0o1000, "tT")] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (false, false) => '-',
            (false, true) => 'x',
            (true, runs) => marks.as_bytes()[usize::from(!runs)].into(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_commands_a_terminal() {
        let text = |name: &[u8]| shown(name).to_string();
        assert_eq!(text(b"plain name"), "plain name");
        assert_eq!(text("grün".as_bytes()), "grün");
        assert_eq!(text(b"\x1b[2Jx"), "\\u{1b}[2Jx");
        assert_eq!(text(b"a\nb\\c\xff"), "a\\nb\\\\c\\xff");
        assert_eq!(text("a\u{202e}b\u{9b}".as_bytes()), "a\\u{202e}b\\u{9b}");
    }

    #[test]
    fn sizes_are_short_and_never_less() {
        let cases = [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10 * 1024, "10K"),
            (10 * 1024 + 1, "11K"),
            (1023 * 1024, "1023K"),
            (1024 * 1024 - 1, "1.0M"),
            (1 << 30, "1.0G"),
            (u64::MAX, "16E"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn modes_are_as_ls_has_them() {
        assert_eq!(mode(FileType::Directory, 0o755), "drwxr-xr-x");
        assert_eq!(mode(FileType::File, 0o4644), "-rwSr--r--");
        assert_eq!(mode(FileType::File, 0o6711), "-rws--s--x");
        assert_eq!(mode(FileType::Directory, 0o1777), "drwxrwxrwt");
    }

    #[test]
    fn times_are_of_utc() {
        let stamp = Stamp {
            seconds: 951_782_400,
            nanoseconds: 5,
        };
        assert_eq!(minute(stamp), "2000-02-29 00:00");
        assert_eq!(moment(stamp), "2000-02-29T00:00:00.000000005Z");
    }
}
