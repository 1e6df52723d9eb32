//! Images: a file or device of the host, attached as a disk, and the file system on it or on one of its partitions.

pub(crate) mod partitions;
mod path;

use std::path::Path;

use clap::Args;
use rump::block::Block;
use rump::fs::{self, MountOptions, Node};
use rump::{Errno, Kernel, Level};

use crate::failure::{Failure, Result};
use crate::interrupt::Writing;
use crate::place::Place;
use crate::shown::shown;

pub(crate) use path::Trail;

/// Which image, and how it is opened.
#[derive(Args, Clone, Debug)]
pub(crate) struct Which {
    /// The image or device: IMAGE, IMAGE:PARTITION, IMAGE:/PATH or IMAGE:PARTITION:/PATH
    #[arg(value_name = "IMAGE")]
    pub(crate) image: std::ffi::OsString,
    #[command(flatten)]
    pub(crate) how: How,
}

/// How an image is opened.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct How {
    /// Take it for a file system of this kind, instead of having a look
    #[arg(short = 't', long, value_name = "KIND")]
    pub(crate) format: Option<String>,
    /// Open it for writing, too; otherwise nothing of it is changed, not even by a journal
    #[arg(short = 'w', long = "write")]
    pub(crate) write: bool,
}

/// A file system that is open.
pub(crate) struct Image {
    kernel: Kernel,
    block: Block,
    /// What people call it: the image and the partition.
    name: String,
    /// Where it is mounted.
    mounted: String,
    kind: &'static str,
    write: bool,
    /// Where relative paths begin.
    here: Trail,
    /// If it may be changed: until it is closed.
    _writing: Option<Writing>,
}

impl Image {
    /// Opens one, has `f` do something with it, and closes it, whereby everything is written. All nodes of it are gone
    /// by the end of `f`.
    pub(crate) fn with<R>(
        kernel: &Kernel,
        which: &Which,
        f: impl FnOnce(&mut Image, Option<Vec<u8>>) -> Result<R>,
    ) -> Result<R> {
        let place = Place::parse(&which.image);
        let mut image = Image::open(kernel, &place, &which.how)?;
        let result = f(&mut image, place.path);
        let closed = image.close();
        // What went wrong first is the reason.
        result.and_then(|result| closed.map(|()| result))
    }

    /// Opens what a place names.
    pub(crate) fn open(kernel: &Kernel, place: &Place, how: &How) -> Result<Image> {
        let writing = how.write.then(Writing::begin);
        let block = attach(kernel, &place.image, how.write)?;
        match Image::mount(kernel, &block, place, how) {
            Ok((unit, name)) => Image::mounted(kernel, block, &unit, name, how, writing),
            Err(failure) => {
                // Nothing was changed.
                let _ = block.detach();
                Err(failure)
            }
        }
    }

    /// The unit that the file system is on, and what people call it.
    fn mount(kernel: &Kernel, block: &Block, place: &Place, how: &How) -> Result<(String, String)> {
        if let Some(kind) = &how.format {
            check_kind(kernel, kind)?;
        }
        partitions::choose(kernel, block, place, how.format.as_deref())
    }

    fn mounted(
        kernel: &Kernel,
        block: Block,
        unit: &str,
        name: String,
        how: &How,
        writing: Option<Writing>,
    ) -> Result<Image> {
        let mounted = format!("/{}", block.name());
        let failed = |errno: Errno| Failure::Problem(format!("{name}: {errno}"));
        fs::create_dir(kernel, &mounted).map_err(failed)?;
        let options = MountOptions::new().read_only(!how.write);
        if how.format.is_none() && !matches!(fs::recognise(kernel, unit), Ok(Some(_))) {
            let _ = block.detach();
            return Err(Failure::Problem(format!(
                "{name} holds no file system that is known here; there are: {}",
                kinds(kernel).join(", ")
            )));
        }
        let result = fs::mount(kernel, unit, &mounted, how.format.as_deref(), options);
        if let Err(errno) = result {
            let _ = block.detach();
            let said = complaints(kernel);
            return Err(Failure::Problem(why_not(
                "mount", &name, unit, errno, &said,
            )));
        }
        let mounts = fs::mounts(kernel).map_err(failed)?;
        let (kind, read_only) = match mounts.last() {
            Some(mount) => (mount.format, mount.read_only),
            None => return Err(failed(Errno::ENXIO)),
        };
        let root = Node::open(kernel, format!("{mounted}/")).map_err(failed)?;
        let image = Image {
            kernel: kernel.clone(),
            block,
            name,
            mounted,
            kind,
            write: how.write,
            here: Trail::new(root),
            _writing: writing,
        };
        if how.write && read_only {
            let message = format!("{}: {kind} can only be read here; leave -w out", image.name);
            image.close()?;
            return Err(Failure::Usage(message));
        }
        Ok(image)
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What kind of file system it has.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// Its root directory.
    pub(crate) fn root(&self) -> &Node {
        self.here.root()
    }

    /// Whether it may be changed.
    pub(crate) fn is_writable(&self) -> bool {
        self.write
    }

    /// A failure unless it may be changed.
    pub(crate) fn check_writable(&self) -> Result<()> {
        match self.write {
            true => Ok(()),
            false => Err(Failure::Usage(format!(
                "{} is open for reading only; to change it, say -w",
                self.name
            ))),
        }
    }

    /// What drivers complained of since the kernel started.
    pub(crate) fn complaints(&self) -> Vec<String> {
        complaints(&self.kernel)
    }

    /// A failure if a path was given to what is about the whole of it.
    pub(crate) fn whole(&self, path: Option<Vec<u8>>) -> Result<()> {
        match path.as_deref() {
            None | Some(b"/") => Ok(()),
            Some(path) => Err(Failure::Usage(format!(
                "this is about all of {}; leave out :{}",
                self.name,
                shown(path)
            ))),
        }
    }

    /// Has everything survive a loss of power.
    pub(crate) fn sync(&self) -> Result<()> {
        let failed = |errno| Failure::Problem(format!("{}: {errno}", self.name));
        self.root().sync_all().map_err(failed)
    }

    /// Writes everything and gives the image back to the host.
    pub(crate) fn close(self) -> Result<()> {
        let Image {
            kernel,
            block,
            name,
            mounted,
            here,
            ..
        } = self;
        drop(here);
        let unmounted = fs::unmount(&kernel, &mounted);
        let detached = block.detach();
        unmounted.and(detached).map_err(|errno| {
            Failure::Problem(format!(
                "{name}: {errno} at the end; not all that was written may be there"
            ))
        })
    }
}

/// Attaches a file of the host as a disk.
pub(crate) fn attach(kernel: &Kernel, image: &Path, write: bool) -> Result<Block> {
    let Some(path) = image.to_str() else {
        return Err(Failure::Usage(format!(
            "{}: images have to have names in UTF-8",
            image.display()
        )));
    };
    Block::attach(kernel, path, !write).map_err(|errno| {
        let text = shown(path.as_bytes());
        match errno {
            Errno::ENOENT => Failure::Usage(format!("{text}: there is no such file")),
            Errno::EINVAL => Failure::Usage(format!(
                "{text}: it is no file and no block device, or holds less than a block"
            )),
            Errno::EBUSY => Failure::Problem(format!(
                "{text}: another program has it open, and one of the two writes"
            )),
            errno => Failure::Problem(format!("{text}: {errno}")),
        }
    })
}

/// A failure unless there are file systems of this kind.
pub(crate) fn check_kind(kernel: &Kernel, kind: &str) -> Result<()> {
    let kinds = kinds(kernel);
    match kinds.contains(&kind) {
        true => Ok(()),
        false => Err(Failure::Usage(format!(
            "there is no file system {kind} here; there are: {}",
            kinds.join(", ")
        ))),
    }
}

/// The kinds of file systems that images may have.
pub(crate) fn kinds(kernel: &Kernel) -> Vec<&'static str> {
    let mut kinds = fs::formats(kernel).unwrap_or_default();
    // Those that are mounted before any image are the kernel's own.
    let own = fs::mounts(kernel).unwrap_or_default();
    kinds.retain(|kind| own.iter().all(|mount| mount.format != *kind));
    kinds.sort_unstable();
    kinds
}

/// Warnings and errors in the log, without the ends of lines.
pub(crate) fn complaints(kernel: &Kernel) -> Vec<String> {
    let lines = kernel.log_lines_of(Level::Warning).into_iter();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Why something could not be done, such as `mount`: what the file system said, in terms of the image.
pub(crate) fn why_not(done: &str, name: &str, unit: &str, errno: Errno, said: &[String]) -> String {
    let done = format!("{done}: ");
    let mut reasons = said.iter().filter_map(|line| line.split_once(&done));
    match reasons.next_back() {
        Some((_, reason)) => format!("{name}: {}", reason.replace(unit, name)),
        None => format!("{name}: {errno}"),
    }
}
