//! `ls`: what is in directories.

use clap::Args;
use rump::fs::Node;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::item::{self, Item};
use crate::output::Output;
use crate::paths::Paths;
use crate::shown::shown;
use crate::walk;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// With mode, links, owner, group, size, time (UTC)
    #[arg(short)]
    long: bool,
    /// Names that begin with a dot, too
    #[arg(short)]
    all: bool,
    /// Sizes for people, such as 1.5M
    #[arg(short = 'h')]
    human: bool,
    /// A directory itself, not what is in it
    #[arg(short)]
    directory: bool,
    /// For programs: an array of objects
    #[arg(long)]
    json: bool,
    /// Say how it is used
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    if options.json {
        output.begin_array();
    }
    let paths = options.paths.or_here();
    for (at, path) in paths.iter().enumerate() {
        let follow = !options.long && !options.directory;
        let trail = match image.find(path, follow) {
            Ok(trail) => trail,
            Err(errno) => {
                output.problem(Failure::at(path, errno));
                continue;
            }
        };
        let node = trail.node();
        if options.directory || !node.is_dir() {
            show(path, path, node, options, output)?;
            continue;
        }
        if paths.len() > 1 && !options.json {
            let gap = if at == 0 { "" } else { "\n" };
            output.line(format_args!("{gap}{}:", shown(path)))?;
        }
        directory(path, node, options, output)?;
    }
    Ok(())
}

fn directory(path: &[u8], node: &Node, options: &Options, output: &mut Output) -> Result<()> {
    let entries = match walk::entries(node) {
        Ok(entries) => entries,
        Err(errno) => {
            output.problem(Failure::at(path, errno));
            return Ok(());
        }
    };
    for entry in entries {
        if !options.all && entry.name.starts_with(b".") {
            continue;
        }
        if !options.long && !options.json {
            // The directory says enough.
            output.line(shown(&entry.name))?;
            continue;
        }
        let path = walk::join(path, &entry.name);
        match node.lookup(&entry.name) {
            Ok(child) => show(&path, &entry.name, &child, options, output)?,
            Err(errno) => output.problem(Failure::at(&path, errno)),
        }
    }
    Ok(())
}

fn show(
    path: &[u8],
    name: &[u8],
    node: &Node,
    options: &Options,
    output: &mut Output,
) -> Result<()> {
    if !options.long && !options.json {
        return output.line(shown(name));
    }
    let metadata = match node.metadata() {
        Ok(metadata) => metadata,
        Err(errno) => {
            output.problem(Failure::at(path, errno));
            return Ok(());
        }
    };
    match options.json {
        true => match Item::new(path, node, &metadata) {
            Ok(item) => output.element(&item)?,
            Err(errno) => output.problem(Failure::at(path, errno)),
        },
        false => match item::long(name, node, &metadata, options.human) {
            Ok(line) => output.line(line)?,
            Err(errno) => output.problem(Failure::at(path, errno)),
        },
    }
    Ok(())
}
