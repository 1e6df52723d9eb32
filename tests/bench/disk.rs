//! A disk that is a file of the host's which it has not cached, beside that file: `disk.c`, with `io_uring` and without.

use std::path::Path;
use std::process::Command;

use tests::{Configuration, Link, compile, output, repository};

use crate::Row;
use crate::table::{Spread, Table};

const fn row(name: &'static str, what: &'static str) -> Row {
    Row {
        name,
        unit: "us",
        what,
        more_is_better: false,
        one_processor: false,
    }
}

/// Rows, and whether the programs may have rings.
const ROWS: [(Row, bool); 5] = [
    (row("disk-read-1", "read-1"), true),
    (row("disk-read-1-no-ring", "read-1"), false),
    (row("disk-read-16", "read-16"), true),
    (row("disk-read-16-no-ring", "read-16"), false),
    (row("disk-flush", "flush"), true),
];

/// Bytes of the image: no two reads in a thousand meet.
const SIZE: u64 = 512 << 20;

/// Measures what is wanted, and adds it to the table.
pub(crate) fn measure(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    table: &mut Table,
) {
    let mut wanted = ROWS
        .iter()
        .filter(|(row, _)| is_wanted(row.name))
        .peekable();
    if wanted.peek().is_none() {
        return;
    }
    let kernel = Configuration::disk();
    let compiled = |name, link| compile(folder, name, &["bench/disk.c"], &[], link);
    let programs = [
        compiled("disk-host", Link::Host),
        compiled("disk-static", Link::Static(&kernel)),
        compiled("disk-shared", Link::Shared(&kernel)),
    ];
    // Beside the build's output, since files in `/tmp` may be memory.
    let images = tempfile::tempdir_in(repository().join("target")).expect("a folder");
    let image = images.path().join("image");
    write_image(&image);
    for (row, has_ring) in wanted {
        eprintln!("{}: {rounds} rounds", row.name);
        let mut figures = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            for (program, figures) in programs.iter().zip(&mut figures) {
                let mut command = Command::new(program);
                command.arg(row.what).arg(&image).env("RUMP_DISK", &image);
                if !has_ring {
                    command.env("RUMP_BENCH_NO_RING", "1");
                }
                let said = output(&mut command);
                figures.push(said.trim().parse().expect("a figure"));
            }
        }
        table.add(row, &figures.map(Spread::of), None);
    }
}

fn write_image(path: &Path) {
    let file = std::fs::File::create(path).expect("an image");
    let piece: Vec<u8> = (0..1 << 20).map(|at| (at / 7) as u8).collect();
    for _ in 0..SIZE >> 20 {
        std::io::Write::write_all(&mut &file, &piece).expect("room for an image");
    }
}
