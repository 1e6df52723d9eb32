//! `find`: files by name, kind and size.

use clap::Args;
use rump::fs::FileType;

use crate::failure::{Failure, Result};
use crate::glob;
use crate::image::Image;
use crate::item::Item;
use crate::output::Output;
use crate::paths::Paths;
use crate::shown::{self, shown};
use crate::walk::{Found, Step, Walk};

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Whose name is like this: * is anything, ? a character, [a-c] one of these
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// What is a file (f), a directory (d), a symbolic link (l), a fifo (p), a socket (s), a device (b, c)
    #[arg(long = "type", value_name = "LETTER", value_parser = kind)]
    kind: Option<char>,
    /// Files of more than 10M (+10M), of less (-10M), of so many bytes (10M)
    #[arg(long, value_name = "SIZE", value_parser = size, allow_hyphen_values = true)]
    size: Option<Size>,
    /// For programs: an array of objects
    #[arg(long)]
    json: bool,
}

/// How long files are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    More(u64),
    Less(u64),
    Is(u64),
}

fn kind(text: &str) -> std::result::Result<char, String> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) if "fdlpscb".contains(char) => Ok(char),
        _ => Err("it takes one of f, d, l, p, s, c, b".to_owned()),
    }
}

fn size(text: &str) -> std::result::Result<Size, String> {
    let (digits, make): (_, fn(u64) -> Size) = match text.as_bytes().first() {
        Some(b'+') => (&text[1..], Size::More),
        Some(b'-') => (&text[1..], Size::Less),
        _ => (text, Size::Is),
    };
    let bytes = crate::cli::bytes(digits)?;
    Ok(make(bytes))
}

impl Options {
    fn wants(&self, found: &Found) -> bool {
        let kind = found.metadata.file_type();
        let name = found.path.rsplit(|byte| *byte == b'/').next();
        let is_named = |pattern: &String| {
            let name = name.unwrap_or_default();
            glob::matches(pattern.as_bytes(), name)
        };
        let is_long = |size: Size| {
            let len = found.metadata.len();
            kind == FileType::File
                && match size {
                    Size::More(than) => len > than,
                    Size::Less(than) => len < than,
                    Size::Is(size) => len == size,
                }
        };
        self.kind.is_none_or(|letter| shown::letter(kind) == letter)
            && self.name.as_ref().is_none_or(is_named)
            && self.size.is_none_or(is_long)
    }
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    if options.json {
        output.begin_array();
    }
    for path in options.paths.or_here() {
        let start = match image.find(&path, false) {
            Ok(trail) => trail.node().clone(),
            Err(errno) => {
                output.problem(Failure::at(&path, errno));
                continue;
            }
        };
        for step in Walk::new(start, &path) {
            match step {
                Step::Found(found) if !options.wants(&found) => {}
                Step::Found(found) if options.json => {
                    match Item::new(&found.path, &found.node, &found.metadata) {
                        Ok(item) => output.element(&item)?,
                        Err(errno) => output.problem(Failure::at(&found.path, errno)),
                    }
                }
                Step::Found(found) => output.line(shown(&found.path))?,
                Step::Failed(path, errno) => output.problem(Failure::at(&path, errno)),
                Step::Left => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_direction() {
        assert_eq!(size("+10M"), Ok(Size::More(10 << 20)));
        assert_eq!(size("-1k"), Ok(Size::Less(1024)));
        assert_eq!(size("0"), Ok(Size::Is(0)));
        assert!(size("+").is_err() && size("1X").is_err());
    }
}
