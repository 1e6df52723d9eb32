//! `du`: how much space trees take.

use std::collections::HashSet;

use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::interrupt;
use crate::output::Output;
use crate::paths::Paths;
use crate::shown::{self, shown};
use crate::walk::{Step, Walk};

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Only the sums
    #[arg(short)]
    summary: bool,
    /// Sizes for people, such as 1.5M, instead of KiB
    #[arg(short = 'h')]
    human: bool,
    /// How long files are, instead of the space they take
    #[arg(long)]
    apparent_size: bool,
    /// For programs: an array of objects, in bytes
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
    // What has several names is counted once.
    let mut seen = HashSet::new();
    for path in options.paths.or_here() {
        let start = match image.find(&path, false) {
            Ok(trail) => trail.node().clone(),
            Err(errno) => {
                output.problem(Failure::at(&path, errno));
                continue;
            }
        };
        // Directories on the way, each with what was counted in it so far.
        let mut open: Vec<(Vec<u8>, u64)> = Vec::new();
        for step in Walk::new(start, &path) {
            match step {
                Step::Failed(path, errno) => output.problem(Failure::at(&path, errno)),
                Step::Found(found) => {
                    let stat = found.metadata.stat();
                    let counts = match options.apparent_size {
                        true => stat.size,
                        false => stat.blocks.saturating_mul(512),
                    };
                    let is_directory = found.metadata.is_dir();
                    let again = !is_directory && stat.links > 1 && !seen.insert(stat.inode);
                    let counts = if again { 0 } else { counts };
                    if is_directory {
                        open.push((found.path, counts));
                    } else if let Some((_, sum)) = open.last_mut() {
                        *sum = sum.saturating_add(counts);
                    } else {
                        show(&found.path, counts, options, output)?;
                    }
                }
                Step::Left => {
                    let Some((path, sum)) = open.pop() else {
                        continue;
                    };
                    if let Some((_, above)) = open.last_mut() {
                        *above = above.saturating_add(sum);
                    }
                    if !options.summary || open.is_empty() {
                        show(&path, sum, options, output)?;
                    }
                }
            }
        }
    }
    interrupt::check()
}

fn show(path: &[u8], bytes: u64, options: &Options, output: &mut Output) -> Result<()> {
    if options.json {
        let path = String::from_utf8_lossy(path);
        return output.element(&json!({ "path": path, "bytes": bytes }));
    }
    let size = match options.human {
        true => shown::size(bytes),
        false => bytes.div_ceil(1024).to_string(),
    };
    output.line(format_args!("{size}\t{}", shown(path)))
}
