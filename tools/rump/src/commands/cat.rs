//! `cat`: what is in files.

use clap::Args;
use rump::Errno;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output::Output;
use crate::paths::Paths;

/// Bytes taken at once.
const PIECE: usize = 1 << 20;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    let mut buffer = vec![0; PIECE];
    for path in options.paths.some()? {
        let file = image.find(&path, true).and_then(|trail| {
            match trail.node().metadata()? {
                metadata if metadata.is_file() => trail.node().read(),
                metadata if metadata.is_dir() => Err(Errno::EISDIR),
                // A device would be one of this kernel's, not one of the image's.
                _ => Err(Errno::EINVAL),
            }
        });
        let mut offset = 0;
        loop {
            let read = file.as_ref().map_err(|errno| *errno);
            match read.and_then(|file| file.read_at(&mut buffer, offset)) {
                Ok(0) => break,
                Ok(count) => {
                    output.bytes(&buffer[..count])?;
                    offset += count as u64;
                }
                Err(errno) => {
                    output.problem(Failure::at(&path, errno));
                    break;
                }
            }
        }
    }
    Ok(())
}
