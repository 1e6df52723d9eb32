//! Kernels come and go, and leave nothing behind.

use std::time::{Duration, Instant};

use tests::{Configuration, Link, compile, need, output, within};

/// Cycles after which nothing is allocated for the first time any more.
const WARM_UP: u64 = 500;
/// What the memory of a process may differ by from one look to the next, in bytes: the allocator keeps
/// what it was given back in more than one place.
const SLACK: u64 = 256 << 10;

/// All of them: ten seconds, half a minute on a busy machine.
const CYCLES: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn ten_thousand_kernels_come_and_go() {
    if !need(
        "ten_thousand_kernels_come_and_go",
        &["pkg-config", "timeout"],
    ) {
        return;
    }
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "cycles",
        &["programs/cycles.c"],
        &[],
        Link::Static(&configuration),
    );
    let begin = Instant::now();
    let said =
        output(within(LIMIT, &program).args([WARM_UP, CYCLES].map(|number| number.to_string())));
    println!("{CYCLES} cycles in {:.1} s", begin.elapsed().as_secs_f64());
    let looks: Vec<Vec<u64>> = said
        .lines()
        .map(|line| {
            line.split(' ')
                .map(|number| number.parse().unwrap())
                .collect()
        })
        .collect();
    for look in &looks {
        println!(
            "after {}: {} threads, {} descriptors, {} bytes",
            look[0], look[1], look[2], look[3]
        );
    }
    let [first, last] = &looks[..] else {
        panic!("{said}")
    };
    assert_eq!(
        (first[1], first[2]),
        (last[1], last[2]),
        "threads and descriptors"
    );
    assert_eq!(last[1], 1, "only the program's own thread is left");
    assert!(
        last[3] <= first[3] + SLACK,
        "memory grew from {} to {} bytes",
        first[3],
        last[3]
    );
}
