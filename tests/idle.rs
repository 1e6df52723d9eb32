//! A kernel with nothing to do does nothing; and one that is wanted is there at once.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use tests::{
    Child, Configuration, Link, Namespace, compile, free_port, need, need_network, output,
};

const CONNECTIONS: usize = 100;
const SPAN: Duration = Duration::from_secs(10);
/// Switches within the span that are nobody's fault: what the kernel of the host does to a thread that
/// runs, and frames that the host sends by itself cost two each.
const ALLOWED: u64 = 4;

#[test]
fn nothing_wakes_an_idle_kernel() {
    if !need_network("nothing_wakes_an_idle_kernel", &["python3"]) {
        return;
    }
    let configuration = Configuration::example("echo");
    let namespace = Namespace::new();
    // The host's side looks for routers of its own accord.
    namespace.run("sysctl -qw net.ipv6.conf.rump0.router_solicitations=0");
    let echo = Child::start(&mut namespace.kernel(configuration.app("echo")));
    echo.expect("listening");
    let script = format!(
        "import socket, time\n\
         all = [socket.create_connection(('10.77.0.2', 7)) for _ in range({CONNECTIONS})]\n\
         for s in all: s.sendall(b'x')\n\
         assert all.__len__() == sum(len(s.recv(1)) for s in all)\n\
         print('connected', flush=True)\n\
         time.sleep(600)\n"
    );
    let peers = Child::start(namespace.command("python3").args(["-c", &script]));
    peers.expect("connected");
    // Late acknowledgements, and the host's last look at its neighbour.
    std::thread::sleep(Duration::from_secs(7));

    let (switches, frames) = (switches(echo.pid()), frames(&namespace));
    assert!(switches > 0 && frames > 0, "both are counted");
    std::thread::sleep(SPAN);
    let switches = self::switches(echo.pid()) - switches;
    let frames = self::frames(&namespace) - frames;
    println!(
        "{switches} context switches in {SPAN:?} with {CONNECTIONS} idle connections; {frames} frames came"
    );
    assert!(
        switches <= ALLOWED + 2 * frames,
        "{switches} switches, {frames} frames"
    );
}

#[test]
fn nothing_wakes_an_idle_kernel_on_a_socket_and_a_segment() {
    let name = "nothing_wakes_an_idle_kernel_on_a_socket_and_a_segment";
    if !need(name, &[]) {
        return;
    }
    let configuration = Configuration::example("echo");
    let folder = tempfile::tempdir().unwrap();
    let [socket, segment] = ["socket", "segment"].map(|name| folder.path().join(name));
    let listener = UnixListener::bind(&socket).unwrap();
    let links = format!("unix:{},bus:{}", socket.display(), segment.display());
    let echo = |number: u8| {
        let mut echo = Command::new(configuration.app("echo"));
        echo.env("RUMP_IP", format!("10.64.0.{number}/24"));
        echo
    };
    let other = format!("bus:{}", segment.display());
    let other = Child::start(echo(1).env("RUMP_VIRTIF", other));
    other.expect("listening");
    let echo = Child::start(echo(2).env("RUMP_VIRTIF", links));
    echo.expect("listening");
    let (mut peer, _) = listener.accept().unwrap();
    // It hears what it does not want.
    peer.write_all(&[&[0, 0, 0, 60][..], &[0xff; 60]].concat())
        .unwrap();
    std::thread::sleep(Duration::from_secs(7));

    let before = [&echo, &other].map(|child| switches(child.pid()));
    std::thread::sleep(SPAN);
    let after = [&echo, &other].map(|child| switches(child.pid()));
    println!("switches in {SPAN:?}: {before:?} to {after:?}");
    for (before, after) in before.iter().zip(after) {
        assert!(
            *before > 0 && after - before <= ALLOWED,
            "{before} to {after}"
        );
    }
}

#[test]
fn nothing_wakes_a_kernel_with_idle_sockets_of_the_host() {
    let name = "nothing_wakes_a_kernel_with_idle_sockets_of_the_host";
    if !need(name, &[]) {
        return;
    }
    let arguments = ["--components", "sockin", "--app", "examples/httpd"];
    let configuration = Configuration::build("sockin-httpd", &arguments);
    let port = free_port();
    let mut httpd = Command::new(configuration.app("httpd"));
    let httpd = Child::start(httpd.args(["--port", &port.to_string()]));
    httpd.expect("listening");
    let peers: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| {
            let mut peer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            peer.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                .unwrap();
            let mut answer = [0; 15];
            peer.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200 OK");
            peer
        })
        .collect();
    std::thread::sleep(Duration::from_secs(2));
    let before = switches(httpd.pid());
    std::thread::sleep(SPAN);
    let after = switches(httpd.pid());
    println!(
        "{} context switches in {SPAN:?} with {} idle sockets of the host",
        after - before,
        peers.len()
    );
    assert!(
        before > 0 && after - before <= ALLOWED,
        "{before} to {after}"
    );
}

/// Context switches of all threads of a process since they began.
fn switches(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let status = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    status
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.contains("voluntary_ctxt_switches"))
        .map(|line| {
            line.split_whitespace()
                .nth(1)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum()
}

/// Frames that the host has sent to the kernel.
fn frames(namespace: &Namespace) -> u64 {
    let text = namespace.run("cat /sys/class/net/rump0/statistics/tx_packets");
    text.trim().parse().unwrap()
}

#[test]
fn boots_in_no_time() {
    if !need("boots_in_no_time", &["pkg-config"]) {
        return;
    }
    const RUNS: usize = 21;
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "boot",
        &["programs/boot.c"],
        &[],
        Link::Static(&configuration),
    );
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        let said = output(&mut Command::new(&program));
        for (times, number) in times.iter_mut().zip(said.split_whitespace()) {
            times.push(number.parse::<u64>().unwrap());
        }
    }
    // A figure, and no verdict: how long anything takes here is up to what else runs.
    for (which, times) in ["the first", "another"].iter().zip(&mut times) {
        assert_eq!(times.len(), RUNS);
        times.sort();
        let [least, median] = [times[0], times[RUNS / 2]].map(|time| time as f64 / 1e3);
        println!(
            "boot of net and sockets, {which} of a process: {median:.0} us, at best {least:.0} us (goal: 300)"
        );
    }
}
