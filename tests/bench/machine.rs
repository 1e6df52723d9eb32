//! Images on an emulated machine: how soon the server says that it listens, and the first answer to a ping comes,
//! beside a kernel that is empty; TCP to and from the host, beside two ends of the host's kernel; and what starting costs, in
//! instructions of the guest.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    Board, Child, Configuration, Link, Machine, Namespace, QEMU, compile, need_network, output,
};

use crate::table::Spread;
use crate::tap::{HostStreams, PORT, SIZE};

const GUEST: &str = "10.77.0.2";
const HOST: &str = "10.77.0.1";
/// QEMU's first card has this address unless it is told another one.
const CARD: &str = "52:54:00:12:34:56";
/// What a line may take.
const LIMIT: Duration = Duration::from_secs(60);

const FIRST_LINE: &str = "machine-first-line";
const FIRST_PING: &str = "machine-first-ping";
const OUT: &str = "machine-out";
const IN: &str = "machine-in";
const CHART: &str = "machine-chart";
const SIZE_OF_IMAGE: &str = "machine-size";

/// Measures what is wanted, prints it and adds it to the figures. Needs root.
pub(crate) fn measure(
    folder: &Path,
    is_wanted: &dyn Fn(&str) -> bool,
    rounds: usize,
    figures: &mut Value,
) {
    let rows =
        [FIRST_LINE, FIRST_PING, OUT, IN, CHART, SIZE_OF_IMAGE].map(|name| (name, is_wanted(name)));
    let wanted: Vec<_> = rows.iter().filter(|row| row.1).map(|row| row.0).collect();
    if wanted.is_empty() || !need_network(&wanted.join(", "), &[QEMU]) {
        return;
    }
    let bench = Bench::new(folder);
    for name in wanted {
        eprintln!("{name}");
        match name {
            FIRST_LINE | FIRST_PING => {
                let spans = (0..rounds).map(|_| {
                    let empty = bench.first_line(&bench.empty);
                    let ours = match name {
                        FIRST_LINE => bench.first_line(&bench.httpd),
                        _ => bench.first_ping(),
                    };
                    [empty, ours, ours - empty]
                });
                let spans: Vec<_> = spans.collect();
                let [empty, ours, beside] =
                    [0, 1, 2].map(|which| Spread::of(spans.iter().map(|it| it[which]).collect()));
                println!(
                    "{name}: {beside} ms after an empty kernel's line ({ours} and {empty} ms)"
                );
                figures[name] = json!({ "ms": ours.json(), "empty-ms": empty.json(), "beside-ms": beside.json() });
            }
            OUT | IN => {
                let (mut host, mut ours) = (Vec::new(), Vec::new());
                for _ in 0..rounds {
                    host.push(bench.host.over_veth());
                    ours.push(bench.stream(name == OUT));
                }
                let [host, ours] = [host, ours].map(Spread::of);
                println!("{name}: {ours} MB/s, and {host} between two ends of the host's kernel");
                figures[name] = json!({ "mb/s": ours.json(), "host-mb/s": host.json() });
            }
            SIZE_OF_IMAGE => {
                let size = std::fs::metadata(&bench.httpd).expect("it was built").len();
                println!("{name}: {size} bytes for an image with net, sockets and httpd");
                figures[name] = json!(size);
            }
            _ => {
                for board in [Board::Microvm, Board::Q35] {
                    let chart = bench.chart(board);
                    println!("{name}, {board:?}, in instructions of the guest:\n{chart}");
                    figures[name][format!("{board:?}").to_lowercase()] = json!(chart);
                }
            }
        }
    }
}

/// The programs, images and networks.
struct Bench {
    empty: PathBuf,
    httpd: PathBuf,
    stream: PathBuf,
    ping: PathBuf,
    host: HostStreams,
    tap: Namespace,
}

impl Bench {
    fn new(folder: &Path) -> Bench {
        let image = |name: &str, app: &str| {
            let arguments = [
                "--components",
                "net,sockets",
                "--platform",
                "pvh",
                "--app",
                app,
            ];
            Configuration::build(name, &arguments)
        };
        let flags = [
            "-nostdlib",
            "-static",
            "-no-pie",
            "-Wl,--build-id=none",
            "-Wl,-Ttext=0x100000",
        ];
        let tap = Namespace::new();
        // Nobody shall wait for the second question for an address.
        tap.run(&format!(
            "ip neigh replace {GUEST} lladdr {CARD} dev rump0 nud permanent"
        ));
        Bench {
            empty: compile(folder, "empty", &["bench/empty.S"], &flags, Link::Host),
            httpd: image("httpd", "examples/httpd").app("httpd.elf"),
            stream: image("stream", "tests/apps/stream").app("stream.elf"),
            ping: compile(folder, "ping", &["bench/ping.c"], &[], Link::Host),
            host: HostStreams::new(folder),
            tap,
        }
    }

    /// Milliseconds from the emulator's start to the end of the first line on the serial port. The server's says that
    /// it listens: everything is up.
    fn first_line(&self, image: &Path) -> f64 {
        let machine = Machine::new(Board::Microvm, image, &format!("ip={GUEST}/24"));
        let begin = Instant::now();
        machine.start().line(LIMIT);
        milliseconds(begin.elapsed())
    }

    /// Milliseconds from the emulator's start to the first answer to a ping.
    fn first_ping(&self) -> f64 {
        let ping = Child::start(self.tap.command(&self.ping).arg(GUEST));
        let line = format!("ip={GUEST}/24");
        let mut machine = Machine::on_tap(Board::Microvm, &self.httpd, &line, &self.tap);
        machine.virtio("net", ",netdev=net");
        let begin = Instant::now();
        let _machine = machine.start();
        ping.expect("answered");
        milliseconds(begin.elapsed())
    }

    /// MB/s out of a machine to the host, or in from there.
    fn stream(&self, out: bool) -> f64 {
        let arguments = match out {
            true => format!("source {HOST} {PORT} {SIZE}"),
            false => format!("sink {GUEST} {PORT}"),
        };
        let line = format!("ip={GUEST}/24 -- {arguments}");
        let mut machine = Machine::on_tap(Board::Microvm, &self.stream, &line, &self.tap);
        machine.virtio("net", ",netdev=net");
        let host = || self.tap.command(&self.host.program);
        let said = if out {
            let sink = Child::start(host().args(["sink", HOST, PORT]));
            sink.expect("listening");
            let machine = machine.start();
            let said = machine.expect("MB/s");
            let (good, text) = sink.finish();
            assert!(good, "{text}");
            said
        } else {
            let machine = machine.start();
            machine.expect("listening");
            output(host().args(["source", GUEST, PORT, SIZE]))
        };
        let figure = said
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok());
        figure.unwrap_or_else(|| panic!("{said}"))
    }

    /// What each stage of the start takes, where time passes by instructions.
    fn chart(&self, board: Board) -> String {
        let line = format!("boot-chart=true ip={GUEST}/24");
        let mut machine = Machine::on_tap(board, &self.httpd, &line, &self.tap);
        machine.virtio("net", ",netdev=net");
        machine.add(&["-icount", "shift=0"]);
        let machine = machine.start();
        let mut chart = Vec::new();
        loop {
            let line = machine.line(LIMIT);
            if line.contains("listening") {
                return chart.join("\n");
            }
            chart.push(line);
        }
    }
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
