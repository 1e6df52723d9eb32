//! `shell`: commands in an image, one after the other.

mod lines;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use lines::Lines;

use super::{cat, cp, du, find, ls, mkdir, mv, rm, stat, tree};
use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::interrupt;
use crate::output::Output;
use crate::shown::shown;

#[derive(Debug, Parser)]
#[command(
    name = "",
    multicall = false,
    no_binary_name = true,
    disable_version_flag = true,
    help_template = "{subcommands}"
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List directories
    #[command(disable_help_flag = true)]
    Ls(ls::Options),
    /// Go to a directory
    Cd {
        #[arg(default_value = "/")]
        path: std::ffi::OsString,
    },
    /// Say where one is
    Pwd,
    /// Show what is in files
    Cat(cat::Options),
    /// Draw a tree
    Tree(tree::Options),
    /// Find files
    Find(find::Options),
    /// Show all that is known of files
    Stat(stat::Options),
    /// Sum up space
    #[command(disable_help_flag = true)]
    Du(du::Options),
    /// Copy to the host: get PATH [FILE OR DIRECTORY OF THE HOST]
    Get(Get),
    /// Copy from the host: put FILE OR DIRECTORY OF THE HOST [PATH]
    Put(Put),
    /// Make directories
    Mkdir(mkdir::Options),
    /// Remove files and trees
    Rm(rm::Options),
    /// Give files other names
    Mv(mv::Options),
    /// Have everything written
    Sync,
    /// Leave
    #[command(alias = "quit")]
    Exit,
}

#[derive(Args, Debug)]
struct Get {
    path: std::ffi::OsString,
    #[arg(default_value = ".")]
    to: PathBuf,
    #[command(flatten)]
    options: cp::Options,
}

#[derive(Args, Debug)]
struct Put {
    from: PathBuf,
    #[arg(default_value = ".")]
    path: std::ffi::OsString,
    #[command(flatten)]
    options: cp::Options,
}

pub(crate) fn run(image: &mut Image, output: &mut Output) -> Result<()> {
    let lines = Lines::new()?;
    if lines.is_terminal() {
        println!(
            "{}: {}{}. help says what there is, exit leaves.",
            image.name(),
            image.kind(),
            if image.is_writable() {
                ""
            } else {
                ", for reading only"
            }
        );
    }
    loop {
        let prompt = format!("{}> ", shown(&image.here().path()));
        let Some(line) = lines.next(prompt)? else {
            return Ok(());
        };
        let more = one(image, &line, output)?;
        if lines.is_terminal() {
            interrupt::go_on();
        }
        if !more {
            return Ok(());
        }
    }
}

/// Does what a line says: whether to go on. What goes wrong is said, and no reason to leave.
fn one(image: &mut Image, line: &str, output: &mut Output) -> Result<bool> {
    let Some(words) = words(line) else {
        output.problem("a quote is not closed");
        return Ok(true);
    };
    if words.first().is_none_or(|word| word.starts_with('#')) {
        return Ok(true);
    }
    let command = match Line::try_parse_from(&words) {
        Ok(line) => line.command,
        Err(error) => {
            match error.use_stderr() {
                true => output.problem(error.to_string().trim_end()),
                false => output.line(error.to_string().trim_end())?,
            }
            output.flush()?;
            return Ok(true);
        }
    };
    let going_on = !matches!(command, Command::Exit);
    let done = act(image, command, output);
    let ended = output.end();
    match done.and(ended) {
        Err(Failure::NobodyReads) => return Err(Failure::NobodyReads),
        // Which was said.
        Err(Failure::Interrupted) => {}
        Err(failure) => output.problem(failure),
        Ok(()) => {}
    }
    Ok(going_on)
}

fn act(image: &mut Image, command: Command, output: &mut Output) -> Result<()> {
    use std::os::unix::ffi::OsStrExt;
    match command {
        Command::Ls(options) => ls::run(image, &options, output),
        Command::Cat(options) => cat::run(image, &options, output),
        Command::Tree(options) => tree::run(image, &options, output),
        Command::Find(options) => find::run(image, &options, output),
        Command::Stat(options) => stat::run(image, &options, output),
        Command::Du(options) => du::run(image, &options, output),
        Command::Mkdir(options) => mkdir::run(image, &options, output),
        Command::Rm(options) => rm::run(image, &options, output),
        Command::Mv(options) => mv::run(image, &options, output),
        Command::Pwd => output.line(shown(&image.here().path())),
        Command::Sync => image.sync(),
        Command::Exit => Ok(()),
        Command::Cd { path } => {
            let path = path.as_bytes();
            image.go(path).map_err(|errno| Failure::at(path, errno))
        }
        Command::Get(get) => {
            let path = get.path.as_bytes();
            cp::get(image, path, &get.to, 1, &get.options, output)
        }
        Command::Put(put) => {
            let from: &[&Path] = &[&put.from];
            cp::put(image, from, put.path.as_bytes(), &put.options, output)
        }
    }
}

/// The words of a line: between blanks, or in quotes; a backslash takes the next character as it is. Nothing if a quote
/// is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (char, quote) {
            (char, Some(open)) if char == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            ('"' | '\'', None) => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (char, None) if char.is_whitespace() => words.extend(word.take()),
            (char, _) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn lines_are_split_as_by_a_shell() {
        let split = |line: &str| words(line).map(|words| words.join("|"));
        assert_eq!(split(" ls  -l a\\ b "), Some("ls|-l|a b".to_owned()));
        assert_eq!(
            split("cat 'a \"b' \"c\\\"d\" ''"),
            Some("cat|a \"b|c\"d|".to_owned())
        );
        assert_eq!(split("cat 'a"), None);
        assert_eq!(split(""), Some(String::new()));
    }

    #[test]
    fn the_commands_are_consistent() {
        Line::command().debug_assert();
    }
}
