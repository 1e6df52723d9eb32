//! Classic packet filters as `tcpdump` compiles them: which packets they choose, by `tcpdump` itself and by ours.

// What programs ask of a host.
extern crate sim as _;

use std::fs;
use std::path::Path;
use std::process::Command;

use bpf::{Packet, Program};
use tests::{Configuration, Link, compile, need, output};

const EXPRESSIONS: &[&str] = &[
    "",
    "arp",
    "ip",
    "ip6",
    "tcp",
    "not tcp",
    "icmp or icmp6",
    "host 10.0.0.1",
    "src net 10.0.0.0/30 and not dst host 10.0.0.9",
    "ether broadcast",
    "ether multicast and not broadcast",
    "ether src 02:00:00:00:00:01",
    "ip multicast",
    "port 53",
    "tcp port 80 or udp port 53",
    "src portrange 50-90",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
    "ip[6:2] & 0x1fff != 0",
    "udp[4:2] > 20 and udp[4:2] < 400",
    "ip[2:2] * 3 / 7 > 100",
    "ip[2:2] % 5 = 3 or ip[8] - 1 = 63",
    "(ip[1] << 3 | ip[9]) ^ 14 = 0 and ip[0] & 0xf = 5",
    "len % 3 = 1",
    "greater 200",
    "less 60",
    "vlan",
    "vlan 5 and tcp port 80",
    "udp and not vlan",
    "ip6 and tcp dst port 443",
    "ip6 host fd00::2 and icmp6",
    "tcp[0:2] = tcp[2:2] or udp[0:2] = udp[2:2]",
    "ip[100] = 7 or ip6[200] = 7",
];

#[test]
fn what_tcpdump_compiles_chooses_what_tcpdump_does() {
    let test = "what_tcpdump_compiles_chooses_what_tcpdump_does";
    if !need(test, &["tcpdump"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("packets");
    let frames = frames();
    fs::write(&file, pcap(&frames)).unwrap();
    let mut most = 0;
    for expression in EXPRESSIONS {
        let compiled = output(tcpdump(&file).args(["-ddd", expression]));
        let program: Program = compiled
            .parse()
            .unwrap_or_else(|why| panic!("{expression}: {why}: {compiled}"));
        let chosen: Vec<&Vec<u8>> = frames
            .iter()
            .filter(|frame| program.run(&packet(frame)) > 0)
            .collect();
        let chosen_file = folder.path().join("chosen");
        output(tcpdump(&file).arg("-w").arg(&chosen_file).arg(expression));
        let expected = fs::read(&chosen_file).unwrap();
        assert_eq!(
            pcap(&chosen)[HEADER..],
            expected[HEADER..],
            "{expression}: {} by ours",
            chosen.len()
        );
        if !expression.is_empty() {
            // Each of them tells packets apart.
            assert!(
                !chosen.is_empty() && chosen.len() < frames.len(),
                "{expression}"
            );
        }
        most = most.max(program.instructions().len());
    }
    println!(
        "{} expressions, up to {most} instructions, on {} packets",
        EXPRESSIONS.len(),
        frames.len()
    );
}

#[test]
fn a_capture_takes_what_a_program_of_tcpdumps_wants() {
    let test = "a_capture_takes_what_a_program_of_tcpdumps_wants";
    if !need(test, &["pkg-config", "tcpdump"]) {
        return;
    }
    let components = ["--components", "net,sockets,local,bpf"];
    let configuration = Configuration::build("net-sockets-local-bpf", &components);
    let folder = tempfile::tempdir().unwrap();
    let (whole, chosen) = (folder.path().join("whole"), folder.path().join("chosen"));
    let link = Link::Static(&configuration);
    let capture = compile(folder.path(), "capture", &["programs/capture.c"], &[], link);
    output(Command::new(&capture).arg(&whole));
    for expression in [
        "icmp or icmp6",
        "ip6 and tcp src port 7",
        "udp and greater 1000",
    ] {
        let program = output(tcpdump(&whole).args(["-ddd", expression]));
        output(Command::new(&capture).arg(&chosen).arg(program));
        let count = |expression: &str| output(tcpdump(&chosen).arg(expression)).lines().count();
        let others = count(&format!("not ({expression})"));
        assert!(
            count(expression) > 0 && others == 0,
            "{expression}: {others}"
        );
    }
    let refused = Command::new(&capture)
        .arg(&chosen)
        .arg("ip")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("begins with \"ip\""),
        "{said}"
    );
}

fn tcpdump(file: &Path) -> Command {
    let mut command = Command::new("tcpdump");
    command.args(["-nn", "-r"]).arg(file);
    command
}

/// A frame as a capture has it.
fn packet(frame: &[u8]) -> Packet<'_> {
    Packet {
        bytes: frame,
        start: 0,
        network: None,
        link: Some(0),
        protocol: 0,
        kind: 0,
        interface: None,
    }
}

/// Bytes in front of a file's first packet.
const HEADER: usize = 24;

fn pcap<B: AsRef<[u8]>>(frames: &[B]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 262_144, 1] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let frame = frame.as_ref();
        let len = frame.len() as u32;
        for word in [1, 2, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// Frames of many kinds, whole ones and such as are cut off anywhere.
fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (number, packet) in packets().into_iter().enumerate() {
        let (kind, packet) = packet;
        let to = match number % 5 {
            0 => [0xff; 6],
            1 => [0x33, 0x33, 0, 0, 0, 1],
            last => [2, 0, 0, 0, 0, last as u8],
        };
        let from = [2, 0, 0, 0, 0, (number % 3) as u8];
        for tag in [None, Some(5u16), Some(7)] {
            let mut frame = [to, from].concat();
            if let Some(tag) = tag {
                frame.extend([0x81, 0]);
                frame.extend(tag.to_be_bytes());
            }
            frame.extend(u16::to_be_bytes(kind));
            frame.extend(&packet);
            if number % 7 == 0 {
                frame.truncate(14 + number * 3 % frame.len());
            }
            all.push(frame);
        }
    }
    all
}

/// Packets, each with its number of Ethernet's.
fn packets() -> Vec<(u16, Vec<u8>)> {
    let mut all = vec![(0x0806, vec![1; 28]), (0x88cc, vec![2; 46])];
    for (number, payload) in (0u8..).zip(payloads()) {
        let (protocol, data) = payload;
        let host = [10, 0, 0, number % 12];
        for options in [0, 2] {
            let len = 20 + 4 * options + data.len();
            let mut packet = vec![0x45 + options as u8, number % 4];
            packet.extend((len as u16).to_be_bytes());
            // Whole packets, first fragments, and later ones.
            packet.extend([0, number, [0, 0x20, 0, 0][number as usize % 4], 0]);
            packet[7] = [0, 0, 0, 99][number as usize % 4];
            packet.extend([60 + number % 8, protocol, 0, 0]);
            packet.extend(host);
            packet.extend([[224, 0, 0, 1], [10, 0, 0, 9]][number as usize % 2]);
            packet.resize(20 + 4 * options, 1);
            packet.extend(&data);
            all.push((0x0800, packet));
        }
        let mut packet = vec![0x60, 0, 0, number];
        packet.extend((data.len() as u16).to_be_bytes());
        let protocol = if protocol == 1 { 58 } else { protocol };
        packet.extend([protocol, 64]);
        for last in [1 + number % 3, 9] {
            packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        }
        packet.extend(&data);
        all.push((0x86dd, packet));
    }
    all
}

/// What is in IP packets, each with its protocol.
fn payloads() -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    for (number, size) in [0usize, 3, 10, 90, 500].into_iter().enumerate() {
        for (from, to) in [(53, 1024), (80, 80), (4000, 53), (5000, 443), (60, 80)] {
            let ports = [u16::to_be_bytes(from), u16::to_be_bytes(to)].concat();
            let text: Vec<u8> = b"GET /".iter().cycle().take(size).copied().collect();
            let mut udp = ports.clone();
            udp.extend((8 + size as u16).to_be_bytes());
            udp.extend([0, 0]);
            udp.extend(&text);
            all.push((17, udp));
            let options = number % 3;
            let mut tcp = ports;
            tcp.extend([7; 8]);
            tcp.extend([
                (5 + options as u8) << 4,
                [2, 0x10, 0x11][options],
                1,
                0,
                0,
                0,
                0,
                0,
            ]);
            tcp.resize(20 + 4 * options, 1);
            tcp.extend(&text);
            all.push((6, tcp));
        }
        all.push((1, vec![8; 8 + size]));
        all.push((47, vec![7; 4 + size]));
    }
    all
}
