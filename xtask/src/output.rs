//! What the commands print, in place of the standard library's macros of the same names.
//!
//! Who reads may stop reading, as `head` does after ten lines. The rest is then for nobody, which is no fault
//! of a command and ends none: a build goes on.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

macro_rules! print {
    ($($text:tt)*) => { crate::output::write(std::io::stdout(), format_args!($($text)*)) };
}
macro_rules! println {
    ($($text:tt)*) => { crate::output::write_line(std::io::stdout(), format_args!($($text)*)) };
}
macro_rules! eprint {
    ($($text:tt)*) => { crate::output::write(std::io::stderr(), format_args!($($text)*)) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { crate::output::write_line(std::io::stderr(), format_args!($($text)*)) };
}

pub(crate) fn write(mut to: impl Write, text: Arguments<'_>) {
    match to.write_fmt(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("cannot write: {error}"),
        _ => {}
    }
}

pub(crate) fn write_line(to: impl Write, text: Arguments<'_>) {
    write(to, format_args!("{text}\n"));
}
