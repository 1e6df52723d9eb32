//! `cp`: copies between an image and the host.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Args;
use rump::{Errno, Kernel};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::copy::{Copying, Keep, into_image, to_host};
use crate::failure::{Failure, Result};
use crate::image::{How, Image};
use crate::output::Output;
use crate::place::Place;
use crate::progress::Progress;

#[derive(Args, Debug)]
pub(crate) struct Command {
    /// What is copied, and where to: one of both in an image, as IMAGE:/PATH
    #[arg(value_name = "PLACE", num_args = 2.., required = true)]
    places: Vec<OsString>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    options: Options,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Directories, too, with all that is in them
    #[arg(short)]
    pub(crate) recursive: bool,
    /// All attributes and devices, too, and directories
    #[arg(short)]
    pub(crate) archive: bool,
}

impl Options {
    fn keep(&self) -> Keep {
        Keep { all: self.archive }
    }

    fn directories(&self) -> bool {
        self.recursive || self.archive
    }
}

pub(crate) fn run(kernel: &Kernel, asked: &Command, output: &mut Output) -> Result<()> {
    let Some((to, from)) = asked.places.split_last() else {
        return Err(Failure::Usage(
            "name what is copied and where to".to_owned(),
        ));
    };
    let sources: Vec<_> = from.iter().map(|text| Place::with_path(text)).collect();
    match (Place::with_path(to), sources.iter().flatten().count()) {
        (None, count) if count == from.len() => {
            for place in sources.into_iter().flatten() {
                let image = Image::open(kernel, &place, &asked.how)?;
                let path = place.path.unwrap_or_default();
                let copied = get(
                    &image,
                    &path,
                    Path::new(to),
                    from.len(),
                    &asked.options,
                    output,
                );
                image.close()?;
                copied?;
            }
            Ok(())
        }
        (Some(place), 0) => {
            let image = Image::open(kernel, &place, &asked.how)?;
            let path = place.path.unwrap_or_default();
            let paths: Vec<_> = from.iter().map(Path::new).collect();
            let copied = put(&image, &paths, &path, &asked.options, output);
            let closed = image.close();
            copied.and(closed)
        }
        (Some(_), _) => Err(Failure::Usage(
            "from one image to another goes by way of the host: copy there first".to_owned(),
        )),
        (None, _) => Err(Failure::Usage(
            "none of these is in an image; write IMAGE:/PATH for what is".to_owned(),
        )),
    }
}

/// Copies from an image to the host; `many` is how many are copied to the same place.
pub(crate) fn get(
    image: &Image,
    path: &[u8],
    to: &Path,
    many: usize,
    options: &Options,
    output: &mut Output,
) -> Result<()> {
    raise_limit();
    let trail = match image.find(path, false) {
        Ok(trail) => trail,
        Err(errno) => {
            output.problem(Failure::at(path, errno));
            return Ok(());
        }
    };
    if trail.node().is_dir() && !options.directories() {
        let message = Failure::at(path, Errno::EISDIR);
        return Err(Failure::Usage(format!("{message}; to copy it, say -r")));
    }
    let own = trail.parent().map(|(_, name)| name.to_vec());
    let (directory, name) = destination(to, own, trail.node().is_dir(), many)?;
    let progress = Progress::new("copied");
    let mut copying = Copying {
        keep: options.keep(),
        progress: &progress,
        output,
    };
    let node = trail.node().clone();
    let copied = to_host(&mut copying, node, path, directory, name.as_deref());
    progress.finish();
    copied
}

/// The directory of the host that a copy is made in, and its name there; without one what is in a directory is copied.
fn destination(
    to: &Path,
    own: Option<Vec<u8>>,
    is_directory: bool,
    many: usize,
) -> Result<(OwnedFd, Option<Vec<u8>>)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = |path: &Path| {
        rustix::fs::openat(CWD, path, flags, Mode::empty())
            .map_err(|errno| Failure::host(path, errno))
    };
    if to.is_dir() {
        return Ok((open(to)?, own));
    }
    if many > 1 {
        return Err(Failure::Usage(format!(
            "{} is no directory of the host; several files need one",
            to.display()
        )));
    }
    if own.is_none() && is_directory {
        // The root of an image has no name of its own.
        std::fs::create_dir(to).map_err(|error| Failure::host(to, error))?;
        return Ok((open(to)?, None));
    }
    let name = to
        .file_name()
        .ok_or_else(|| Failure::host(to, "it has no name"))?;
    let above = match to.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    Ok((open(above)?, Some(name.as_bytes().to_vec())))
}

/// Copies from the host to an image.
pub(crate) fn put(
    image: &Image,
    from: &[&Path],
    to: &[u8],
    options: &Options,
    output: &mut Output,
) -> Result<()> {
    image.check_writable()?;
    raise_limit();
    let there = image.find(to, true).ok();
    let there = there.filter(|trail| trail.node().is_dir());
    if there.is_none() && (from.len() > 1 || to.ends_with(b"/")) {
        return Err(Failure::at(to, Errno::ENOTDIR));
    }
    let progress = Progress::new("copied");
    for path in from {
        if path.is_dir() && !options.directories() {
            let message = Failure::host(path, "a directory");
            return Err(Failure::Usage(format!("{message}; to copy it, say -r")));
        }
        // A name of its own, even for `.` and `..`.
        let whole = std::path::absolute(path).map_err(|error| Failure::host(path, error))?;
        let whole = match path.file_name() {
            Some(_) => whole,
            None => path
                .canonicalize()
                .map_err(|error| Failure::host(path, error))?,
        };
        let (Some(above), Some(own)) = (whole.parent(), whole.file_name()) else {
            return Err(Failure::Usage(
                "the host's root is not copied as a whole".to_owned(),
            ));
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = rustix::fs::openat(CWD, above, flags, Mode::empty())
            .map_err(|errno| Failure::host(path, errno))?;
        let place;
        let (directory, name) = match &there {
            Some(trail) => (trail, own.as_bytes()),
            None => {
                place = image.find_new(to).map_err(|errno| Failure::at(to, errno))?;
                (&place.0, place.1)
            }
        };
        let mut copying = Copying {
            keep: options.keep(),
            progress: &progress,
            output: &mut *output,
        };
        let from = (open.as_fd(), own.as_bytes());
        let path = path.as_os_str().as_bytes();
        into_image(&mut copying, from, path, directory.node(), name)?;
    }
    progress.finish();
    Ok(())
}

/// Directories on the way down are open all at once.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With less, deep trees end with an error.
    let _ = setrlimit(Resource::Nofile, limit);
}
