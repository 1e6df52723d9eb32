//! `cargo xtask bench`: our figures, beside the host's kernel, in one run.
//!
//! The same C program is compiled against the host, `librump.a` and `librump.so`, and these take turns, so
//! that what the machine does besides befalls all of them. What runs on one processor is measured with one virtual
//! processor, too, where locks are plain cells (`sync=up`). Machines are noisy: read the ratios.
//! An argument is part of the names of rows to measure (all if there is none); `RUMP_BENCH_ROUNDS` says how many rounds.
//! With `--accept` first, the instructions that are counted become the baseline.

mod bus;
mod chart;
mod disk;
mod files;
mod instructions;
mod machine;
mod once;
mod table;
mod tap;
mod tool;

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use table::{Spread, Table};
use tests::{Configuration, Link, compile, output};

/// The fewest rounds a median is taken of.
const ROUNDS: usize = 10;

/// A row: its name, the unit, what the program is asked, whether more is better, and on how many
/// processors it runs: where the scheduler puts two threads changes both sides by a multiple.
struct Row {
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    more_is_better: bool,
    one_processor: bool,
}

const ROWS: [Row; 13] = [
    Row {
        name: "getpid",
        unit: "ns",
        what: "getpid",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "tcp",
        unit: "MB/s",
        what: "tcp",
        more_is_better: true,
        one_processor: false,
    },
    Row {
        name: "tcp-one-cpu",
        unit: "MB/s",
        what: "tcp",
        more_is_better: true,
        one_processor: true,
    },
    Row {
        name: "tcp-beside-10000-idle",
        unit: "% of alone",
        what: "idle",
        more_is_better: true,
        one_processor: false,
    },
    Row {
        name: "rr",
        unit: "us",
        what: "rr",
        more_is_better: false,
        one_processor: false,
    },
    Row {
        name: "rr-one-cpu",
        unit: "us",
        what: "rr",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "two-threads",
        unit: "% of one",
        what: "two",
        more_is_better: true,
        one_processor: false,
    },
    Row {
        name: "udp",
        unit: "ns",
        what: "udp",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "pair",
        unit: "ns",
        what: "pair",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "pair-rr",
        unit: "us",
        what: "pair-rr",
        more_is_better: false,
        one_processor: false,
    },
    Row {
        name: "pair-rr-one-cpu",
        unit: "us",
        what: "pair-rr",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "resident",
        unit: "kB",
        what: "resident",
        more_is_better: false,
        one_processor: true,
    },
    Row {
        name: "boot",
        unit: "us",
        what: "boot",
        more_is_better: false,
        one_processor: true,
    },
];

fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let accept = wanted.first().is_some_and(|first| first == "--accept");
    wanted.drain(..usize::from(accept));
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let rounds = std::env::var("RUMP_BENCH_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let rounds = rounds.unwrap_or(ROUNDS);
    let folder = tempfile::tempdir().expect("a folder for programs");
    let mut table = Table::new();
    calls(folder.path(), &is_wanted, rounds, &mut table);
    let configuration = LazyCell::new(Configuration::net_sockets as fn() -> Configuration);
    bus::measure(
        &configuration,
        folder.path(),
        &is_wanted,
        rounds,
        &mut table,
    );
    tap::measure(
        &configuration,
        folder.path(),
        &is_wanted,
        rounds,
        &mut table,
    );
    files::measure(folder.path(), &is_wanted, rounds, &mut table);
    disk::measure(folder.path(), &is_wanted, rounds, &mut table);
    println!("{table}");
    let mut figures = json!({ "rounds": rounds, "rows": table.json() });
    machine::measure(folder.path(), &is_wanted, rounds, &mut figures);
    tool::measure(folder.path(), &is_wanted, rounds, &mut figures);
    once::measure(&configuration, folder.path(), &is_wanted, &mut figures);
    if is_wanted("instructions") {
        instructions::measure(accept, &mut figures);
    }
    let write = |name: &str, text: String| {
        let path = tests::repository().join("target/rump").join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    };
    write("bench.json", format!("{figures:#}\n"));
    write("bench.svg", chart::draw(table.bars(), rounds));
    println!("\nAlso in target/rump/bench.json, and as a picture in target/rump/bench.svg.");
}

/// Measures those of the rows that are wanted, and adds them to the table.
fn calls(folder: &Path, is_wanted: &dyn Fn(&str) -> bool, rounds: usize, table: &mut Table) {
    let rows: Vec<_> = ROWS.iter().filter(|row| is_wanted(row.name)).collect();
    if rows.is_empty() {
        return;
    }
    let all = Configuration::net_sockets_local();
    let source = ["bench/bench.c"];
    let programs = [
        compile(folder, "host", &source, &[], Link::Host),
        compile(folder, "static", &source, &[], Link::Static(&all)),
        compile(folder, "shared", &source, &[], Link::Shared(&all)),
    ];
    let up = Configuration::net_sockets_local_up();
    let up = compile(folder, "up", &source, &[], Link::Static(&up));
    for row in rows {
        eprintln!("{}: {rounds} rounds", row.name);
        let up = row.one_processor.then_some(&up);
        let all: Vec<&Path> = programs.iter().chain(up).map(PathBuf::as_path).collect();
        let mut figures = measure(row, &all, rounds).into_iter();
        let usual = [(); 3].map(|()| figures.next().expect("three are always measured"));
        table.add(row, &usual, figures.next());
    }
}

/// Runs the programs in turn and gives the spread of each.
fn measure(row: &Row, programs: &[&Path], rounds: usize) -> Vec<Spread> {
    let mut figures = vec![Vec::new(); programs.len()];
    for _ in 0..rounds {
        for (program, figures) in programs.iter().zip(&mut figures) {
            figures.push(run(row, program));
        }
    }
    figures.into_iter().map(Spread::of).collect()
}

fn run(row: &Row, program: &Path) -> f64 {
    let mut command = if row.one_processor {
        let mut taskset = Command::new("taskset");
        taskset.args(["-c", "0"]).arg(program);
        taskset
    } else {
        Command::new(program)
    };
    let said = output(command.arg(row.what));
    said.trim()
        .parse()
        .unwrap_or_else(|error| panic!("{said}: {error}"))
}
