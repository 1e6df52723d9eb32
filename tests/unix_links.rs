//! Kernels in processes on Unix sockets of QEMU's, which needs no rights: its user network, and a guest.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tempfile::TempDir;
use tests::{
    Board, Child, Configuration, Link, Machine, QEMU, compile, free_port, need, stream_sha256,
    wait_until, within,
};

/// What a program here may take.
const LIMIT: Duration = Duration::from_secs(300);
/// The host, and the kernel, as QEMU's user network has them unless told otherwise.
const HOST: &str = "10.0.2.2";
const KERNEL: &str = "10.0.2.15";

fn socket(folder: &TempDir) -> String {
    folder.path().join("link").display().to_string()
}

/// Options for a network of that name that is a socket we can connect to.
fn listening(name: &str, socket: &str) -> String {
    format!("stream,id={name},server=on,addr.type=unix,addr.path={socket}")
}

/// QEMU without a machine: its user network, with these options, on a hub with a socket.
fn user_network(socket: &str, options: &str) -> Child {
    let mut qemu = within(LIMIT, QEMU);
    qemu.args(["-accel", "tcg", "-M", "none", "-nodefaults"]);
    qemu.args(["-display", "none", "-monitor", "none"]);
    qemu.args(["-netdev", &listening("link", socket)]);
    qemu.args(["-netdev", &format!("user,id=user{options}")]);
    for (port, netdev) in ["link", "user"].iter().enumerate() {
        let hubport = format!("hubport,id=port{port},hubid=0,netdev={netdev}");
        qemu.args(["-netdev", &hubport]);
    }
    let qemu = Child::start(&mut qemu);
    wait_until_listening(socket);
    qemu
}

fn wait_until_listening(socket: &str) {
    wait_until("QEMU's socket", LIMIT, || Path::new(socket).exists());
}

fn fetch(folder: &TempDir) -> std::path::PathBuf {
    compile(
        folder.path(),
        "fetch",
        &["programs/fetch.c"],
        &[],
        Link::Static(&Configuration::net_sockets()),
    )
}

#[test]
fn fetches_a_page_through_qemus_user_network_after_dhcp() {
    let name = "fetches_a_page_through_qemus_user_network_after_dhcp";
    if !need(name, &["pkg-config", "python3", QEMU, "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..5_000_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(folder.path().join("content"), &content).unwrap();
    let fetch = fetch(&folder);
    let server = Child::start(
        within(LIMIT, "python3")
            .args(["-u", "-m", "http.server", "0"])
            .args(["--bind", "127.0.0.1", "--directory"])
            .arg(folder.path()),
    );
    let line = server.expect("port ");
    let mut words = line.split_whitespace().skip_while(|word| *word != "port");
    let port = words.nth(1).unwrap();
    let socket = socket(&folder);
    let _qemu = user_network(&socket, "");
    let done = within(LIMIT, fetch)
        .env("RUMP_VIRTIF", format!("unix:{socket}"))
        .args([HOST, port, "/content", "virt0"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{errors}");
    let (got, wanted) = (done.stdout.len(), content.len());
    assert!(done.stdout == content, "{got} of {wanted} bytes");
}

#[test]
fn a_network_that_went_away_is_found_again() {
    let name = "a_network_that_went_away_is_found_again";
    if !need(name, &["curl", QEMU, "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = socket(&folder);
    let port = free_port();
    let forward = format!(",hostfwd=tcp:127.0.0.1:{port}-{KERNEL}:80");
    let qemu = user_network(&socket, &forward);
    let httpd = Configuration::example("httpd").app("httpd");
    let httpd = Child::start(
        within(LIMIT, httpd)
            .env("RUMP_VIRTIF", format!("unix:{socket}"))
            .env("RUMP_IP", "dhcp"),
    );
    httpd.expect("listening");
    let fetched = || {
        let page = Command::new("curl")
            .args(["-sS", "--max-time", "5"])
            .arg(format!("http://127.0.0.1:{port}/"))
            .output();
        page.is_ok_and(|page| String::from_utf8_lossy(&page.stdout).contains("<html"))
    };
    wait_until("a page", LIMIT, fetched);
    drop(qemu);
    assert!(!fetched());
    // QEMU takes its socket away when it is asked to end.
    assert!(!Path::new(&socket).exists());
    let _qemu = user_network(&socket, &forward);
    wait_until("a page again", LIMIT, fetched);
}

/// Two sockets that lead to one another: what is written to either is read from the other, a MiB every 50 ms at most.
struct Relay {
    listeners: Vec<UnixListener>,
    streams: Vec<UnixStream>,
    carried: Arc<AtomicU64>,
}

impl Relay {
    /// Listens at these paths, and waits for somebody at each.
    fn new(paths: &[PathBuf; 2]) -> impl FnOnce() -> Relay {
        let listeners = paths.iter().map(|path| {
            let _ = std::fs::remove_file(path);
            UnixListener::bind(path).unwrap()
        });
        let listeners: Vec<_> = listeners.collect();
        move || {
            let accept = |listener: &UnixListener| listener.accept().unwrap().0;
            let streams: Vec<_> = listeners.iter().map(accept).collect();
            let carried = Arc::new(AtomicU64::new(0));
            for (from, to) in [(0, 1), (1, 0)] {
                let ends = [from, to].map(|at: usize| streams[at].try_clone().unwrap());
                let carried = carried.clone();
                std::thread::spawn(move || carry(ends, &carried));
            }
            Relay {
                listeners,
                streams,
                carried,
            }
        }
    }

    /// Ends, as if it was killed.
    fn kill(self) {
        drop(self.listeners);
        for stream in self.streams {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }
}

/// Carries bytes until either end is gone.
fn carry([mut from, mut to]: [UnixStream; 2], carried: &AtomicU64) {
    let mut bytes = [0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            return;
        }
        let before = carried.fetch_add(count as u64, Relaxed);
        if before >> 20 != (before + count as u64) >> 20 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn a_stream_outlives_a_link_that_goes_away_and_comes_back() {
    let name = "a_stream_outlives_a_link_that_goes_away_and_comes_back";
    if !need(name, &["bash", "pkg-config", "sha256sum", "timeout"]) {
        return;
    }
    const SIZE: u64 = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let paths = ["one", "other"].map(|name| folder.path().join(name));
    let [one, other] = [&paths[0], &paths[1]].map(|path| format!("unix:{}", path.display()));
    let relay = Relay::new(&paths);
    let httpd = Configuration::example("httpd").app("httpd");
    let httpd = Child::start(
        within(LIMIT, httpd)
            .env("RUMP_VIRTIF", one)
            .env("RUMP_IP", "10.0.2.3/24")
            .env("RUMP_LOG_LEVEL", "info"),
    );
    httpd.expect("listening");
    let script = format!(
        "{} 10.0.2.3 80 /bytes/{SIZE} | sha256sum",
        fetch(&folder).display()
    );
    let fetch = Child::start(
        within(LIMIT, "bash")
            .args(["-c", &script])
            .env("RUMP_VIRTIF", other)
            .env("RUMP_IP", "10.0.2.4/24"),
    );
    let relay = relay();
    let carried = || relay.carried.load(Relaxed);
    wait_until("a part of the stream", LIMIT, || carried() > SIZE / 4);
    assert!(
        carried() < SIZE,
        "it was all there before anything went wrong"
    );
    relay.kill();
    httpd.expect("virt0: the link is down");
    let relay = Relay::new(&paths);
    let _relay = relay();
    httpd.expect("virt0: the link is up");
    let (good, said) = fetch.finish();
    // It says as well that its link went down.
    assert!(good && said.contains(&stream_sha256(SIZE)), "{said}");
}

#[test]
fn fetches_a_page_from_a_guest() {
    let name = "fetches_a_page_from_a_guest";
    if !need(name, &["pkg-config", QEMU, "timeout"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = socket(&folder);
    let guest = Configuration::build(
        "httpd-pvh",
        &[
            "--components",
            "net,sockets",
            "--platform",
            "pvh",
            "--app",
            "examples/httpd",
        ],
    );
    let image = guest.app("httpd.elf");
    let mut machine = Machine::new(Board::Microvm, &image, "ip=10.0.2.3/24");
    machine.add(&["-netdev", &listening("net", &socket)]);
    machine.virtio("net", ",netdev=net");
    let machine = machine.start();
    machine.expect("listening");
    wait_until_listening(&socket);
    let fetch = fetch(&folder);
    let get = |path: &str| {
        let done = within(LIMIT, &fetch)
            .env("RUMP_VIRTIF", format!("unix:{socket}"))
            .env("RUMP_IP", "10.0.2.4/24")
            .args(["10.0.2.3", "80", path])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{errors}");
        done.stdout
    };
    // Each has the socket to itself: QEMU listens again when one has gone.
    assert!(get("/").starts_with(b"<!doctype html"));
    assert_eq!(get("/bytes/3000000").len(), 3_000_000);
}
