//! Files in memory, and on an image of ext4, beside the host's tmpfs and its loop mount of the same image: the same
//! program, `files.c`, everywhere, on one processor.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::{Configuration, Link, compile, need, output};

use crate::Row;
use crate::table::{Spread, Table};

const fn row(name: &'static str, unit: &'static str, what: &'static str) -> Row {
    Row {
        name,
        unit,
        what,
        more_is_better: matches!(unit.as_bytes(), b"MB/s"),
        one_processor: true,
    }
}

const IN_MEMORY: [Row; 5] = [
    row("tmpfs-create", "us", "create"),
    row("tmpfs-write", "MB/s", "write"),
    row("tmpfs-read", "MB/s", "read"),
    row("pread-4k", "ns", "pread"),
    row("stat", "ns", "stat"),
];

const ON_EXT4: [Row; 4] = [
    row("ext4-write", "MB/s", "store"),
    row("ext4-read", "MB/s", "fetch"),
    row("ext4-small", "us", "small"),
    row("ext4-pread-4k", "ns", "pread"),
];

/// Where the host has files in memory, and images.
const MEMORY: &str = "/dev/shm";

/// Measures what is wanted, and adds it to the table. The host's ext4 needs root, and loop devices.
pub(crate) fn measure(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    table: &mut Table,
) {
    let wanted = |rows: &[Row]| rows.iter().any(|row| is_wanted(row.name));
    if !wanted(&IN_MEMORY) && !wanted(&ON_EXT4) {
        return;
    }
    let kernel = Configuration::files();
    let compiled = |name, link| compile(folder, name, &["bench/files.c"], &[], link);
    let host = compiled("files-host", Link::Host);
    let kernels = [
        compiled("files-static", Link::Static(&kernel)),
        compiled("files-shared", Link::Shared(&kernel)),
    ];
    let mut compare = |row: &Row,
                       on_host: &mut dyn FnMut(&mut Command) -> f64,
                       on_ours: &mut dyn FnMut(&mut Command) -> f64| {
        eprintln!("{}: {rounds} rounds", row.name);
        let mut figures = [const { Vec::new() }; 3];
        let program = |path: &Path| {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(path).arg(row.what);
            command
        };
        for _ in 0..rounds {
            figures[0].push(on_host(&mut program(&host)));
            for (kernel, figures) in kernels.iter().zip(&mut figures[1..]) {
                figures.push(on_ours(&mut program(kernel)));
            }
        }
        table.add(row, &figures.map(Spread::of), None);
    };
    let memory = tempfile::tempdir_in(MEMORY).expect("a folder in memory");
    for row in IN_MEMORY.iter().filter(|row| is_wanted(row.name)) {
        compare(
            row,
            &mut |command| figure(command.arg(memory.path())),
            &mut |command| figure(command.arg("/")),
        );
    }
    if !wanted(&ON_EXT4) || !need("ext4-write, …", &["mke2fs", "mount", "umount"]) {
        return;
    }
    let image = Image::new(memory.path());
    for row in ON_EXT4.iter().filter(|row| is_wanted(row.name)) {
        compare(row, &mut |command| image.on_host(command), &mut |command| {
            image.on_ours(command)
        });
    }
}

fn figure(command: &mut Command) -> f64 {
    let said = output(command);
    said.trim()
        .parse()
        .unwrap_or_else(|error| panic!("{command:?} said {said}: {error}"))
}

/// An image of ext4 in memory, with a file in it that can be read.
struct Image<'a>(&'a Path);

impl Image<'_> {
    fn new(folder: &Path) -> Image<'_> {
        let image = Image(folder);
        let file = fs::File::create(image.path()).expect("an image");
        file.set_len(2 << 30).expect("room for an image");
        output(
            Command::new("mke2fs")
                .args(["-q", "-t", "ext4"])
                .arg(image.path()),
        );
        fs::create_dir(image.directory()).expect("a directory to mount on");
        image.mounted(|directory| {
            let stored = fs::File::create(directory.join("stored")).expect("a file");
            let piece = vec![1; 1 << 20];
            for _ in 0..512 {
                std::io::Write::write_all(&mut &stored, &piece).expect("room in the image");
            }
        });
        image
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.join("image")
    }

    fn directory(&self) -> std::path::PathBuf {
        self.0.join("mounted")
    }

    /// Runs `f` while the host has it mounted.
    fn mounted<R>(&self, f: impl FnOnce(&Path) -> R) -> R {
        let directory = self.directory();
        output(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(self.path())
                .arg(&directory),
        );
        let result = f(&directory);
        output(Command::new("umount").arg(&directory));
        result
    }

    fn on_host(&self, command: &mut Command) -> f64 {
        self.mounted(|directory| figure(command.arg(directory)))
    }

    fn on_ours(&self, command: &mut Command) -> f64 {
        command.env("RUMP_DISK", self.path());
        command.env("RUMP_MOUNT", "/m=ext4:disk0");
        figure(command.arg("/m"))
    }
}
