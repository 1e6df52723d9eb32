//! `stat`: all that is known of files.

use clap::Args;
use rump::fs::{Metadata, Node};

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::item::{self, Item};
use crate::output::Output;
use crate::paths::Paths;
use crate::shown::{self, shown};

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// The file system itself: its kind, how full it is
    #[arg(short = 'f')]
    pub(crate) filesystem: bool,
    /// For programs: an array of objects
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    if options.filesystem {
        return filesystem(image, options, output);
    }
    if options.json {
        output.begin_array();
    }
    for path in options.paths.or_here() {
        let looked = image.find(&path, false).and_then(|trail| {
            let metadata = trail.node().metadata()?;
            let item = Item::new(&path, trail.node(), &metadata)?;
            Ok((trail, metadata, item))
        });
        match looked {
            Ok((_, _, item)) if options.json => output.element(&item)?,
            Ok((trail, metadata, _)) => show(&path, trail.node(), &metadata, output)?,
            Err(errno) => output.problem(Failure::at(&path, errno)),
        }
    }
    Ok(())
}

fn show(path: &[u8], node: &Node, metadata: &Metadata, output: &mut Output) -> Result<()> {
    let stat = metadata.stat();
    let kind = metadata.file_type();
    output.line(format_args!("    Path: {}", shown(path)))?;
    if let Ok(Some(target)) = item::target(node) {
        output.line(format_args!("   Leads to: {}", shown(&target)))?;
    }
    output.line(format_args!("    Kind: {}", item::word(kind)))?;
    if let Some([major, minor]) = item::device(metadata) {
        output.line(format_args!("  Device: {major}, {minor}"))?;
    }
    output.line(format_args!(
        "    Size: {} bytes ({}), {} on the disk",
        stat.size,
        shown::size(stat.size),
        shown::size(stat.blocks.saturating_mul(512))
    ))?;
    output.line(format_args!(
        "    Mode: {} ({:04o}), user {}, group {}",
        shown::mode(kind, metadata.mode()),
        metadata.mode(),
        stat.user,
        stat.group
    ))?;
    output.line(format_args!(
        "   Inode: {}, names: {}",
        stat.inode, stat.links
    ))?;
    let times = [
        ("Accessed", stat.accessed),
        ("Modified", stat.modified),
        (" Changed", stat.changed),
    ];
    for (name, time) in times {
        output.line(format_args!("{name}: {}", shown::moment(time)))?;
    }
    for name in node.xattrs().unwrap_or_default() {
        match node.xattr(&name) {
            Ok(value) => {
                let (name, value) = (shown(&name), shown(&value));
                output.line(format_args!("   Xattr: {name} = {value}"))?;
            }
            Err(errno) => output.problem(Failure::at(path, errno)),
        }
    }
    Ok(())
}

fn filesystem(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    let failed = |errno| Failure::Problem(format!("{}: {errno}", image.name()));
    let usage = image.root().usage().map_err(failed)?;
    if options.json {
        return output.json(&serde_json::json!({
            "image": image.name(),
            "type": image.kind(),
            "size": usage.size,
            "free": usage.free,
            "inodes": usage.inodes,
            "free_inodes": usage.free_inodes,
        }));
    }
    output.line(format_args!("   Image: {}", image.name()))?;
    output.line(format_args!("    Kind: {}", image.kind()))?;
    output.line(format_args!(
        "    Size: {}, free: {}",
        shown::size(usage.size),
        shown::size(usage.free)
    ))?;
    output.line(format_args!(
        "  Inodes: {}, free: {}",
        usage.inodes, usage.free_inodes
    ))
}
