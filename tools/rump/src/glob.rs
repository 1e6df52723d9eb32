//! Patterns of names, as in a shell.

/// Whether a name is like a pattern: `*` is anything, `?` a byte, `[a-c]` one of these, `[!a-c]` none of these; a
/// backslash takes the next one as it is.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    // Where to go on when what follows the last star does not match: behind it, with one more byte taken by it.
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, in_name));
            continue;
        }
        let step = match name.get(in_name) {
            Some(byte) => one(&pattern[at..], *byte),
            None if at == pattern.len() => return true,
            None => return false,
        };
        match (step, &mut star) {
            (Some(len), _) => {
                at += len;
                in_name += 1;
            }
            (None, Some((behind, taken))) => {
                *taken += 1;
                (at, in_name) = (*behind, *taken);
            }
            (None, None) => return false,
        }
    }
}

/// How long the part of the pattern is that stands for this byte, if it does.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => match set(rest, byte) {
            Some((len, is_in)) => is_in.then_some(1 + len),
            // Without an end it is a bracket.
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// How long a set is, with the bracket at its end, and whether it has the byte.
fn set(pattern: &[u8], byte: u8) -> Option<(usize, bool)> {
    let inverted = matches!(pattern.first(), Some(b'!' | b'^'));
    let first = usize::from(inverted);
    let mut at = first;
    let mut is_in = false;
    loop {
        match pattern.get(at..)? {
            [b']', ..] if at > first => return Some((at + 1, is_in != inverted)),
            [low, b'-', high, ..] if *high != b']' => {
                is_in |= (low..=high).contains(&&byte);
                at += 3;
            }
            [literal, ..] => {
                is_in |= *literal == byte;
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_a_shells() {
        let yes = [
            ("*", ""),
            ("*.txt", "a.txt"),
            ("*a*b", "xxaybzb"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("[a", "[a"),
            ("\\*", "*"),
            ("[a-]", "-"),
        ];
        for (pattern, name) in yes {
            assert!(matches(pattern.as_bytes(), name.as_bytes()), "{pattern}");
        }
        let no = [
            ("", "a"),
            ("*.txt", "a.txt.gz"),
            ("a?c", "ac"),
            ("[a-c]x", "dx"),
            ("[!a-c]x", "ax"),
            ("\\*", "a"),
        ];
        for (pattern, name) in no {
            assert!(!matches(pattern.as_bytes(), name.as_bytes()), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(2000).as_bytes()));
    }
}
