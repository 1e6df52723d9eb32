//! The lines that a shell is told, one after the other, until somebody wants an end.
//!
//! Whoever waits for a line hears of no signal, so a thread of its own does.

use std::io::{self, BufRead, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::failure::{Failure, Result};
use crate::interrupt;

/// How long a signal may go unheard.
const PATIENCE: Duration = Duration::from_millis(50);

/// Lines of the standard input, which are edited if that is a terminal.
pub(super) struct Lines {
    prompts: Sender<String>,
    lines: Receiver<Result<Option<String>>>,
    is_terminal: bool,
}

impl Lines {
    pub(super) fn new() -> Result<Lines> {
        let is_terminal = io::stdin().is_terminal();
        let mut next = match is_terminal {
            true => edited()?,
            false => plain(),
        };
        let (prompts, asked) = channel::<String>();
        let (said, lines) = channel();
        thread::spawn(move || {
            for prompt in asked {
                if said.send(next(&prompt)).is_err() {
                    return;
                }
            }
        });
        Ok(Lines {
            prompts,
            lines,
            is_terminal,
        })
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// The next line; nothing at the end, or if an end is wanted.
    pub(super) fn next(&self, prompt: String) -> Result<Option<String>> {
        // It ends after this does.
        let _ = self.prompts.send(prompt);
        while !interrupt::is_wanted() {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => return line,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(None)
    }
}

type Next = Box<dyn FnMut(&str) -> Result<Option<String>> + Send>;

fn plain() -> Next {
    Box::new(|_| {
        let next = io::stdin().lock().lines().next().transpose();
        next.map_err(|error| Failure::Problem(format!("the input: {error}")))
    })
}

fn edited() -> Result<Next> {
    let failed = |error| Failure::Problem(format!("the terminal: {error}"));
    let mut editor = DefaultEditor::new().map_err(failed)?;
    Ok(Box::new(move |prompt| {
        loop {
            match editor.readline(prompt) {
                Ok(line) => {
                    let _ = editor.add_history_entry(&line);
                    return Ok(Some(line));
                }
                // Another line.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(failed(error)),
            }
        }
    }))
}
