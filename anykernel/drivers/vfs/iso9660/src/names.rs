//! Names as Linux shows them.

use alloc::string::String;
use alloc::vec::Vec;

/// A plain name (ECMA-119, 7.5): in lower case, without its version if that is the first, and without a dot at its end.
pub(crate) fn plain(raw: &[u8]) -> Vec<u8> {
    let name = raw.strip_suffix(b";1").unwrap_or(raw);
    let name = match name.len() < raw.len() {
        true => name.strip_suffix(b".").unwrap_or(name),
        false => name,
    };
    let bytes = name.iter().map(|byte| match byte {
        b';' | b'/' => b'.',
        other => other.to_ascii_lowercase(),
    });
    bytes.collect()
}

/// A name of Joliet: UTF-16, big-endian. What is no character becomes U+FFFD.
pub(crate) fn joliet(raw: &[u8]) -> Vec<u8> {
    let units = raw
        .chunks_exact(2)
        .map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    let characters = char::decode_utf16(units).map(|unit| match unit {
        Ok('/') => '.',
        other => other.unwrap_or(char::REPLACEMENT_CHARACTER),
    });
    let mut name: String = characters.collect();
    if let Some(len) = name.strip_suffix(";1").map(str::len) {
        name.truncate(len);
    }
    name.into_bytes()
}

/// Whether two names of Joliet are one, which does not tell capitals apart.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    match (str::from_utf8(one), str::from_utf8(other)) {
        (Ok(one), Ok(other)) => folded(one).eq(folded(other)),
        _ => one == other,
    }
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// Whether something can be found by a name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let dots = matches!(name, [] | b"." | b"..");
    !dots && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_lose_what_nobody_wants_to_see() {
        for (raw, name) in [
            (&b"README.TXT;1"[..], &b"readme.txt"[..]),
            (b"FILE.;1", b"file"),
            (b"FILE;1", b"file"),
            (b"OLD.C;2", b"old.c.2"),
            (b"DIR", b"dir"),
            (b"A.", b"a."),
            (b";1", b""),
        ] {
            assert_eq!(plain(raw), name);
        }
    }

    #[test]
    fn names_of_joliet_are_characters() {
        let raw = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            joliet(&raw("Sn\u{f6}w \u{1f600}.TXT;1")),
            "Sn\u{f6}w \u{1f600}.TXT".as_bytes()
        );
        assert_eq!(joliet(&[0xd8, 0, 0, b'x', 7]), "\u{fffd}x".as_bytes());
        assert!(same("GR\u{dc}N".as_bytes(), "gr\u{fc}n".as_bytes()));
        assert!(!same(b"one", b"two"));
    }
}
