//! Names: the long ones, of UTF-16, and the short ones that each file has beside them, of eight letters and three.

use alloc::string::String;
use alloc::vec::Vec;
use core::iter;

use base::Errno;

use crate::entry::{self, Entry};

/// Units of the longest name.
pub(crate) const LONGEST: usize = 255;
/// Units in one piece of a long name, and where in an entry they stand.
const PIECE: usize = 13;
const UNITS: [usize; PIECE] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// The piece of a name that comes first on the disk, which is its end.
const LAST: u8 = 0x40;

/// Characters from 128 on of code page 437, which short names are of unless somebody says otherwise.
const HIGH: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// A name as it is asked for: without dots at its end, which do not count. `EINVAL` for what cannot be one,
/// `ENAMETOOLONG`.
pub(crate) fn wanted(raw: &[u8]) -> Result<&str, Errno> {
    let name = str::from_utf8(raw).map_err(|_| Errno::EINVAL)?;
    let name = name.trim_end_matches('.');
    let forbidden = |char: char| char < ' ' || "\"*/:<>?\\|\u{7f}".contains(char);
    if name.is_empty() || name.ends_with(' ') || name.contains(forbidden) {
        return Err(Errno::EINVAL);
    }
    match name.encode_utf16().count() > LONGEST {
        true => Err(Errno::ENAMETOOLONG),
        false => Ok(name),
    }
}

/// Whether two names are one: capitals do not count.
pub(crate) fn same(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

/// A sum that names have in common that are one.
pub(crate) fn hash(name: &str) -> u32 {
    folded(name).fold(0x811c_9dc5, |sum: u32, char| {
        (sum ^ u32::from(char)).wrapping_mul(0x0100_0193)
    })
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_uppercase)
}

/// A short name to show.
pub(crate) fn shown(entry: &Entry) -> String {
    let short = entry.short();
    let (name, extension) = short.split_at(8);
    let (lower_name, lower_extension) = entry.lower();
    let part = |bytes: &[u8], lower: bool| {
        let len = bytes.iter().rposition(|byte| *byte != b' ');
        let bytes = &bytes[..len.map_or(0, |last| last + 1)];
        let characters = bytes.iter().map(|byte| match byte {
            0..0x80 if lower => char::from(byte.to_ascii_lowercase()),
            0..0x80 => char::from(*byte),
            _ => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or('?'),
        });
        characters.collect::<String>()
    };
    let mut shown = part(name, lower_name);
    // A first byte that would say that the entry is free.
    if short[0] == 0x05 {
        shown.replace_range(..1, "σ");
    }
    let extension = part(extension, lower_extension);
    if !extension.is_empty() {
        shown.push('.');
        shown += &extension;
    }
    shown
}

/// The sum that pieces of a long name have of the short name they belong to.
fn sum(short: &[u8; 11]) -> u8 {
    short
        .iter()
        .fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The entries of a name, the short one last.
pub(crate) fn entries(name: &str, entry: Entry) -> Vec<Entry> {
    let mut all = Vec::new();
    if shown(&entry) != name {
        let units: Vec<u16> = name.encode_utf16().collect();
        let sum = sum(&entry.short());
        for (index, piece) in units.chunks(PIECE).enumerate().rev() {
            let last = (index + 1) * PIECE >= units.len();
            let mut raw = [0; entry::LEN];
            raw[0] = (index as u8 + 1) | if last { LAST } else { 0 };
            raw[11] = entry::LONG_NAME;
            raw[13] = sum;
            // An end, where there is room for one, and nothing.
            let rest = iter::once(0).chain(iter::repeat(0xffff));
            for (at, unit) in UNITS.into_iter().zip(piece.iter().copied().chain(rest)) {
                raw[at..at + 2].copy_from_slice(&unit.to_le_bytes());
            }
            all.push(Entry(raw));
        }
    }
    all.push(entry);
    all
}

/// A long name, of which pieces have been read so far.
#[derive(Default)]
pub(crate) struct Pieces {
    units: Vec<u16>,
    /// The piece to come, or zero if all have.
    left: u8,
    sum: u8,
}

impl Pieces {
    /// The next entry is a piece.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let number = entry.0[0];
        if number & LAST != 0 {
            self.units.clear();
            self.left = number & !LAST;
            self.sum = entry.0[13];
        }
        let fits = number & !LAST == self.left && entry.0[13] == self.sum;
        if !fits || !(1..=20).contains(&self.left) {
            *self = Pieces::default();
            return;
        }
        let units = UNITS.map(|at| u16::from_le_bytes([entry.0[at], entry.0[at + 1]]));
        self.units.splice(..0, units);
        self.left -= 1;
    }

    /// The next entry is the short one: the name, if the pieces belong to it, and how many they were.
    pub(crate) fn take(&mut self, entry: &Entry) -> Option<(String, usize)> {
        let pieces = core::mem::take(self);
        let count = pieces.units.len() / PIECE;
        if count == 0 || pieces.left != 0 || pieces.sum != sum(&entry.short()) {
            return None;
        }
        let units = pieces.units.iter().copied().take_while(|unit| *unit != 0);
        let characters = char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}'));
        Some((characters.collect(), count))
    }
}

/// Short names for a name, the first of which that is free is taken: itself in capitals, if that will do, or what is
/// left of it with a number, or with a sum of it.
pub(crate) fn shorts(name: &str) -> Vec<[u8; 11]> {
    let (base, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => (&name[..dot], &name[dot + 1..]),
        _ => (name, ""),
    };
    let (base, base_whole) = part(base, 8);
    let (extension, extension_whole) = part(extension, 3);
    let with = |base: &[u8]| {
        let mut short = [b' '; 11];
        short[..base.len()].copy_from_slice(base);
        short[8..8 + extension.len()].copy_from_slice(&extension);
        short
    };
    if base_whole && extension_whole && !base.is_empty() {
        return Vec::from([with(&base)]);
    }
    let numbered = (1..=4).map(|number| {
        let mut base = base[..base.len().min(6)].to_vec();
        base.extend([b'~', b'0' + number]);
        with(&base)
    });
    let hash = name.chars().fold(0x811c_9dc5, |hash: u32, char| {
        (hash ^ u32::from(char)).wrapping_mul(0x0100_0193)
    });
    let summed = (0..32).map(|turn: u32| {
        let hash = (hash ^ hash >> 16).wrapping_add(turn.wrapping_mul(0x9e37));
        let mut base = base[..base.len().min(2)].to_vec();
        let digits = (0..4).map(|digit| hash >> (digit * 4) & 15);
        base.extend(digits.map(|digit| b"0123456789ABCDEF"[digit as usize]));
        base.extend(b"~1");
        with(&base)
    });
    numbered.chain(summed).collect()
}

/// So many letters of a part of a name, and whether nothing of it was lost.
fn part(text: &str, most: usize) -> (Vec<u8>, bool) {
    let mut whole = true;
    let mut letters = Vec::new();
    for char in text.chars() {
        match char {
            ' ' | '.' => whole = false,
            _ if letters.len() == most => whole = false,
            'a'..='z' | 'A'..='Z' | '0'..='9' => letters.push(char.to_ascii_uppercase() as u8),
            '!' | '#'..=')' | '-' | '@' | '^'..='`' | '{' | '}' | '~' => letters.push(char as u8),
            _ => {
                letters.push(b'_');
                whole = false;
            }
        }
    }
    (letters, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vfs::Time;

    fn there_and_back(name: &str, short: usize) -> String {
        let entry = Entry::new(shorts(name)[short], 0, Time::default());
        let entries = entries(name, entry);
        let (last, long) = entries.split_last().unwrap();
        let mut pieces = Pieces::default();
        long.iter().for_each(|piece| pieces.add(piece));
        match pieces.take(last) {
            Some((name, count)) => {
                assert_eq!(count, long.len());
                name
            }
            None => shown(last),
        }
    }

    #[test]
    fn names_come_back_as_they_were() {
        let thirteen = "x".repeat(13);
        let longest = "Snow \u{2603} ".repeat(36) + "123";
        assert_eq!(longest.encode_utf16().count(), LONGEST);
        for name in [
            "NAME.TXT", "name.txt", "A", ".profile", "a b", &thirteen, &longest,
        ] {
            assert_eq!(there_and_back(name, 0), *name);
        }
        assert_eq!(there_and_back("a long name", 7), "a long name");
    }

    #[test]
    fn short_names_are_what_is_left() {
        let short = |name, index: usize| shorts(name)[index];
        assert_eq!(short("readme.md", 0), *b"README  MD ");
        assert_eq!(shorts("readme.md").len(), 1);
        assert_eq!(short("read me.text", 0), *b"README~1TEX");
        assert_eq!(short("read me.text", 1), *b"README~2TEX");
        assert_eq!(short(".profile", 0), *b"PROFIL~1   ");
        assert_eq!(short("gr\u{fc}n", 0), *b"GR_N~1     ");
        let mut all = shorts("read me.text");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 36);
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!(wanted(b"name..."), Ok("name"));
        for name in [&b"..."[..], b"a?", b"a\\b", b"end ", b"\xff", b"a\nb"] {
            assert_eq!(wanted(name), Err(Errno::EINVAL));
        }
        assert_eq!(wanted(&[b'x'; 256]), Err(Errno::ENAMETOOLONG));
        assert!(same("Gr\u{fc}n.TXT", "GR\u{dc}N.txt"));
        assert_eq!(hash("Gr\u{fc}n.TXT"), hash("GR\u{dc}N.txt"));
    }

    #[test]
    fn pieces_of_something_else_are_no_name() {
        let entry = Entry::new(*b"OTHER      ", 0, Time::default());
        let mut pieces = Pieces::default();
        let long = entries(
            "a long name of two pieces",
            Entry::new(*b"ALONGN~1   ", 0, Time::default()),
        );
        long[..2].iter().for_each(|piece| pieces.add(piece));
        assert_eq!(pieces.take(&entry), None);
        // The second piece alone.
        pieces.add(&long[1]);
        assert_eq!(pieces.take(&long[2]), None);
    }
}
