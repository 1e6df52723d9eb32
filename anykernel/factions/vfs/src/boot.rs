//! The faction at boot: the root, and what is mounted in it.

use alloc::string::String;
use alloc::sync::Arc;

use base::{Boot, Errno, Failure, Level, Lwp, write_log};

use crate::lookup::Walk;
use crate::{MountArguments, Vfs, Vnode};

/// What is to be mounted once all kinds of file systems are known.
struct Wanted {
    root: String,
    mounts: String,
}

pub(crate) fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let cache = boot.number("page-cache");
    let vfs = Arc::new(Vfs::new(boot.instance(), cache));
    boot.publish(vfs);
    boot.publish(Arc::new(Wanted {
        root: String::from(boot.text("root")),
        mounts: String::from(boot.text("mount")),
    }));
    Ok(())
}

pub(crate) fn ready(lwp: &Lwp<'_>) {
    let (Ok(vfs), Ok(wanted)) = (lwp.state::<Vfs>(), lwp.state::<Wanted>()) else {
        return;
    };
    let report = |what: &str, failure: Failure| {
        let line = format_args!("vfs: {what} is not mounted: {failure}");
        write_log(lwp.instance(), Level::Error, line);
    };
    if let Err(failure) = mount(lwp, &vfs, None, &wanted.root) {
        report(&wanted.root, failure);
        return;
    }
    for one in wanted.mounts.split(';').filter(|one| !one.is_empty()) {
        let mounted = match one.split_once('=') {
            Some((path, what)) => directory(lwp, path)
                .map_err(Failure::from)
                .and_then(|on| mount(lwp, &vfs, Some(on), what)),
            None => Err(Failure::new(
                Errno::EINVAL,
                "it has no directory: write /DIRECTORY=KIND:SOURCE",
            )),
        };
        if let Err(failure) = mounted {
            report(one, failure);
        }
    }
}

/// The directory of a path from the root, made if it is not there.
pub(crate) fn directory(lwp: &Lwp<'_>, path: &str) -> Result<Arc<Vnode>, Errno> {
    match crate::syscalls::mkdir(lwp, path.into(), 0o755) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    Walk::new(lwp)?.find(None, path.as_bytes(), true)
}

/// Mounts what a parameter says: `KIND`, `KIND:SOURCE` or `KIND:SOURCE:OPTIONS`, where `auto` is the kind that
/// recognises the source and `ro` among the options is for reading only.
fn mount(lwp: &Lwp<'_>, vfs: &Vfs, on: Option<Arc<Vnode>>, what: &str) -> Result<(), Failure> {
    let mut parts = what.splitn(3, ':');
    let format = parts.next().filter(|format| *format != "auto");
    let source = parts.next().unwrap_or("");
    let options = parts.next().unwrap_or("");
    let read_only = options.split(',').any(|option| option == "ro");
    let own = options
        .split(',')
        .filter(|option| !matches!(*option, "ro" | "rw"));
    let own: alloc::vec::Vec<&str> = own.collect();
    let arguments = MountArguments {
        source: source.as_bytes(),
        read_only,
        options: &own.join(","),
    };
    vfs.mount(lwp, on, format, &arguments)?;
    Ok(())
}

pub(crate) fn stop(lwp: &Lwp<'_>) {
    if let Ok(vfs) = lwp.state::<Vfs>() {
        vfs.stop(lwp);
    }
}
