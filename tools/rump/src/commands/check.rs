//! `check`: reads everything there is, and says what is wrong, by its place.

use std::collections::HashMap;

use clap::Args;
use rump::Errno;
use rump::fs::{FileType, Node};
use serde_json::json;

use crate::failure::Result;
use crate::image::Image;
use crate::interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::shown::{self, shown};
use crate::walk::{Found, Step, Walk};

/// Bytes taken at once.
const PIECE: usize = 1 << 20;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// For programs: an object
    #[arg(long)]
    json: bool,
}

/// What was looked at.
#[derive(Default)]
struct Counts {
    files: u64,
    directories: u64,
    others: u64,
    bytes: u64,
    problems: Vec<String>,
}

/// A file with several names: how many it says it has, and how many were found.
struct Names {
    path: Vec<u8>,
    said: u32,
    found: u32,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    let mut counts = Counts::default();
    let mut names: HashMap<u64, Names> = HashMap::new();
    let mut buffer = vec![0; PIECE];
    let progress = Progress::new("read");
    for step in Walk::new(image.root().clone(), b"/") {
        match step {
            Step::Left => {}
            Step::Failed(path, errno) => counts.problem(&path, errno),
            Step::Found(found) => {
                let stat = found.metadata.stat();
                let seen = names.get_mut(&stat.inode).filter(|_| !found.node.is_dir());
                if let Some(seen) = seen {
                    seen.found += 1;
                    continue;
                }
                if stat.links > 1 && !found.node.is_dir() {
                    let (path, said) = (found.path.clone(), stat.links);
                    names.insert(
                        stat.inode,
                        Names {
                            path,
                            said,
                            found: 1,
                        },
                    );
                }
                counts.look(&found, &mut buffer, &progress);
            }
        }
    }
    interrupt::check()?;
    // Where nothing was found under two names, numbers may be those of names and not of inodes, as in ISO 9660.
    let knows = names.values().any(|names| names.found > 1);
    let wrong = names
        .values()
        .filter(|names| knows && names.said != names.found);
    for names in wrong {
        let what = format!(
            "says it has {} names; {} were found",
            names.said, names.found
        );
        counts.problem(&names.path, what);
    }
    if let Err(errno) = image.root().usage() {
        counts.problem(b"/", errno);
    }
    // What a driver put up with, it wrote into the log.
    counts.problems.extend(image.complaints());
    progress.finish();
    for problem in &counts.problems {
        output.problem(problem);
    }
    if options.json {
        return output.json(&json!({
            "image": image.name(),
            "type": image.kind(),
            "files": counts.files,
            "directories": counts.directories,
            "others": counts.others,
            "bytes": counts.bytes,
            "problems": counts.problems,
        }));
    }
    output.line(format_args!(
        "{}: {}, {} files ({}), {} directories, {} others: {}",
        image.name(),
        image.kind(),
        counts.files,
        shown::size(counts.bytes),
        counts.directories,
        counts.others,
        match counts.problems.len() {
            0 => "all of it can be read".to_owned(),
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        }
    ))
}

impl Counts {
    fn problem(&mut self, path: &[u8], what: impl std::fmt::Display) {
        self.problems.push(format!("{}: {what}", shown(path)));
    }

    /// Reads what can be read of something.
    fn look(&mut self, found: &Found, buffer: &mut [u8], progress: &Progress) {
        let read = match found.node.file_type() {
            FileType::File => {
                self.files += 1;
                progress.file();
                self.contents(found, buffer, progress)
            }
            FileType::Directory => {
                self.directories += 1;
                Ok(())
            }
            FileType::Symlink => {
                self.others += 1;
                found.node.read_link().map(drop)
            }
            _ => {
                self.others += 1;
                Ok(())
            }
        };
        if let Err(errno) = read {
            self.problem(&found.path, errno);
        }
        if let Err(errno) = attributes(&found.node) {
            self.problem(&found.path, format!("extended attributes: {errno}"));
        }
    }

    fn contents(
        &mut self,
        found: &Found,
        buffer: &mut [u8],
        progress: &Progress,
    ) -> std::result::Result<(), Errno> {
        let file = found.node.read()?;
        let (mut at, size) = (0, found.metadata.len());
        while at < size {
            // Holes have nothing that could be wrong, and may be absurdly long.
            at = match file.seek_data(at) {
                Err(Errno::ENXIO) => break,
                data => data?,
            };
            let end = file.seek_hole(at)?;
            while at < end {
                let most = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
                let count = file.read_at(&mut buffer[..most], at)?;
                if count == 0 {
                    return Err(Errno::EIO);
                }
                at += count as u64;
                self.bytes += count as u64;
                progress.bytes(count as u64);
            }
        }
        Ok(())
    }
}

fn attributes(node: &Node) -> std::result::Result<(), Errno> {
    for name in node.xattrs()? {
        node.xattr(&name)?;
    }
    Ok(())
}
