//! The tool `rump`: what is on disk images, for people and scripts that never heard of rump kernels.
//!
//! It is an application of a kernel with all drivers of file systems there are. An image is attached as a disk and
//! mounted, and commands walk it by inodes, never by names that something could change under them. Whatever an image
//! says is an enemy's word: no name of its leads anywhere else on the host, and none commands a terminal.
//!
//! This crate knows no file system: which ones there are is the configuration's business, in `rump.toml`.

mod cli;
mod commands;
mod copy;
mod failure;
mod fuse;
mod glob;
mod image;
mod interrupt;
mod item;
mod output;
mod paths;
mod place;
mod progress;
mod shown;
mod walk;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;
use rump::Kernel;

use cli::{Cli, Command, Fs, On};
use commands::{cat, check, cp, du, find, ls, mkdir, mkfs, mount, mv, rm, shell, stat, tar, tree};
use failure::{Failure, Result, USAGE};
use image::Image;
use output::Output;

/// Does what the command line says. Returns the exit code.
pub fn main(kernel: &Kernel, arguments: &[String]) -> i32 {
    let cli = match Cli::try_parse_from(words(arguments.len())) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => i32::from(USAGE),
            };
        }
    };
    let mut output = Output::new();
    let done = dispatch(kernel, cli.command, &mut output);
    let ended = output.end();
    if let Some(code) = interrupt::ended() {
        if let Err(failure @ (Failure::Problem(_) | Failure::Usage(_))) = done {
            eprintln!("rump: {failure}");
        }
        return code;
    }
    match done.and(ended) {
        Ok(()) if output.is_fine() => 0,
        Ok(()) => i32::from(failure::PROBLEM),
        Err(failure) => {
            if !matches!(failure, Failure::NobodyReads) {
                eprintln!("rump: {failure}");
            }
            i32::from(failure.code())
        }
    }
}

/// The name of the program and its last words, which may be no UTF-8. What `find` has always been told with one dash
/// may be told it so.
fn words(count: usize) -> Vec<OsString> {
    let all: Vec<_> = std::env::args_os().collect();
    let mut words = vec![OsString::from("rump")];
    words.extend_from_slice(&all[all.len().saturating_sub(count)..]);
    if words.get(1).is_some_and(|word| word == "fs")
        && words.get(2).is_some_and(|word| word == "find")
    {
        for word in &mut words[3..] {
            if matches!(word.to_str(), Some("-name" | "-type" | "-size")) {
                *word = OsString::from(format!("-{}", word.to_string_lossy()));
            }
        }
    }
    words
}

fn dispatch(kernel: &Kernel, command: Command, output: &mut Output) -> Result<()> {
    let fs = match command {
        Command::Mount(asked) => return mount::run(kernel, &asked),
        Command::Fs(fs) => fs,
    };
    let failed = |error| Failure::Problem(format!("signals: {error}"));
    interrupt::listen().map_err(failed)?;
    /// Runs a command whose paths begin with the one behind the image's name.
    macro_rules! on {
        ($on:expr, $run:path) => {{
            let On { which, mut options } = $on;
            Image::with(kernel, &which, |image, path| {
                options.paths.begin_with(path);
                $run(image, &options, output)
            })
        }};
    }
    match fs {
        Fs::Ls(on) => on!(on, ls::run),
        Fs::Cat(on) => on!(on, cat::run),
        Fs::Tree(on) => on!(on, tree::run),
        Fs::Find(on) => on!(on, find::run),
        Fs::Stat(on) => on!(on, stat::run),
        Fs::Du(on) => on!(on, du::run),
        Fs::Mkdir(on) => on!(on, mkdir::run),
        Fs::Rm(on) => on!(on, rm::run),
        Fs::Mv(on) => on!(on, mv::run),
        Fs::Tar(on) => on!(on, tar::run),
        Fs::Cp(asked) => cp::run(kernel, &asked, output),
        Fs::Mkfs(asked) => mkfs::run(kernel, &asked, output),
        Fs::Check(On { which, options }) => Image::with(kernel, &which, |image, path| {
            image.whole(path)?;
            check::run(image, &options, output)
        }),
        Fs::Shell(On { which, .. }) => Image::with(kernel, &which, |image, path| {
            if let Some(path) = path {
                let failed = |errno| Failure::at(&path, errno);
                image.go(&path).map_err(failed)?;
            }
            shell::run(image, output)
        }),
    }
}

#[cfg(test)]
mod platform {
    //! The platform, bound by hand for the tests of this crate.

    use hypercall::*;
    use linux::Platform;

    hypercall::block!(Platform);
    hypercall::clock!(Platform);
    hypercall::console!(Platform);
    hypercall::fault!(Platform);
    hypercall::memory!(Platform);
    hypercall::params!(Platform);
    hypercall::threads!(Platform);
    hypercall::work!(Platform);
}
