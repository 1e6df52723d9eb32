//! A kernel at the other end of a WireGuard tunnel from a program that others wrote.

use std::process::Command;
use std::time::{Duration, Instant};

use tests::{
    Child, Configuration, Link, Namespace, compile, need_network, output, stream_sha256, wait_until,
};

/// What goes through the tunnel in each direction.
const BYTES: u64 = 64 << 20;

/// WireGuard's own implementation for hosts whose kernel has none, in a namespace, as 10.99.0.1 and fd99::1.
struct Peer {
    _program: Child,
    name: String,
    private: String,
    public: String,
}

/// What a program says that is given a line.
fn ask(program: &str, argument: &str, line: &str) -> String {
    // No pipe: who does not read its line has ended when it is written.
    let script = format!("{program} {argument} <<<'{line}'");
    let said = output(Command::new("bash").args(["-euo", "pipefail", "-c", &script]));
    said.trim().to_owned()
}

impl Peer {
    fn start(namespace: &Namespace) -> Peer {
        // The name is also that of a socket, which all namespaces share.
        let name = format!("wg{}", std::process::id());
        let program = Child::start(
            namespace
                .command("wireguard-go")
                .args(["--foreground", &name]),
        );
        wait_until("wireguard-go", Duration::from_secs(20), || {
            let mut show = namespace.command("wg");
            show.args(["show", &name])
                .output()
                .is_ok_and(|done| done.status.success())
        });
        let private = ask("wg", "genkey", "");
        let public = ask("wg", "pubkey", &private);
        Peer {
            _program: program,
            name,
            private,
            public,
        }
    }

    /// Says where the kernel is, and what keys it has.
    fn set(&self, namespace: &Namespace, public: &str, psk: &str, endpoint: &str) {
        let (name, private) = (&self.name, &self.private);
        let endpoint = match endpoint {
            "" => String::new(),
            endpoint => format!("endpoint {endpoint}"),
        };
        namespace.shell(&format!(
            "wg set {name} listen-port 51820 private-key <(echo {private}) \
             peer {public} preshared-key <(echo {psk}) {endpoint} allowed-ips 10.99.0.2/32,fd99::2/128"
        ));
        namespace.run(&format!("ip link set {name} mtu 1420 up"));
        namespace.run(&format!("ip addr add 10.99.0.1/24 dev {name}"));
        namespace.run(&format!("ip addr add fd99::1/64 dev {name} nodad"));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The program is killed, and leaves its socket.
        let _ = std::fs::remove_file(format!("/var/run/wireguard/{}.sock", self.name));
    }
}

#[test]
fn a_tunnel_to_wireguard_go_carries_pings_and_streams() {
    let name = "a_tunnel_to_wireguard_go_carries_pings_and_streams";
    let programs = [
        "bash",
        "nc",
        "ping",
        "pkg-config",
        "sha256sum",
        "wg",
        "wireguard-go",
    ];
    if !need_network(name, &programs) {
        return;
    }
    let configuration = Configuration::build("net-sockets-wg", &["--components", "net,sockets,wg"]);
    let folder = tempfile::tempdir().unwrap();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), "tunnel", &["programs/tunnel.c"], &[], link);
    let stream = folder.path().join("stream");
    let made = compile(
        folder.path(),
        "make",
        &["programs/stream.c"],
        &[],
        Link::Host,
    );
    let script = format!("{} {BYTES} > {}", made.display(), stream.display());
    output(Command::new("bash").args(["-euc", &script]));
    let expected = stream_sha256(BYTES);

    let private = ask("wg", "genkey", "");
    let (public, psk) = (ask("wg", "pubkey", &private), ask("wg", "genpsk", ""));
    // Who speaks first: the host, which is told where the kernel is, or the kernel.
    for (ours, theirs) in [("10.77.0.2:51821", ""), ("", "[fd77::1]:51820")] {
        let namespace = Namespace::new();
        let peer = Peer::start(&namespace);
        peer.set(&namespace, &public, &psk, ours);
        let mut tunnel = namespace.kernel(&program);
        let bytes = BYTES.to_string();
        tunnel.args([&private, "51821", &peer.public, &psk, theirs, &bytes]);
        let tunnel = Child::start(&mut tunnel);
        tunnel.expect("ready");
        for line in [
            "ping -c 3 -i 0.2 -W 5 10.99.0.2",
            "ping -6 -c 3 -i 0.2 -W 5 fd99::2",
            "ping -c 2 -i 0.2 -W 5 -s 3000 10.99.0.2",
        ] {
            let said = namespace.run(line);
            assert!(said.contains(" 0% packet loss"), "{line}: {said}");
        }
        for address in ["10.99.0.2", "fd99::2"] {
            let start = Instant::now();
            let got = namespace.shell(&format!(
                "nc -N {address} 7 < {} | sha256sum",
                stream.display()
            ));
            assert_eq!(got.split_whitespace().next(), Some(expected.as_str()));
            let said = tunnel.expect("served");
            println!(
                "{} MiB each way in {:?}; {said}",
                BYTES >> 20,
                start.elapsed()
            );
        }
    }
}
