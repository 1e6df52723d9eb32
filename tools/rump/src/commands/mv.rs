//! `mv`: gives files other names.

use clap::Args;
use rump::Errno;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output::Output;
use crate::paths::Paths;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// What has the new name already keeps it
    #[arg(short)]
    no_clobber: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    image.check_writable()?;
    let mut from = options.paths.some()?;
    let to = from.pop().unwrap_or_default();
    if from.is_empty() {
        return Err(Failure::Usage(
            "name what is moved and where to: rump fs mv -w IMAGE /OLD /NEW".to_owned(),
        ));
    }
    let many = from.len() > 1;
    for path in from {
        if let Err(errno) = one(image, &path, &to, many, options.no_clobber) {
            output.problem(Failure::at(&path, errno));
        }
    }
    Ok(())
}

/// Moves one, into a directory or to a new name.
fn one(
    image: &Image,
    from: &[u8],
    to: &[u8],
    into: bool,
    keep: bool,
) -> std::result::Result<(), Errno> {
    let trail = image.find(from, false)?;
    let (above, name) = trail.parent().ok_or(Errno::EBUSY)?;
    let there = image.find(to, true).ok();
    let there = there.filter(|trail| trail.node().is_dir());
    if there.is_none() && into {
        return Err(Errno::ENOTDIR);
    }
    let place;
    let (directory, new_name) = match &there {
        Some(directory) => (directory, name),
        None => {
            place = image.find_new(to)?;
            (&place.0, place.1)
        }
    };
    match keep {
        true => above.rename_new(name, directory.node(), new_name),
        false => above.rename(name, directory.node(), new_name),
    }
}
