//! Why a command failed, and what the shell hears of it.

use std::io::IsTerminal;
use std::process::ExitCode;

use rumpgen::diagnostic::{Diagnostic, Diagnostics};

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for makes no sense; exit code 2.
    Asked(Diagnostics),
    /// It made sense and did not work; exit code 1.
    Work(Diagnostics),
}

impl Failure {
    /// What was asked for makes no sense.
    pub(crate) fn asked(diagnostics: impl Into<Diagnostics>) -> Failure {
        Failure::Asked(diagnostics.into())
    }

    /// It did not work.
    pub(crate) fn work(message: impl Into<String>) -> Failure {
        Failure::from(Diagnostic::new(message))
    }

    /// Shows the errors.
    pub(crate) fn print(&self) {
        let (Failure::Asked(diagnostics) | Failure::Work(diagnostics)) = self;
        eprint!("{}", diagnostics.render(std::io::stderr().is_terminal()));
    }

    /// What the shell hears.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Asked(_) => 2,
            Failure::Work(_) => 1,
        })
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Failure {
        Failure::Work(diagnostic.into())
    }
}
