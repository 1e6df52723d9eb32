//! `mkfs`: makes new file systems, and images for them.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::Path;

use clap::Args;
use rump::{Errno, Kernel};

use crate::cli;
use crate::failure::{Failure, Result};
use crate::image::{attach, check_kind, complaints, partitions, why_not};
use crate::interrupt::Writing;
use crate::output::Output;
use crate::place::Place;
use crate::progress::Progress;
use crate::shown::{self, shown};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The image or device: IMAGE or IMAGE:PARTITION
    #[arg(value_name = "IMAGE")]
    image: OsString,
    /// The kind of file system
    #[arg(short = 't', long = "format", value_name = "KIND")]
    kind: String,
    /// The name that the file system is to have
    #[arg(
        short = 'L',
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    label: String,
    /// Make the image, of so many bytes, such as 500M or 1G
    #[arg(long, value_parser = cli::bytes)]
    size: Option<u64>,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
    /// For programs: an object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(kernel: &Kernel, asked: &Options, output: &mut Output) -> Result<()> {
    check_kind(kernel, &asked.kind)?;
    let place = Place::parse(&asked.image);
    if let Some(path) = &place.path {
        return Err(Failure::Usage(format!(
            "a file system takes all of an image or partition; leave out :{}",
            shown(path)
        )));
    }
    let Some(size) = asked.size else {
        return make(kernel, asked, &place, output);
    };
    let _writing = Writing::begin();
    new_image(&place, size)?;
    let made = make(kernel, asked, &place, output);
    if made.is_err() {
        // It was not there before, and nothing is in it.
        let _ = fs::remove_file(&place.image);
    }
    made
}

/// Makes an image that is not there yet.
fn new_image(place: &Place, size: u64) -> Result<()> {
    let path: &Path = &place.image;
    if let Some(partition) = &place.partition {
        return Err(Failure::Usage(format!(
            "a new image has no partitions; leave out :{} or --size",
            shown(partition.as_bytes())
        )));
    }
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    let file = made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Usage(format!(
            "{} is there already; leave out --size to make a file system on it as it is",
            path.display()
        )),
        _ => Failure::host(path, error),
    })?;
    file.set_len(size).map_err(|error| {
        let _ = fs::remove_file(path);
        Failure::host(path, error)
    })
}

fn make(kernel: &Kernel, asked: &Options, place: &Place, output: &mut Output) -> Result<()> {
    if !place.image.exists() {
        return Err(Failure::Usage(format!(
            "{}: there is no such file; to have it made, say how large it is to be: --size 1G",
            place.image.display()
        )));
    }
    let _writing = Writing::begin();
    let block = attach(kernel, &place.image, true)?;
    let chosen = match asked.force {
        true => partitions::choose_any(kernel, &block, place),
        false => partitions::choose_empty(kernel, &block, place),
    };
    let made = chosen.and_then(|(unit, name)| {
        let progress = Progress::of_one(&format!("making {} on {name}", asked.kind));
        let made = rump::fs::make(kernel, &unit, &asked.kind, &asked.label);
        progress.finish();
        let failed = |errno| why(&name, &unit, errno, &complaints(kernel));
        made.map_err(failed)?;
        let size = rump::block::Block::open(kernel, &unit).map_or(0, |block| block.size());
        Ok((name, size))
    });
    let detached = block.detach();
    let (name, size) = made?;
    detached.map_err(|errno| Failure::Problem(format!("{name}: {errno} at the end")))?;
    if asked.json {
        return output.json(&serde_json::json!({
            "image": name,
            "type": asked.kind,
            "size": size,
            "label": asked.label,
        }));
    }
    let (kind, size) = (&asked.kind, shown::size(size));
    output.line(format_args!("{name}: a new {kind} of {size}"))
}

/// Why there is no new file system, and the way out.
fn why(name: &str, unit: &str, errno: Errno, said: &[String]) -> Failure {
    let reason = why_not("make", name, unit, errno, said);
    match errno {
        Errno::EOPNOTSUPP => Failure::Problem(format!(
            "{reason}; a program of the host does, such as mksquashfs (squashfs-tools) or genisoimage"
        )),
        Errno::EINVAL | Errno::EFBIG | Errno::ENOSPC => Failure::Usage(reason),
        _ => Failure::Problem(reason),
    }
}
