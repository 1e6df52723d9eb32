//! TCP between a kernel on a TAP and the host, each way, beside what two ends of the host's kernel get over a
//! veth pair: the same program, `stream.c`, everywhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{Child, Configuration, Link, Namespace, compile, need_network, output};

use crate::Row;
use crate::table::{Spread, Table};

const OUT: Row = Row {
    name: "tap-out",
    unit: "MB/s",
    what: "a kernel's stream to the host",
    more_is_better: true,
    one_processor: false,
};
const IN: Row = Row {
    name: "tap-in",
    what: "the host's stream to a kernel",
    ..OUT
};

/// What a stream carries, in MiB.
const SIZE: &str = "1024";
const PORT: &str = "5001";

/// The programs and the networks they run in.
struct Bench {
    /// For the host, with `librump.a`, with `librump.so`.
    programs: [PathBuf; 3],
    tap: Namespace,
    near: Namespace,
    far: Namespace,
}

/// Measures what is wanted, and adds it to the table. Needs root.
pub(crate) fn measure(
    configuration: &Configuration,
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    table: &mut Table,
) {
    let rows = [OUT, IN].into_iter().filter(|row| is_wanted(row.name));
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() || !need_network("tap-out, tap-in", &[]) {
        return;
    }
    let bench = Bench::new(configuration, folder);
    for row in rows {
        eprintln!("{}: {rounds} rounds", row.name);
        let mut figures = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            figures[0].push(bench.over_veth());
            for kernel in [1, 2] {
                figures[kernel].push(bench.over_tap(kernel, row.name == OUT.name));
            }
        }
        table.add(&row, &figures.map(Spread::of));
    }
}

impl Bench {
    fn new(configuration: &Configuration, folder: &Path) -> Bench {
        let links = [
            ("stream-host", Link::Host),
            ("stream-static", Link::Static(configuration)),
            ("stream-shared", Link::Shared(configuration)),
        ];
        let programs =
            links.map(|(name, link)| compile(folder, name, &["bench/stream.c"], &[], link));
        let (near, far) = (Namespace::new(), Namespace::new());
        near.cable_to(&far);
        Bench {
            programs,
            tap: Namespace::new(),
            near,
            far,
        }
    }

    /// Between two ends of the host's kernel.
    fn over_veth(&self) -> f64 {
        let host = &self.programs[0];
        stream(self.far.command(host), self.near.command(host), "10.78.0.2")
    }

    /// Out of a kernel to the host, or in from there.
    fn over_tap(&self, kernel: usize, out: bool) -> f64 {
        let host = self.tap.command(&self.programs[0]);
        let kernel = self.tap.kernel(&self.programs[kernel]);
        match out {
            true => stream(host, kernel, "10.77.0.1"),
            false => stream(kernel, host, "10.77.0.2"),
        }
    }
}

/// MB/s from one program to the other.
fn stream(mut sink: Command, mut source: Command, address: &str) -> f64 {
    let sink = Child::start(sink.args(["sink", address, PORT]));
    sink.expect("listening");
    let said = output(source.args(["source", address, PORT, SIZE]));
    let (good, text) = sink.finish();
    assert!(good, "{text}");
    said.trim()
        .parse()
        .unwrap_or_else(|error| panic!("{said}: {error}"))
}
