//! What a network does to a kernel that is on it: floods, crowds, scans, captures that others read.

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tests::{Child, Configuration, Link, Namespace, compile, need, need_network, output, within};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Held by whoever measures, and by those who would disturb it.
static MEASURED: Mutex<()> = Mutex::new(());

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
    // What else the machine does while one of the two is measured is none of the flood's doing.
    let _alone = MEASURED.lock().unwrap_or_else(|error| error.into_inner());
    let kept = (0..3).any(|_| {
        let said = output(within(LIMIT, &flood).arg(SYNS.to_string()));
        println!("MB/s alone, MB/s meanwhile, kB grown, ms: {said}");
        let numbers: Vec<u64> = said
            .split_whitespace()
            .map(|it| it.parse().unwrap())
            .collect();
        let [alone, meanwhile, grown, _] = numbers[..] else {
            panic!("{said}");
        };
        assert!(grown < 64 * 1024, "{said}");
        meanwhile * 2 >= alone
    });
    assert!(kept, "a stream lost more than half of its pace three times");
}

#[test]
fn a_hundred_thousand_idle_connections_take_less_than_a_gibibyte() {
    let name = "a_hundred_thousand_idle_connections_take_less_than_a_gibibyte";
    if !need(name, &["pkg-config", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = Configuration::net_sockets();
    let link = Link::Static(&configuration);
    let crowd = compile(folder.path(), "crowd", &["programs/crowd.c"], &[], link);
    let _alone = MEASURED.lock().unwrap_or_else(|error| error.into_inner());
    // Both ends are in the kernel, and each is a connection of its own.
    let said = output(within(LIMIT, crowd).arg("50000"));
    println!("100,000 connections: {} kB", said.trim());
    assert!(said.trim().parse::<u64>().unwrap() < 1 << 20, "{said}");
}

#[test]
fn captures_are_read_by_tcpdump_and_no_checksum_is_wrong() {
    let name = "captures_are_read_by_tcpdump_and_no_checksum_is_wrong";
    if !need(name, &["pkg-config", "tcpdump", "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = Configuration::net_sockets();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), "capture", &["programs/capture.c"], &[], link);
    let file = folder.path().join("pcap");
    output(within(LIMIT, program).arg(&file));
    let read = |more: &[&str]| {
        let mut tcpdump = Command::new("tcpdump");
        output(tcpdump.args(["-n", "-r"]).arg(&file).args(more))
    };
    let verbose = read(&["-vv"]);
    // "incorrect" of TCP and UDP, "wrong" and "bad" of the others.
    for word in ["incorrect", "wrong", "bad cksum", "bad udp", "truncated"] {
        let line = verbose.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
    let count = |filter: &str| read(&[filter]).lines().count();
    for (filter, least) in [
        ("tcp and ip", 10),
        ("tcp and ip6", 10),
        ("udp and ip", 4),
        ("udp and ip6", 4),
        ("icmp[icmptype] == icmp-unreach", 2),
        ("arp", 2),
        ("icmp6", 4),
    ] {
        let count = count(filter);
        assert!(count >= least, "{count} of {filter}:\n{verbose}");
    }
}

#[test]
fn scans_find_a_sane_host() {
    if !need_network("scans_find_a_sane_host", &["nmap"]) {
        return;
    }
    let namespace = Namespace::new();
    let configuration = Configuration::example("httpd");
    let httpd = Child::start(&mut namespace.kernel(configuration.app("httpd")));
    httpd.expect("listening");
    let scan = |options: &str| {
        let said = namespace.run(&format!("timeout 120 nmap -n -Pn {options} 10.77.0.2"));
        println!("{said}");
        said
    };
    let tcp = scan("-sS -p 1-2000");
    assert!(
        tcp.contains("Not shown: 1999 closed tcp ports (reset)"),
        "{tcp}"
    );
    assert!(tcp.contains("80/tcp open"), "{tcp}");
    // How many errors go out in a second is limited, so some ports are silent.
    let udp = scan("-sU -p 1-100 --max-retries 0 -v");
    let closed = udp
        .lines()
        .filter(|line| line.contains("/udp closed"))
        .count();
    assert!(closed >= 40 || udp.contains("closed udp ports"), "{udp}");
    assert!(!udp.contains("/udp open "), "{udp}");

    // The fingerprint, with its lines put together (https://nmap.org/book/osdetect-fingerprint-format.html).
    let system = scan("-O -p 79-81 -v -d");
    let print: String = system
        .lines()
        .filter_map(|line| line.strip_prefix("OS:"))
        .collect();
    let part = |name: &str| {
        let begin = print
            .find(&format!("{name}("))
            .unwrap_or_else(|| panic!("{system}"));
        let rest = &print[begin + name.len() + 1..];
        rest.split(')').next().unwrap()
    };
    // What neither begins nor answers anything is passed over at an open port; answers nobody asked for are reset, and
    // so is all that comes to a closed one.
    assert_eq!(part("T2"), "R=N");
    for closed in ["T4", "T5", "T6", "T7"] {
        let said = part(closed);
        assert!(
            said.starts_with("R=Y") && said.contains("%F=") && said.contains('R'),
            "{said}"
        );
    }
    // Sequence numbers that nobody guesses: the index is of 0x100 for a source of 32 bits of chance.
    let difficulty = part("SEQ").split("SP=").nth(1).unwrap();
    let difficulty = difficulty.split('%').next().unwrap();
    assert!(
        u32::from_str_radix(difficulty, 16).unwrap() >= 0xf0,
        "{print}"
    );
    // Both echo requests, of which one is odd, and the closed port's error with all it has to quote.
    assert!(part("IE").starts_with("R=Y"), "{print}");
    let quote = part("U1");
    for whole in ["R=Y", "RIPL=G", "RID=G", "RIPCK=G", "RUCK=G", "RUD=G"] {
        assert!(quote.contains(whole), "{quote}");
    }
}
