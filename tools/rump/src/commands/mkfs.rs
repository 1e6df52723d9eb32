//! `mkfs`: no driver here makes file systems. It says who does.

use clap::Args;
use rump::Kernel;

use crate::failure::{Failure, Result};
use crate::image::kinds;

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The file
    #[arg(value_name = "IMAGE")]
    image: std::path::PathBuf,
    /// The kind of file system
    #[arg(short = 't', long = "format", value_name = "KIND")]
    kind: String,
}

/// Says what to do instead.
pub(crate) fn run(kernel: &Kernel, asked: &Options) -> Result<()> {
    let kind = &asked.kind;
    let kinds = kinds(kernel);
    if !kinds.contains(&kind.as_str()) {
        let kinds = kinds.join(", ");
        let message = format!("there is no file system {kind} here; there are: {kinds}");
        return Err(Failure::Usage(message));
    }
    Err(Failure::Problem(format!(
        "{}: the driver of {kind} makes no new file systems; a program of the host does, such as mke2fs (e2fsprogs), \
         mkfs.fat (dosfstools), mksquashfs (squashfs-tools) or genisoimage",
        asked.image.display()
    )))
}
