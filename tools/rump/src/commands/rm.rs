//! `rm`: removes files, and with `-r` directories.

use clap::Args;
use rump::Errno;
use rump::fs::Node;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::interrupt;
use crate::output::Output;
use crate::paths::Paths;
use crate::walk;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Directories, too, with all that is in them
    #[arg(short)]
    recursive: bool,
    /// What is not there is fine
    #[arg(short)]
    force: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    image.check_writable()?;
    for path in options.paths.some()? {
        match image.find(&path, false) {
            Ok(trail) => match trail.parent() {
                Some(_) if trail.node().is_dir() && !options.recursive => {
                    output.problem(format_args!(
                        "{}; say -r",
                        Failure::at(&path, Errno::EISDIR)
                    ));
                }
                Some((above, name)) => remove(above, name, &path, output),
                None => output.problem(format_args!(
                    "{}; the root stays",
                    Failure::at(&path, Errno::EBUSY)
                )),
            },
            Err(Errno::ENOENT) if options.force => {}
            Err(errno) => output.problem(Failure::at(&path, errno)),
        }
    }
    Ok(())
}

/// Removes what has a name, all that is in it first.
pub(crate) fn remove(directory: &Node, name: &[u8], path: &[u8], output: &mut Output) {
    // Directories on the way down, each with its name in the one above, and what is left to remove in it.
    let mut levels = Vec::new();
    let mut next = Some((directory.clone(), name.to_vec(), path.to_vec()));
    while !interrupt::is_wanted() {
        if let Some((above, name, path)) = next.take() {
            let looked = above.lookup(&name).and_then(|node| {
                let inside = node.is_dir().then(|| walk::entries(&node)).transpose()?;
                Ok((node, inside))
            });
            match looked {
                Ok((node, Some(inside))) => levels.push((above, name, path, node, inside)),
                Ok((_, None)) => {
                    if let Err(errno) = above.remove(&name, false) {
                        output.problem(Failure::at(&path, errno));
                    }
                }
                Err(errno) => output.problem(Failure::at(&path, errno)),
            }
        }
        let Some((_, _, path, node, inside)) = levels.last_mut() else {
            return;
        };
        if let Some(entry) = inside.pop() {
            let path = walk::join(path, &entry.name);
            next = Some((node.clone(), entry.name, path));
        } else if let Some((above, name, path, ..)) = levels.pop()
            && let Err(errno) = above.remove(&name, true)
        {
            output.problem(Failure::at(&path, errno));
        }
    }
}
