//! `ls`: what is in directories.

use clap::Args;
use rump::fs::{FileType, Node};

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::interrupt;
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
    /// Directories in directories, too
    #[arg(short = 'R')]
    recursive: bool,
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
    let heads = (paths.len() > 1 || options.recursive) && !options.json;
    let mut gap = "";
    for path in &paths {
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
        // Those that are to be listed, the next one last.
        let mut listed = vec![(path.clone(), node.clone())];
        while let Some((path, node)) = listed.pop() {
            interrupt::check()?;
            if heads {
                output.line(format_args!("{gap}{}:", shown(&path)))?;
                gap = "\n";
            }
            let mut inside = directory(&path, &node, options, output)?;
            listed.extend(inside.drain(..).rev());
        }
    }
    Ok(())
}

/// Lists one; with `-R` the directories in it.
fn directory(
    path: &[u8],
    node: &Node,
    options: &Options,
    output: &mut Output,
) -> Result<Vec<(Vec<u8>, Node)>> {
    let mut inside = Vec::new();
    let entries = match walk::entries(node) {
        Ok(entries) => entries,
        Err(errno) => {
            output.problem(Failure::at(path, errno));
            return Ok(inside);
        }
    };
    for entry in entries {
        if !options.all && entry.name.starts_with(b".") {
            continue;
        }
        let may_be_directory = entry
            .file_type
            .is_none_or(|kind| kind == FileType::Directory);
        let looks = options.long || options.json || options.recursive && may_be_directory;
        if !looks {
            // The directory says enough.
            output.line(shown(&entry.name))?;
            continue;
        }
        let path = walk::join(path, &entry.name);
        match node.lookup(&entry.name) {
            Ok(child) => {
                show(&path, &entry.name, &child, options, output)?;
                if options.recursive && child.is_dir() {
                    inside.push((path, child));
                }
            }
            Err(errno) => output.problem(Failure::at(&path, errno)),
        }
    }
    Ok(inside)
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
