//! Text and paths in SVG.

use std::fmt::Write;

/// About how wide a text is in a common sans-serif font of this size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let narrow = |c: char| {
        matches!(
            c,
            'i' | 'l' | 'j' | 't' | 'f' | 'r' | '.' | ',' | ':' | '\'' | ' '
        )
    };
    let wide = |c: char| matches!(c, 'm' | 'w' | 'M' | 'W') || c.is_uppercase();
    let ems = text.chars().map(|c| {
        if narrow(c) {
            0.32
        } else if wide(c) {
            0.78
        } else {
            0.57
        }
    });
    ems.sum::<f64>() * size
}

/// Breaks a text into at most so many lines of this width; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, room: f64, size: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last, size) + width("…", size) > room {
                last.pop();
            }
            let kept = last.trim_end_matches([' ', ',', ';', ':']).len();
            last.truncate(kept);
            last.push('…');
        }
    }
    lines
}

/// A text between tags.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A smooth path through points, vertical in each.
pub(super) fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let written = match index.checked_sub(1).map(|before| points[before]) {
            None => write!(path, "M{x:.1} {y:.1}"),
            Some((before, _)) if (before - x).abs() < 0.5 => write!(path, " L{x:.1} {y:.1}"),
            Some((before, from)) => {
                let middle = (from + y) / 2.0;
                write!(
                    path,
                    " C{before:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}"
                )
            }
        };
        written.expect("a string takes everything");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_wrapped_and_cut() {
        assert_eq!(wrap("a few words", 1000.0, 10.0, 2), ["a few words"]);
        let lines = wrap(
            "so many words that they need three lines at least",
            90.0,
            10.0,
            2,
        );
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…') && lines.iter().all(|line| width(line, 10.0) <= 96.0));
    }

    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(escape("<a&b>"), "&lt;a&amp;b&gt;");
    }
}
