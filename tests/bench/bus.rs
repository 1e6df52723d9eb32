//! TCP between two kernels in two processes, over a segment in shared memory, beside two processes on the host's
//! loopback: the same program, `stream.c`.

use std::cell::LazyCell;
use std::path::Path;
use std::process::Command;

use tests::{Configuration, Link, compile};

use crate::Row;
use crate::table::{Spread, Table};
use crate::tap::stream;

const ROW: Row = Row {
    name: "bus",
    unit: "MB/s",
    what: "a stream between two processes",
    more_is_better: true,
    one_processor: false,
};

/// Where files are in memory.
const MEMORY: &str = "/dev/shm";

/// Measures it, if it is wanted, and adds it to the table.
pub(crate) fn measure(
    configuration: &LazyCell<Configuration>,
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    table: &mut Table,
) {
    if !is_wanted(ROW.name) {
        return;
    }
    eprintln!("{}: {rounds} rounds", ROW.name);
    let links = [
        ("bus-host", Link::Host),
        ("bus-static", Link::Static(configuration)),
        ("bus-shared", Link::Shared(configuration)),
    ];
    let programs = links.map(|(name, link)| compile(folder, name, &["bench/stream.c"], &[], link));
    let mut figures = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        figures[0].push(over_loopback(&programs[0]));
        for (program, figures) in programs.iter().zip(&mut figures).skip(1) {
            figures.push(over_bus(program));
        }
    }
    table.add(&ROW, &figures.map(Spread::of), None);
}

fn over_loopback(program: &Path) -> f64 {
    stream(Command::new(program), Command::new(program), "127.0.0.1")
}

fn over_bus(program: &Path) -> f64 {
    let folder = tempfile::tempdir_in(MEMORY).expect("a folder in memory");
    let kernel = |number: u8| {
        let mut command = Command::new(program);
        command
            .env(
                "RUMP_VIRTIF",
                format!("bus:{}/segment", folder.path().display()),
            )
            .env("RUMP_IP", format!("10.64.0.{number}/24"));
        command
    };
    stream(kernel(1), kernel(2), "10.64.0.1")
}
