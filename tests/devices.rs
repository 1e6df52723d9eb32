//! Devices of emulated machines, driven by the kernel, and looked at from the other side.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::{
    Board, Child, Configuration, Machine, Namespace, QEMU, need, need_network, output,
    stream_sha256, wait_until,
};

const BOARDS: [Board; 2] = [Board::Microvm, Board::Q35];

/// Machines and the network cards in them.
const CARDS: [(Board, &str); 3] = [
    (Board::Microvm, "virtio-net-device"),
    (Board::Q35, "virtio-net-pci"),
    (Board::Q35, "e1000e"),
];

/// Bytes of a disk, and of the pattern at its start.
const DISK: usize = 16 << 20;
const SPAN: usize = 8 << 20;

/// The application that uses disks and consoles, with all drivers for them.
fn devices() -> Configuration {
    let components = "virtio-blk,virtio-console,virtio-rng";
    let app = "tests/apps/devices";
    let arguments = [
        "--platform",
        "pvh",
        "--components",
        components,
        "--app",
        app,
    ];
    Configuration::build("devices", &arguments)
}

/// A web server, with all drivers of network cards.
fn httpd() -> Configuration {
    let components = "net,sockets,virtio-net,e1000e";
    let app = "examples/httpd";
    let arguments = [
        "--platform",
        "pvh",
        "--components",
        components,
        "--app",
        app,
    ];
    Configuration::build("httpd-cards", &arguments)
}

/// Its image.
fn image(configuration: &Configuration, app: &str) -> std::path::PathBuf {
    configuration.artifacts().join(format!("{app}.elf"))
}

fn drive(file: &Path, more: &str) -> String {
    format!("id=disk,if=none,format=raw,file={}{more}", file.display())
}

#[test]
fn disks_hold_what_was_written_and_flushed() {
    if !need("disks_hold_what_was_written_and_flushed", &[QEMU]) {
        return;
    }
    let configuration = devices();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disk.img");
    for board in BOARDS {
        fs::write(&file, vec![0xee; DISK]).unwrap();
        let line = "log-level=info -- disk vblk0";
        let mut machine = Machine::new(board, &image(&configuration, "devices"), line);
        machine.add(&["-drive", &drive(&file, "")]);
        machine.virtio("blk", ",drive=disk");
        let kernel = machine.start();
        kernel.expect("virtio-blk: vblk0, 32768 blocks of 512 bytes, caches writes");
        kernel.expect("devices: vblk0: 8388608 bytes written, flushed and read");
        kernel.finish();
        let bytes = fs::read(&file).unwrap();
        for (at, word) in bytes[..SPAN].chunks_exact(8).enumerate() {
            let expected = (8 * at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            assert_eq!(word, expected.to_le_bytes(), "{board:?}: at {}", 8 * at);
        }
        assert!(bytes[SPAN..].iter().all(|byte| *byte == 0xee), "{board:?}");
        // And what cannot be written is left alone.
        let line = "log-level=info -- read-only vblk0";
        let mut machine = Machine::new(board, &image(&configuration, "devices"), line);
        machine.add(&["-drive", &drive(&file, ",read-only=on")]);
        machine.virtio("blk", ",drive=disk");
        let kernel = machine.start();
        kernel.expect("devices: vblk0: read-only");
        kernel.finish();
        assert_eq!(fs::read(&file).unwrap(), bytes, "{board:?}");
    }
}

/// Connects to a socket that a machine makes.
fn connect(socket: &Path) -> UnixStream {
    let mut stream = None;
    wait_until("a socket of the machine", Duration::from_secs(60), || {
        stream = UnixStream::connect(socket).ok();
        stream.is_some()
    });
    let stream = stream.expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// The other side of a console.
struct Screen {
    stream: UnixStream,
    /// What came and was not looked at yet.
    text: String,
}

impl Screen {
    /// Waits for `end`, and returns what came up to there.
    fn expect(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                return self.text.drain(..at + end.len()).collect();
            }
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap_or(0);
            assert!(count > 0, "the end before \"{end}\": {}", self.text);
            let bytes = &bytes[..count];
            self.text.push_str(&String::from_utf8_lossy(bytes));
        }
    }
}

#[test]
fn consoles_show_lines_and_take_them() {
    if !need("consoles_show_lines_and_take_them", &[QEMU]) {
        return;
    }
    let configuration = devices();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("console");
    for board in BOARDS {
        let line = "log-level=info -- console vcon0";
        let mut machine = Machine::new(board, &image(&configuration, "devices"), line);
        machine.virtio("serial", "");
        // It waits for somebody to look, so that the first lines are seen too.
        let chardev = format!("socket,id=con,server=on,path={}", socket.display());
        machine.add(&["-chardev", &chardev, "-device", "virtconsole,chardev=con"]);
        let kernel = machine.start();
        let mut screen = Screen {
            stream: connect(&socket),
            text: String::new(),
        };
        // What the kernel's console gets.
        screen.expect("virtio-console: vcon0\n");
        screen.stream.write_all(b"a line for the kernel\n").unwrap();
        screen.expect("A LINE FOR THE KERNEL\n");
        kernel.expect("devices: vcon0: a line of 22 bytes");
        // The last words get out, although the machine ends at once.
        screen.expect("devices: vcon0: a line of 22 bytes\n");
        kernel.finish();
        fs::remove_file(&socket).unwrap();
    }
}

#[test]
fn entropy_is_asked_for_at_the_start() {
    if !need("entropy_is_asked_for_at_the_start", &[QEMU]) {
        return;
    }
    let configuration = devices();
    let folder = tempfile::tempdir().unwrap();
    for board in BOARDS {
        let socket = folder.path().join(format!("{board:?}"));
        // The console keeps the application waiting.
        let line = "log-level=info -- console vcon0";
        let mut machine = Machine::new(board, &image(&configuration, "devices"), line);
        machine.virtio("serial", "");
        machine.add(&[
            "-chardev",
            "null,id=con",
            "-device",
            "virtconsole,chardev=con",
        ]);
        let chardev = format!("socket,id=egd,server=on,path={}", socket.display());
        machine.add(&["-chardev", &chardev]);
        machine.add(&["-object", "rng-egd,id=egd,chardev=egd"]);
        machine.virtio("rng", ",rng=egd");
        let kernel = machine.start();
        let mut source = connect(&socket);
        kernel.expect("virtio-rng: entropy");
        // The protocol of the entropy gathering daemon: 2, and how many bytes are wanted.
        let mut request = [0; 2];
        source.read_exact(&mut request).unwrap();
        assert_eq!(request, [2, 64], "{board:?}");
        source.write_all(&[0x5a; 64]).unwrap();
    }
}

/// The server on a machine with a card on a TAP, ready.
fn server(configuration: &Configuration, namespace: &Namespace, board: Board, card: &str) -> Child {
    let line = "log-level=info ip=10.77.0.2/24,fd77::2/64";
    let image = image(configuration, "httpd");
    let mut machine = Machine::on_tap(board, &image, line, namespace);
    machine.add(&["-device", &format!("{card},netdev=net")]);
    let kernel = machine.start();
    kernel.expect("httpd: listening on port 80");
    kernel
}

#[test]
fn cards_carry_pages_and_256_mebibytes_on_a_tap() {
    let test = "cards_carry_pages_and_256_mebibytes_on_a_tap";
    if !need_network(test, &[QEMU, "bash", "curl", "sha256sum"]) {
        return;
    }
    let configuration = httpd();
    let size: u64 = 256 << 20;
    let expected = stream_sha256(size);
    for (board, card) in CARDS {
        let namespace = Namespace::new();
        let _kernel = server(&configuration, &namespace, board, card);
        let page = namespace.run("curl -sS --max-time 30 http://10.77.0.2/");
        assert!(page.contains("<html"), "{card}: {page}");
        let page6 = namespace.run("curl -sS --max-time 30 http://[fd77::2]/");
        assert_eq!(page, page6, "{card}");
        for host in ["10.77.0.2", "[fd77::2]"] {
            let url = format!("http://{host}/bytes/{size}");
            let got = namespace.shell(&format!("curl -sS --max-time 300 '{url}' | sha256sum"));
            assert_eq!(
                got.split_whitespace().next(),
                Some(&*expected),
                "{card} {host}"
            );
        }
    }
}

#[test]
fn cards_carry_200_requests_at_once() {
    let test = "cards_carry_200_requests_at_once";
    if !need_network(test, &[QEMU, "bash", "curl"]) {
        return;
    }
    let configuration = httpd();
    for (board, card) in CARDS {
        let namespace = Namespace::new();
        let _kernel = server(&configuration, &namespace, board, card);
        let urls = "http://10.77.0.2/bytes/100000?[1-200]";
        let got = namespace.shell(&format!(
            "curl -sS --no-progress-meter --max-time 300 --parallel --parallel-immediate --parallel-max 200 \
             -o /dev/null -w '%{{http_code}} %{{size_download}}\\n' '{urls}'"
        ));
        let good = got.lines().filter(|line| *line == "200 100000").count();
        assert_eq!(good, 200, "{card}: {got}");
    }
}

#[test]
fn more_connections_than_memory_are_served_in_turn() {
    let test = "more_connections_than_memory_are_served_in_turn";
    if !need_network(test, &[QEMU, "bash", "curl"]) {
        return;
    }
    let configuration = httpd();
    let namespace = Namespace::new();
    let image = image(&configuration, "httpd");
    let line = "ip=10.77.0.2/24";
    let mut machine = Machine::on_tap(Board::Microvm, &image, line, &namespace);
    // A connection has 512 KiB of buffers.
    machine.add(&["-m", "16", "-device", "virtio-net-device,netdev=net"]);
    let kernel = machine.start();
    kernel.expect("httpd: listening on port 80");
    let urls = "http://10.77.0.2/bytes/1000000?[1-200]";
    let got = namespace.shell(&format!(
        "curl -sS --no-progress-meter --max-time 300 --parallel --parallel-immediate --parallel-max 200 \
         -H 'Connection: close' -o /dev/null -w '%{{http_code}} %{{size_download}}\n' '{urls}'"
    ));
    let good = got.lines().filter(|line| *line == "200 1000000").count();
    assert_eq!(good, 200, "{got}");
}

#[test]
fn cards_take_an_address_from_the_emulators_dhcp() {
    let test = "cards_take_an_address_from_the_emulators_dhcp";
    if !need(test, &[QEMU, "curl"]) {
        return;
    }
    let configuration = httpd();
    for (board, card) in CARDS {
        let line = "log-level=info ip=dhcp";
        let mut machine = Machine::new(board, &image(&configuration, "httpd"), line);
        // A port that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let netdev = format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:80");
        machine.add(&["-netdev", &netdev, "-device", &format!("{card},netdev=net")]);
        let kernel = machine.start();
        kernel.expect(": 10.0.2.15/24 from 10.0.2.2");
        let url = format!("http://127.0.0.1:{port}/");
        let page = output(Command::new("curl").args(["-sS", "--max-time", "30", &url]));
        assert!(page.contains("<html"), "{card}: {page}");
    }
}

#[test]
fn an_address_without_a_card_is_warned_of() {
    if !need("an_address_without_a_card_is_warned_of", &[QEMU]) {
        return;
    }
    let configuration = httpd();
    for board in BOARDS {
        let machine = Machine::new(board, &image(&configuration, "httpd"), "ip=dhcp");
        machine
            .start()
            .expect("net: the parameter ip found no interface");
    }
}
