//! TCP between a kernel on a TAP and the host, each way, beside what two ends of the host's kernel get over a
//! veth pair: the same program, `stream.c`, everywhere.

use std::cell::LazyCell;
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
pub(crate) const SIZE: &str = "1024";
pub(crate) const PORT: &str = "5001";

/// The program for the host, and two ends of its kernel.
pub(crate) struct HostStreams {
    pub(crate) program: PathBuf,
    near: Namespace,
    far: Namespace,
}

/// The programs with a kernel, and the network they run in.
struct Bench {
    /// With `librump.a`, with `librump.so`.
    kernels: [PathBuf; 2],
    tap: Namespace,
    host: HostStreams,
}

/// Measures what is wanted, and adds it to the table. Needs root.
pub(crate) fn measure(
    configuration: &LazyCell<Configuration>,
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
            figures[0].push(bench.host.over_veth());
            for (kernel, figures) in bench.kernels.iter().zip(&mut figures[1..]) {
                figures.push(bench.over_tap(kernel, row.name == OUT.name));
            }
        }
        table.add(&row, &figures.map(Spread::of), None);
    }
}

impl HostStreams {
    pub(crate) fn new(folder: &Path) -> HostStreams {
        let source = ["bench/stream.c"];
        let program = compile(folder, "stream-host", &source, &[], Link::Host);
        let (near, far) = (Namespace::new(), Namespace::new());
        near.cable_to(&far);
        HostStreams { program, near, far }
    }

    /// MB/s between two ends of the host's kernel.
    pub(crate) fn over_veth(&self) -> f64 {
        let (near, far) = (&self.near, &self.far);
        let [sink, source] = [far, near].map(|end| end.command(&self.program));
        stream(sink, source, "10.78.0.2")
    }
}

impl Bench {
    fn new(configuration: &Configuration, folder: &Path) -> Bench {
        let links = [
            ("stream-static", Link::Static(configuration)),
            ("stream-shared", Link::Shared(configuration)),
        ];
        Bench {
            kernels: links
                .map(|(name, link)| compile(folder, name, &["bench/stream.c"], &[], link)),
            tap: Namespace::new(),
            host: HostStreams::new(folder),
        }
    }

    /// Out of a kernel to the host, or in from there.
    fn over_tap(&self, kernel: &Path, out: bool) -> f64 {
        let host = self.tap.command(&self.host.program);
        let kernel = self.tap.kernel(kernel);
        match out {
            true => stream(host, kernel, "10.77.0.1"),
            false => stream(kernel, host, "10.77.0.2"),
        }
    }
}

/// MB/s from one program to the other.
pub(crate) fn stream(mut sink: Command, mut source: Command, address: &str) -> f64 {
    let sink = Child::start(sink.args(["sink", address, PORT]));
    sink.expect("listening");
    let said = output(source.args(["source", address, PORT, SIZE]));
    let (good, text) = sink.finish();
    assert!(good, "{text}");
    said.trim()
        .parse()
        .unwrap_or_else(|error| panic!("{said}: {error}"))
}
