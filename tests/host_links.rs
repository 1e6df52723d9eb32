//! Kernels on interfaces of the host's (`packet:`, `xdp:`), each the end of a cable to another network of the host's.

use std::path::PathBuf;
use std::time::Duration;

use tests::{
    Child, Configuration, Link, Namespace, compile, need_network, stream_sha256, wait_until,
};

/// What a program here may take, if the machine is busy.
const LIMIT: Duration = Duration::from_secs(60);
/// Bytes that go each way.
const SIZE: u64 = 64 << 20;

/// A cable from where the kernel is, at 10.78.0.1, to elsewhere, at 10.78.0.2; the kernel is 10.78.0.3.
fn cable() -> [Namespace; 2] {
    let [here, there] = [Namespace::new(), Namespace::new()];
    here.cable_to(&there);
    there.run("ip addr add fd78::2/64 dev veth0 nodad");
    [here, there]
}

/// The usual components, with such links.
fn build(name: &str, arguments: &[&str]) -> Configuration {
    let usual = [
        "--components",
        "net,sockets",
        "--param",
        "host-interfaces=true",
    ];
    Configuration::build(name, &[&usual, arguments].concat())
}

/// The web server.
fn server() -> PathBuf {
    build("httpd-interfaces", &["--app", "examples/httpd"]).app("httpd")
}

/// The web server on a link.
fn httpd(here: &Namespace, link: &str) -> Child {
    let mut command = here.command(server());
    command
        .env("RUMP_VIRTIF", link)
        .env("RUMP_IP", "10.78.0.3/24,fd78::3/64");
    let httpd = Child::start(&mut command);
    httpd.expect("listening");
    httpd
}

/// A program that fetches what a web server has, and a file for it.
fn fetch(folder: &tempfile::TempDir) -> PathBuf {
    compile(
        folder.path(),
        "fetch",
        &["programs/fetch.c"],
        &[],
        Link::Static(&build("net-sockets-interfaces", &[])),
    )
}

fn carries_everything_both_ways(link: &str) {
    let [here, there] = cable();
    {
        let _httpd = httpd(&here, link);
        for line in [
            "ping -c 3 -i 0.2 -W 2 10.78.0.3",
            "ping -6 -c 3 -i 0.2 -W 2 fd78::3",
            "ping -c 2 -i 0.2 -W 2 -s 3000 10.78.0.3",
        ] {
            let said = there.run(line);
            assert!(said.contains(" 0% packet loss"), "{line}: {said}");
        }
        let expected = stream_sha256(SIZE);
        for address in ["10.78.0.3", "[fd78::3]"] {
            let got = there.shell(&format!(
                "curl -sS --max-time 60 http://{address}/bytes/{SIZE} | sha256sum"
            ));
            assert_eq!(got.split_whitespace().next(), Some(expected.as_str()));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    there.shell(&format!(
        "head -c {SIZE} /dev/urandom > {}",
        content.display()
    ));
    let _server = Child::start(
        there
            .command("python3")
            .args(["-m", "http.server", "8000", "--bind", "10.78.0.2"])
            .arg("--directory")
            .arg(folder.path()),
    );
    wait_until("the web server", LIMIT, || {
        let probe = there
            .command("curl")
            .args(["-sS", "-o", "/dev/null", "http://10.78.0.2:8000/"])
            .output();
        probe.is_ok_and(|done| done.status.success())
    });
    let done = here
        .command("timeout")
        .args(["60"])
        .arg(fetch(&folder))
        .args(["10.78.0.2", "8000", "/content"])
        .env("RUMP_VIRTIF", link)
        .env("RUMP_IP", "10.78.0.4/24")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}");
    assert!(done.stdout == std::fs::read(content).unwrap(), "{errors}");
}

/// The processor's time that a program has taken, in ticks of 10 ms.
fn ticks(child: &Child) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    [11, 12]
        .map(|at| fields[at].parse::<u64>().unwrap())
        .iter()
        .sum()
}

fn outlives_its_interface(link: &str) {
    let [here, there] = cable();
    let mut httpd = httpd(&here, link);
    there.run("ping -c 1 -W 5 10.78.0.3");
    there.run("ip link del veth0");
    std::thread::sleep(Duration::from_millis(200));
    let before = ticks(&httpd);
    std::thread::sleep(Duration::from_millis(500));
    let spent = ticks(&httpd) - before;
    assert!(spent < 25, "{spent} ticks in half a second");
    assert!(httpd.is_running());
}

fn refusal(here: &Namespace, httpd: PathBuf, link: &str) -> String {
    let done = here
        .command("timeout")
        .args(["20"])
        .arg(httpd)
        .env("RUMP_VIRTIF", link)
        .output()
        .unwrap();
    assert!(!done.status.success(), "{link}");
    format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    )
}

const PROGRAMS: &[&str] = &[
    "bash",
    "curl",
    "ping",
    "pkg-config",
    "python3",
    "sha256sum",
    "timeout",
];

#[test]
fn a_packet_socket_carries_everything_both_ways() {
    if need_network("a_packet_socket_carries_everything_both_ways", PROGRAMS) {
        carries_everything_both_ways("packet:veth0");
    }
}

#[test]
fn an_xdp_socket_carries_everything_both_ways() {
    if need_network("an_xdp_socket_carries_everything_both_ways", PROGRAMS) {
        carries_everything_both_ways("xdp:veth0");
    }
}

#[test]
fn a_kernel_outlives_the_interface_of_its_packet_socket() {
    if need_network(
        "a_kernel_outlives_the_interface_of_its_packet_socket",
        PROGRAMS,
    ) {
        outlives_its_interface("packet:veth0");
    }
}

#[test]
fn a_kernel_outlives_the_interface_of_its_xdp_socket() {
    if need_network(
        "a_kernel_outlives_the_interface_of_its_xdp_socket",
        PROGRAMS,
    ) {
        outlives_its_interface("xdp:veth0");
    }
}

#[test]
fn links_that_cannot_be_say_why() {
    if !need_network("links_that_cannot_be_say_why", PROGRAMS) {
        return;
    }
    let [here, there] = cable();
    let usual = Configuration::example("httpd").app("httpd");
    let said = refusal(&here, usual, "packet:veth0");
    assert!(said.contains("--param host-interfaces=true"), "{said}");
    let says = |link: &str, what: &str| {
        let said = refusal(&here, server(), link);
        assert!(said.contains(what), "{link}: {said}");
    };
    for scheme in ["packet", "xdp"] {
        says(&format!("{scheme}:none0"), "there is no interface none0");
        says(&format!("{scheme}:"), "no name of an interface");
    }
    says("xdp:veth0?queue=7", "has no such queue");
    says("xdp:veth0?tail=7", "no name of an interface");
    let first = httpd(&here, "xdp:veth0");
    says("xdp:veth0", "another program has");
    drop(first);
    // It is gone with its process.
    let again = httpd(&here, "xdp:veth0");
    there.run("ping -c 1 -W 5 10.78.0.3");
    drop(again);
    for link in ["packet:veth0", "xdp:veth0"] {
        let httpd = server();
        let done = here
            .command("setpriv")
            .args(["--reuid", "65534", "--clear-groups", "--inh-caps=-all"])
            .arg(httpd)
            .env("RUMP_VIRTIF", link)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.contains("run as root"), "{link}: {said}");
    }
    here.run("ip link set veth0 mtu 4000");
    says("xdp:veth0", "ip link set veth0 mtu 1500");
}
