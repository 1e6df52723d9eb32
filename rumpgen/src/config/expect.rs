//! What an application is expected to do when it runs.

use std::time::Duration;

use regex_lite::Regex;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::manifest::reader::Reader;
use crate::plan::ParamKind;
use crate::value;

/// How long an application may take where nothing is said. A machine that is emulated on a busy host is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an application is expected to do; at least one of the first two is there.
#[derive(Clone, Debug)]
pub struct Expect {
    /// It ends, with this exit code.
    pub exit: Option<u8>,
    /// A line of the console matches this. Where no end is expected, the application is ended then.
    pub console: Option<Regex>,
    /// All of it happens within this time.
    pub time: Duration,
}

/// Reads `[expect]`.
pub(super) fn read(top: &mut Reader<'_>) -> Option<Expect> {
    let mut table = top.table("expect")?;
    let exit = table.scalar("exit");
    let console = table.text("console");
    let time = table.text("time");
    if exit.is_none() && console.is_none() {
        let diagnostic = Diagnostic::new("nothing is expected").primary(table.place(), "");
        table.report(diagnostic.help("add `exit = 0`, or `console = \"…\"`"));
    }
    let exit = exit.and_then(|text| read_exit(&table, &text));
    let console = console.and_then(|text| read_pattern(&table, &text));
    let time = time.and_then(|text| read_time(&table, &text));
    table.finish();
    Some(Expect {
        exit,
        console,
        time: time.unwrap_or(PATIENCE),
    })
}

fn read_exit(table: &Reader<'_>, text: &Spanned<String>) -> Option<u8> {
    let code = text.value.parse().ok();
    if code.is_none() {
        let message = format!("`{}` is no exit code", text.value);
        let diagnostic = Diagnostic::new(message).primary(&text.place, "");
        table.report(diagnostic.help("it is a number from 0 to 255"));
    }
    code
}

fn read_pattern(table: &Reader<'_>, text: &Spanned<String>) -> Option<Regex> {
    let pattern = Regex::new(&text.value);
    if let Err(error) = &pattern {
        let diagnostic = Diagnostic::new("this is no regular expression");
        table.report(diagnostic.primary(&text.place, error.to_string()));
    }
    pattern.ok()
}

fn read_time(table: &Reader<'_>, text: &Spanned<String>) -> Option<Duration> {
    let time = value::nanoseconds(&text.value);
    if time.is_none() {
        let message = format!("`{}` is no span of time", text.value);
        let wanted = value::check(&ParamKind::Duration, &text.value).err();
        let help = wanted.map(|wanted| format!("it takes {wanted}"));
        let diagnostic = Diagnostic::new(message).primary(&text.place, "");
        table.report(diagnostic.maybe_help(help));
    }
    time.map(Duration::from_nanos)
}
