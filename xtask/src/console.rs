//! What an image writes on its console, passed on with the addresses of traces put into words.
//!
//! An image has no names of its functions with it: a trace is lines of the form `at 0x0000000000101234`. Their
//! names are in the file beside the image.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use addr2line::{Frame, Loader, gimli};

/// What puts addresses into words.
#[derive(Clone)]
pub(crate) struct Names {
    /// The file with the names and lines of the functions.
    pub symbols: PathBuf,
    /// The folder whose path is left out of what is shown.
    pub workspace: PathBuf,
}

/// How many hexadecimal digits an address has at most.
const DIGITS: usize = 16;

/// Copies a console to `out` as it comes, and gives each complete line to `line`, until the end or until
/// `line` wants no more.
pub(crate) fn pass(
    mut console: impl Read,
    mut out: impl Write,
    names: Option<&Names>,
    mut line: impl FnMut(&str) -> bool,
) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut begun = Vec::new();
    loop {
        let count = match console.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(piece);
            let Some(whole) = begun.strip_suffix(b"\n") else {
                out.write_all(piece)?;
                continue;
            };
            let text = String::from_utf8_lossy(whole)
                .trim_end_matches('\r')
                .to_owned();
            let name = names
                .zip(address(&text))
                .and_then(|(names, at)| names.of(at));
            let end = if piece.ends_with(b"\r\n") { 2 } else { 1 };
            let (words, end) = piece.split_at(piece.len() - end);
            out.write_all(words)?;
            if let Some(name) = name {
                write!(out, " {name}")?;
            }
            out.write_all(end)?;
            begun.clear();
            if !line(&text) {
                return out.flush();
            }
        }
        out.flush()?;
    }
    if !begun.is_empty() {
        line(&String::from_utf8_lossy(&begun));
    }
    out.flush()
}

/// The address in a line of a trace, as written there.
fn address(line: &str) -> Option<&str> {
    let address = line.trim_start().strip_prefix("at ")?;
    let digits = address.strip_prefix("0x")?;
    let good = !digits.is_empty() && digits.len() <= DIGITS;
    (good && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(address)
}

impl Names {
    /// The function at an address and its place in the source, and where it was inlined, on lines of their own.
    fn of(&self, address: &str) -> Option<String> {
        let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).ok()?;
        let loader = Loader::new(&self.symbols).ok()?;
        let mut lines: Vec<String> = Vec::new();
        let mut frames = loader.find_frames(address).ok()?;
        while let Ok(Some(frame)) = frames.next() {
            lines.extend(self.line(&frame));
        }
        if lines.is_empty() {
            // What is compiled without lines has a name at least.
            lines.push(addr2line::demangle_auto(loader.find_symbol(address)?.into(), None).into());
        }
        Some(lines.join("\n       (inlined by) "))
    }

    fn line<R: gimli::Reader>(&self, frame: &Frame<'_, R>) -> Option<String> {
        let name = frame.function.as_ref()?.demangle().ok()?.into_owned();
        let place = frame.location.as_ref().and_then(|it| it.file.zip(it.line));
        Some(match place {
            Some((file, line)) => {
                let workspace = format!("{}/", self.workspace.display());
                format!("{name} at {}:{line}", file.replace(&workspace, ""))
            }
            None => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_traces_have_an_address() {
        assert_eq!(
            address("    at 0x0000000000101234"),
            Some("0x0000000000101234")
        );
        for line in [
            "at 0x",
            "at 0x12 and more",
            "at 0xfoo",
            "see 0x1234",
            "at 0x00000000000000001",
        ] {
            assert_eq!(address(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_passed_on_is_what_came() {
        let (mut out, mut lines) = (Vec::new(), Vec::new());
        let text = b"one\r\n\xfftwo\n    at 0x10\nhalf";
        let keep = |line: &str| {
            lines.push(line.to_owned());
            true
        };
        pass(&text[..], &mut out, None, keep).unwrap();
        assert_eq!(out, text);
        assert_eq!(lines, ["one", "\u{fffd}two", "    at 0x10", "half"]);
    }

    #[test]
    fn the_listener_may_have_heard_enough() {
        let mut out = Vec::new();
        pass(&b"one\ntwo\nthree\n"[..], &mut out, None, |line| {
            line != "two"
        })
        .unwrap();
        assert_eq!(out, b"one\ntwo\n");
    }
}
