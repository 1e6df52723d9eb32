//! Streams over bad wires: every byte arrives, in both directions.

use std::time::Duration;

use tests::{Netem, QEMU, need, skip};

/// What is done to packets, in both directions, and what that is called in the documentation's table.
const WIRES: [(&str, &str); 6] = [
    ("nothing", ""),
    ("delay", "delay 50ms"),
    ("loss", "loss 5%"),
    ("reordering", "delay 10ms reorder 25% 50%"),
    ("duplicates", "duplicate 5%"),
    (
        "all of it",
        "delay 50ms reorder 25% 50% loss 5% duplicate 5%",
    ),
];

/// Boots, moves so many KiB over each of these wires there and back, and writes a table.
fn move_over(name: &str, wires: &[(&str, &str)], kib: u32, limit: Duration) {
    if !need(
        name,
        &[QEMU, "apt-get", "dpkg-deb", "tar", "bash", "pkg-config"],
    ) {
        return;
    }
    let Some(netem) = Netem::fetch() else {
        skip(
            name,
            "Debian's packages of Linux and iproute2, which could not be fetched",
        );
        return;
    };
    let conditions: Vec<&str> = wires.iter().map(|(_, wire)| *wire).collect();
    let took = netem.run(&conditions, kib, limit);
    println!("KiB/s, {kib} KiB each way   rump out   Linux out   rump in   Linux in");
    let mut failed = Vec::new();
    for ((wire, _), took) in wires.iter().zip(&took) {
        match took {
            [Ok(rump), Ok(linux)] => {
                let rates = [rump.0, linux.0, rump.1, linux.1].map(|it| f64::from(kib) / it);
                let [rump_out, linux_out, rump_in, linux_in] =
                    rates.map(|rate| format!("{rate:.0}"));
                println!("{wire:25} {rump_out:>8} {linux_out:>11} {rump_in:>9} {linux_in:>10}");
            }
            others => failed.push(format!("{wire}: {others:?}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_byte_gets_over_a_bad_wire() {
    let name = "every_byte_gets_over_a_bad_wire";
    move_over(name, &WIRES[5..], 128, Duration::from_secs(600));
}

#[test]
#[ignore = "takes minutes: the table in docs/testing.md"]
fn every_byte_gets_over_wires_bad_in_each_way() {
    let name = "every_byte_gets_over_wires_bad_in_each_way";
    move_over(name, &WIRES, 1024, Duration::from_secs(1800));
}
