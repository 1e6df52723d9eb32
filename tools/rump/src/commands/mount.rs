//! `mount`: the files of an image in a directory of the host.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;

use fuser::{Config, MountOption, Session, SessionACL, SessionUnmounter};
use rump::Kernel;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::Mount;
use crate::failure::{Failure, Result};
use crate::fuse::Server;
use crate::image::Image;
use crate::shown::shown;

pub(crate) fn run(kernel: &Kernel, asked: &Mount) -> Result<()> {
    Image::with(kernel, &asked.which, |image, path| {
        image.whole(path)?;
        serve(image, asked)
    })
}

fn serve(image: &Image, asked: &Mount) -> Result<()> {
    let directory = &asked.directory;
    let failed = |error: std::io::Error| {
        let way_out = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "; without root it takes fusermount3 (package fuse3)"
            }
            std::io::ErrorKind::NotFound => {
                "; it takes /dev/fuse, and without root fusermount3 (package fuse3)"
            }
            _ => "",
        };
        Failure::host(directory, format!("{error}{way_out}"))
    };
    if !directory.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is no directory of the host to mount on",
            directory.display()
        )));
    }
    let is_root = rustix::process::geteuid().is_root();
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName(image.name().to_owned()),
        MountOption::Subtype(format!("rump-{}", image.kind())),
        // An image lends nobody rights on the host.
        MountOption::NoSuid,
        MountOption::NoDev,
    ];
    if !image.is_writable() {
        config.mount_options.push(MountOption::RO);
    }
    if is_root {
        // Others may come in, as far as modes say. Without root all is the mounter's, who has the image anyway.
        config.mount_options.push(MountOption::DefaultPermissions);
        config.acl = SessionACL::All;
    }
    config.n_threads =
        Some(thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8)));
    config.clone_fd = true;
    let server = Server::new(image.root().clone());
    let mut session = Session::new(server, directory, &config).map_err(failed)?;
    // Without asking the file system, which nobody serves yet.
    let known = statx(
        CWD,
        directory,
        AtFlags::STATX_DONT_SYNC,
        StatxFlags::empty(),
    );
    let number = known.map_err(|errno| failed(errno.into()))?.stx_dev_minor;
    let mut unmounter = session.unmount_callable();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let handle = signals.handle();
    let name = image.name().to_owned();
    eprintln!(
        "rump: {} ({}) is at {}; Ctrl-C or umount ends it",
        name,
        image.kind(),
        shown(std::os::unix::ffi::OsStrExt::as_bytes(
            directory.as_os_str()
        ))
    );
    let ended = thread::scope(|scope| {
        scope.spawn(move || {
            for _ in signals.forever() {
                if let Err(error) = end(directory, number, &mut unmounter) {
                    eprintln!("rump: {name}: {error}; it is still mounted");
                }
            }
        });
        let ended = session.run();
        handle.close();
        ended
    });
    ended.map_err(failed)
}

/// Ends a mount, also one that is in use: whoever uses it has errors from now on. `number` is its connection's.
fn end(directory: &Path, number: u32, unmounter: &mut SessionUnmounter) -> io::Result<()> {
    match unmount(directory, UnmountFlags::empty()) {
        Ok(()) => return Ok(()),
        Err(Errno::BUSY) => {
            return Ok(unmount(
                directory,
                UnmountFlags::FORCE | UnmountFlags::DETACH,
            )?);
        }
        // Without root it is fusermount3's, which takes the directory away only.
        Err(_) => unmounter.unmount()?,
    }
    match fs::write(format!("/sys/fs/fuse/connections/{number}/abort"), "1") {
        // Nobody used it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        aborted => aborted,
    }
}
