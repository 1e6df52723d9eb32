//! What a network does to a kernel that is on it: floods, scans, captures that others read.

use std::time::Duration;

use tests::{Configuration, Link, compile, need, output, within};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Spoofed SYNs of the flood.
const SYNS: u32 = 100_000;

#[test]
fn a_flood_of_syns_leaves_a_stream_its_pace() {
    let name = "a_flood_of_syns_leaves_a_stream_its_pace";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = Configuration::net_sockets();
    let link = Link::Static(&configuration);
    let flood = compile(folder.path(), "flood", &["programs/flood.c"], &[], link);
    let said = output(within(LIMIT, flood).arg(SYNS.to_string()));
    println!("MB/s alone, MB/s meanwhile, kB grown, ms: {said}");
    let numbers: Vec<u64> = said
        .split_whitespace()
        .map(|it| it.parse().unwrap())
        .collect();
    let [alone, meanwhile, grown, _] = numbers[..] else {
        panic!("{said}");
    };
    assert!(meanwhile * 2 >= alone, "{said}");
    assert!(grown < 64 * 1024, "{said}");
}
