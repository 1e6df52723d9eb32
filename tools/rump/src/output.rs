//! What commands say: results to the standard output, problems to the standard error output.

use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// Where results go.
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    problems: u64,
    /// Whether an array of JSON was begun, and has elements.
    array: Option<bool>,
}

impl Output {
    pub(crate) fn new() -> Output {
        Output {
            out: BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
            problems: 0,
            array: None,
        }
    }

    /// A line.
    pub(crate) fn line(&mut self, line: impl fmt::Display) -> Result<()> {
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.out.write_all(bytes)?)
    }

    /// A value as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.line(json(value)?)
    }

    /// An element of the array that the output is in JSON, which [`end`](Self::end) ends.
    pub(crate) fn element(&mut self, value: &impl Serialize) -> Result<()> {
        let before = match self.array.replace(true) {
            Some(true) => ",\n",
            _ => "[\n",
        };
        let text = json(value)?;
        Ok(write!(self.out, "{before}{text}")?)
    }

    /// The output is an array in JSON, even without elements.
    pub(crate) fn begin_array(&mut self) {
        self.array = Some(false);
    }

    /// Something could not be done; others can.
    pub(crate) fn problem(&mut self, problem: impl fmt::Display) {
        // In the order that people are told of them.
        let _ = self.out.flush();
        eprintln!("rump: {problem}");
        self.problems += 1;
    }

    /// Whether all could be done.
    pub(crate) fn is_fine(&self) -> bool {
        self.problems == 0
    }

    /// Shows what was said so far.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    /// Ends the output.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.array.take() {
            Some(true) => self.line("\n]")?,
            Some(false) => self.line("[]")?,
            None => {}
        }
        self.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Failure::Problem(format!("JSON: {error}")))
}
