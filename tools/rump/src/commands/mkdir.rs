//! `mkdir`: makes directories.

use clap::Args;
use rump::Errno;
use rump::fs::Kind;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output::Output;
use crate::paths::Paths;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// Those they are in, too; what is there already is fine
    #[arg(short)]
    parents: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    image.check_writable()?;
    for path in options.paths.some()? {
        if let Err(errno) = make(image, &path, options.parents) {
            output.problem(Failure::at(&path, errno));
        }
    }
    Ok(())
}

fn make(image: &Image, path: &[u8], parents: bool) -> std::result::Result<(), Errno> {
    let one = |path: &[u8]| {
        let (above, name) = image.find_new(path)?;
        above.node().create(name, Kind::Directory, 0o755, &[])?;
        Ok(())
    };
    if !parents {
        return one(path);
    }
    let ends = path.iter().enumerate().skip(1);
    let ends = ends.filter(|(at, byte)| **byte == b'/' && path[at - 1] != b'/');
    let ends = ends.map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let path = &path[..end];
        match one(path) {
            Err(Errno::EEXIST) if image.find(path, true)?.node().is_dir() => {}
            done => done?,
        }
    }
    Ok(())
}
