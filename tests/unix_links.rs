//! Kernels in processes on Unix sockets of QEMU's, which needs no rights: its user network, and a guest.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tests::{Board, Child, Configuration, Link, Machine, QEMU, compile, need, wait_until, within};

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
    // One that is free now; between here and QEMU somebody may take it.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
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
