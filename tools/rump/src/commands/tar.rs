//! `tar`: a tree as an archive, or an archive's files in the image.

mod create;
mod extract;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use crate::failure::{Failure, Result};
use crate::image::Image;
use crate::output::Output;
use crate::paths::Paths;

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) paths: Paths,
    /// The archive, on the host [default: standard output or input]
    #[arg(short = 'f', value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write the files of an archive into the image, below PATH
    #[arg(short = 'x')]
    extract: bool,
}

pub(crate) fn run(image: &Image, options: &Options, output: &mut Output) -> Result<()> {
    let paths = options.paths.or_here();
    if options.extract {
        image.check_writable()?;
        let [path] = &paths[..] else {
            return Err(Failure::Usage("an archive goes to one place".to_owned()));
        };
        let to = image
            .find(path, true)
            .map_err(|errno| Failure::at(path, errno))?;
        return match &options.file {
            Some(file) => {
                let open = File::open(file).map_err(|error| Failure::host(file, error))?;
                extract::extract(BufReader::new(open), to.node(), output)
            }
            None => extract::extract(io::stdin().lock(), to.node(), output),
        };
    }
    match &options.file {
        Some(file) => {
            let open = File::create(file).map_err(|error| Failure::host(file, error))?;
            let mut writer = BufWriter::with_capacity(1 << 20, open);
            create::create(image, &paths, &mut writer, output)?;
            writer.flush().map_err(|error| Failure::host(file, error))
        }
        None if io::stdout().is_terminal() => Err(Failure::Usage(
            "an archive is nothing for a terminal; say -f FILE".to_owned(),
        )),
        None => {
            let stdout = File::from(rustix::io::dup(io::stdout()).map_err(io::Error::from)?);
            let mut writer = BufWriter::with_capacity(1 << 20, stdout);
            create::create(image, &paths, &mut writer, output)?;
            Ok(writer.flush()?)
        }
    }
}
