//! `tree`: what is in a directory and in those in it, drawn.

use clap::Args;
use rump::fs::{FileType, Node};

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::item;
use crate::output::Output;
use crate::paths::Paths;
use crate::shown::{self, shown};
use crate::walk::{Step, Walk};

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// No deeper than so many directories
    #[arg(short = 'L', value_name = "DEPTH")]
    depth: Option<usize>,
    /// With sizes
    #[arg(short)]
    size: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    for path in options.paths.or_here() {
        match image.find(&path, true) {
            Ok(trail) => draw(&path, trail.node(), options, output)?,
            Err(errno) => output.problem(Failure::at(&path, errno)),
        }
    }
    Ok(())
}

/// Names that are drawn yet, of a directory on the way down.
struct Left {
    count: usize,
}

fn draw(path: &[u8], start: &Node, options: &Options, output: &mut Output) -> Result<()> {
    let (mut directories, mut files) = (0_u64, 0_u64);
    let mut levels: Vec<Left> = Vec::new();
    let mut walk = Walk::new(start.clone(), path);
    while let Some(step) = walk.next() {
        let (path, found) = match step {
            Step::Left => {
                levels.pop();
                continue;
            }
            Step::Failed(path, errno) => {
                output.problem(Failure::at(&path, errno));
                (path, None)
            }
            Step::Found(found) => (found.path.clone(), Some(found)),
        };
        let name = match levels.is_empty() {
            true => &path[..],
            false => path.rsplit(|byte| *byte == b'/').next().unwrap_or(&path),
        };
        let mut line = branches(&mut levels);
        line += &shown(name).to_string();
        let Some(found) = found else {
            output.line(format_args!("{line}  ?"))?;
            continue;
        };
        if options.size && found.metadata.is_file() {
            line += &format!("  {}", shown::size(found.metadata.len()));
        }
        if let Ok(Some(target)) = item::target(&found.node) {
            line += &format!(" -> {}", shown(&target));
        }
        output.line(line)?;
        match found.node.file_type() {
            FileType::Directory => {
                directories += u64::from(found.depth > 0);
                if options.depth.is_some_and(|depth| found.depth >= depth) {
                    walk.do_not_enter();
                }
                let count = walk.left();
                levels.push(Left { count });
            }
            _ => files += 1,
        }
    }
    output.line(format_args!("\n{directories} directories, {files} files"))
}

/// What is drawn before a name.
fn branches(levels: &mut [Left]) -> String {
    let mut line = String::new();
    let Some((last, above)) = levels.split_last_mut() else {
        return line;
    };
    for level in above {
        line += if level.count > 0 { "│   " } else { "    " };
    }
    last.count = last.count.saturating_sub(1);
    line += if last.count > 0 {
        "├── "
    } else {
        "└── "
    };
    line
}
