//! What the files say: a name, and what makes the text.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;

use base::{Errno, Lwp};
use vfs::Vfs;

/// A file: its name, and what it says now.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) text: fn(&Lwp<'_>) -> Result<String, Errno>,
}

/// All files, in the order they are listed.
pub(crate) static FILES: [File; 6] = [
    File {
        name: "filesystems",
        text: |lwp| Ok(lines(lwp.state::<Vfs>()?.formats())),
    },
    File {
        name: "log",
        text: |lwp| Ok(lines(lwp.instance().log_lines())),
    },
    File {
        name: "memory",
        text: memory,
    },
    File {
        name: "mounts",
        text: mounts,
    },
    File {
        name: "name",
        text: |lwp| Ok(format!("{}\n", lwp.instance().name())),
    },
    File {
        name: "time",
        text: |_| {
            let wall = hypercall::clock::wall();
            let (seconds, rest) = (wall / 1_000_000_000, wall % 1_000_000_000);
            Ok(format!("{seconds}.{rest:09}\n"))
        },
    },
];

fn lines(all: impl IntoIterator<Item = impl ToString>) -> String {
    all.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(&line.to_string());
        text.push('\n');
        text
    })
}

/// Bytes of memory that are charged, and of those what files on disks have in pages.
fn memory(lwp: &Lwp<'_>) -> Result<String, Errno> {
    let used = lwp.instance().memory().used();
    let pages = lwp.state::<Vfs>()?.cached();
    Ok(format!("used {used}\npages {pages}\n"))
}

/// A mount a line: what from, which kind, how. Bytes that would break a line are in octal, as in Linux's `mounts`.
fn mounts(lwp: &Lwp<'_>) -> Result<String, Errno> {
    let mut text = String::new();
    for mount in lwp.state::<Vfs>()?.mounts() {
        let options = mount.options();
        if options.source.is_empty() {
            text.push_str("none");
        }
        for byte in &options.source {
            let written = match byte {
                b'!'..=b'~' if *byte != b'\\' => write!(text, "{}", *byte as char),
                _ => write!(text, "\\{byte:03o}"),
            };
            written.map_err(|_| Errno::ENOMEM)?;
        }
        let how = if mount.is_read_only() { "ro" } else { "rw" };
        writeln!(text, " {} {how}", options.format).map_err(|_| Errno::ENOMEM)?;
    }
    Ok(text)
}
