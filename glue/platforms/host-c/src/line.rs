//! A line of text in a place of its own: who reports that memory ran out cannot ask for more.

use core::fmt;

/// Bytes of a line, with its newline.
const ROOM: usize = 512;

/// A line for the console.
pub(crate) struct Line {
    bytes: [u8; ROOM],
    len: usize,
}

impl Line {
    /// The line that says this, as far as there is room for it; `; ` stands for newlines in it.
    pub(crate) fn new(says: fmt::Arguments<'_>) -> Line {
        let mut line = Line {
            bytes: [0; ROOM],
            len: 0,
        };
        // Fails where the text is longer than the line, which then ends there.
        let _ = fmt::write(&mut line, says);
        line.bytes[line.len] = b'\n';
        line.len += 1;
        line
    }

    /// The bytes of it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, letter: char) -> fmt::Result {
        let end = self.len + letter.len_utf8();
        // The last byte is the newline's.
        if end >= ROOM {
            return Err(fmt::Error);
        }
        letter.encode_utf8(&mut self.bytes[self.len..end]);
        self.len = end;
        Ok(())
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '\n' => "; ".chars().try_for_each(|letter| self.push(letter))?,
                letter => self.push(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let line = Line::new(format_args!("at {}: a\nb", 7));
        assert_eq!(line.as_bytes(), b"at 7: a; b\n");
    }

    #[test]
    fn a_long_message_is_cut_between_letters() {
        let line = Line::new(format_args!("{:ü<600}", "x"));
        let text = core::str::from_utf8(line.as_bytes()).unwrap();
        assert_eq!(text.len(), ROOM);
        assert!(text.starts_with("xü") && text.ends_with("ü\n"), "{text}");
    }
}
