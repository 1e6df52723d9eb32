//! Names: a kernel that asks a real name server.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::{
    Child, Configuration, Link, Namespace, QEMU, compile, need, need_network, output, skip,
    wait_until, within,
};

/// The program that looks names up, with the kernel in it.
fn lookup(folder: &tempfile::TempDir) -> PathBuf {
    let configuration = Configuration::build(
        "net-sockets-resolver-autoconf",
        &["--components", "net,sockets,resolver,autoconf"],
    );
    let link = Link::Static(&configuration);
    compile(folder.path(), "lookup", &["programs/lookup.c"], &[], link)
}

/// A name server on the host's side of the wire, which hands out addresses too, and writes down what it is asked.
fn dnsmasq(namespace: &Namespace, folder: &tempfile::TempDir) -> Child {
    let leases = folder.path().join("leases").display().to_string();
    let mut command = namespace.command("dnsmasq");
    command
        .args(["--keep-in-foreground", "--log-queries"])
        .args([
            "--conf-file=/dev/null",
            "--user=root",
            "--no-resolv",
            "--no-hosts",
        ])
        .args(["--interface=rump0", "--dhcp-range=10.77.0.50,10.77.0.59"])
        .arg(format!("--dhcp-leasefile={leases}"))
        .arg(format!("--log-facility={}", log(folder).display()))
        .args([
            "--local-ttl=60",
            "--local=/test/",
            "--address=/all.test/10.9.0.1",
        ])
        .arg("--host-record=both.test,10.9.0.2,fd09::2")
        .arg("--host-record=six.test,fd09::6")
        .arg("--host-record=server.test,10.77.0.1,fd77::1")
        .arg("--host-record=half.test,10.77.0.99,fd77::1")
        .arg("--cname=alias.test,second.test")
        .arg("--cname=second.test,both.test");
    for number in 1..=100 {
        command.arg(format!("--host-record=many.test,10.9.1.{number}"));
    }
    let dnsmasq = Child::start(&mut command);
    wait_until("dnsmasq", Duration::from_secs(30), || {
        std::fs::read_to_string(log(folder)).is_ok_and(|log| log.contains("DHCP, IP range"))
    });
    dnsmasq
}

fn log(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("log")
}

#[test]
fn finds_what_dnsmasq_knows_after_dhcp() {
    let name = "finds_what_dnsmasq_knows_after_dhcp";
    if !need_network(name, &["dnsmasq", "pkg-config"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let lookup = lookup(&folder);
    let _dnsmasq = dnsmasq(&namespace, &folder);
    let said = output(namespace.kernel(lookup).env("RUMP_IP", "").args([
        "dhcp",
        "s",
        "x.all.test",
        "80",
        "sc",
        "alias.test",
        "443",
        "s6",
        "both.test",
        "-",
        "s4",
        "both.test",
        "9",
        "s4",
        "six.test",
        "-",
        "s",
        "none.test",
        "-",
        "s",
        "many.test",
        "7",
        "s",
        "both.test",
        "1",
    ]));
    let lines: Vec<&str> = said.lines().collect();
    let [all, alias, v6, v4, six, none, many, both] = lines[..] else {
        panic!("{said}");
    };
    assert_eq!(all, "x.all.test 80: 10.9.0.1,80,1,6");
    // There is no address to speak IPv6 from, so that comes last.
    assert_eq!(
        alias,
        "alias.test 443: (both.test) 10.9.0.2,443,1,6 fd09::2,443,1,6"
    );
    assert_eq!(v6, "both.test -: fd09::2,0,1,6");
    assert_eq!(v4, "both.test 9: 10.9.0.2,9,1,6");
    assert!(six.contains("No address associated"), "{six}");
    assert!(none.contains("not known"), "{none}");
    let addresses: std::collections::BTreeSet<&str> = many.split(' ').skip(2).collect();
    assert_eq!(addresses.len(), 100, "{many}");
    assert_eq!(both, "both.test 1: 10.9.0.2,1,1,6 fd09::2,1,1,6");
    // What it was asked: the hundred came by TCP, and `both.test` from memory the second time.
    let log = std::fs::read_to_string(log(&folder)).unwrap();
    let asked = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!(asked("query[A] many.test"), 2, "{log}");
    assert_eq!(asked("query[A] both.test"), 1, "{log}");
    assert_eq!(asked("query[AAAA] both.test"), 1, "{log}");
}

#[test]
fn a_rust_program_connects_to_hosts_by_their_names() {
    let name = "a_rust_program_connects_to_hosts_by_their_names";
    if !need_network(name, &["dnsmasq"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let configuration = Configuration::build(
        "names",
        &[
            "--components",
            "net,sockets,resolver,autoconf",
            "--app",
            "tests/apps/names",
        ],
    );
    let _dnsmasq = dnsmasq(&namespace, &folder);
    let names = |configure: &str, host: &str| {
        // The name server's own port is one that is open.
        let done = namespace
            .kernel(configuration.app("names"))
            .env("RUMP_NAMESERVER", "10.77.0.1")
            .args([configure, host, "53"])
            .output()
            .unwrap();
        // What a program has to say to people is on the console.
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        said
    };
    // Addresses of a site come after those of IPv4 (RFC 6724 § 2.1).
    let said = names("-", "server.test");
    assert_eq!(
        said,
        "10.77.0.1:53\n[fd77::1]:53\nconnected to 10.77.0.1:53\n"
    );
    // Of two addresses nobody has the first; the second is tried then.
    let said = names("-", "half.test");
    assert_eq!(
        said,
        "10.77.0.99:53\n[fd77::1]:53\nconnected to [fd77::1]:53\n"
    );
    // The same with an address that a call brings.
    let said = names("dhcp", "server.test");
    assert!(said.ends_with("connected to 10.77.0.1:53\n"), "{said}");
}

/// A name server and QEMU's user network, whose own server asks that one: in namespaces that anybody may make. QEMU
/// reads whom to ask from the host's file.
const USER_NETWORK: &str = r#"
ip link set lo up
echo "nameserver 127.0.0.1" > "$FOLDER/resolv.conf"
mount --bind "$FOLDER/resolv.conf" /etc/resolv.conf
many=()
for number in $(seq 100); do many+=(--host-record=many.test,10.9.1.$number); done
dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --pid-file= \
    --listen-address=127.0.0.1 --bind-interfaces --host-record=both.test,10.9.0.2,fd09::2 \
    --log-facility=- "${many[@]}" &
exec qemu-system-x86_64 -accel tcg -M none -nodefaults -display none -monitor none \
    -netdev stream,id=link,server=on,addr.type=unix,addr.path="$FOLDER/link" -netdev user,id=user \
    -netdev hubport,id=port0,hubid=0,netdev=link -netdev hubport,id=port1,hubid=0,netdev=user
"#;

#[test]
fn finds_names_without_rights_by_qemus_user_network() {
    let name = "finds_names_without_rights_by_qemus_user_network";
    let programs = ["bash", "dnsmasq", "ip", "pkg-config", "timeout", "unshare"];
    if !need(name, &[&programs[..], &[QEMU]].concat()) {
        return;
    }
    let unshare = |command: &mut Command| {
        command.args(["unshare", "--user", "--map-root-user", "--net", "--mount"]);
        command.args(["--pid", "--fork", "--kill-child"]);
    };
    let mut probe = within(Duration::from_secs(10), "env");
    unshare(&mut probe);
    if !probe.arg("true").status().is_ok_and(|it| it.success()) {
        skip(name, "namespaces of a user's own");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let lookup = lookup(&folder);
    let mut network = within(Duration::from_secs(300), "env");
    unshare(&mut network);
    let network = network
        .args(["bash", "-euo", "pipefail", "-c", USER_NETWORK])
        .env("FOLDER", folder.path());
    let network = Child::start(network);
    network.expect("started");
    let socket = folder.path().join("link");
    wait_until("QEMU's socket", Duration::from_secs(60), || {
        Path::new(&socket).exists()
    });
    let said = output(
        Command::new(lookup)
            .env("RUMP_VIRTIF", format!("unix:{}", socket.display()))
            .args(["dhcp", "s", "both.test", "80", "s4", "many.test", "7"]),
    );
    let lines: Vec<&str> = said.lines().collect();
    let [both, many] = lines[..] else {
        panic!("{said}");
    };
    assert_eq!(both, "both.test 80: 10.9.0.2,80,1,6 fd09::2,80,1,6");
    assert_eq!(many.split(' ').count(), 102, "{many}");
}

#[test]
fn arguments_are_taken_as_hosts_take_them() {
    let name = "arguments_are_taken_as_hosts_take_them";
    if !need(name, &["pkg-config"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(lookup(&folder));
    let said = output(command.env("RUMP_HOSTS", "db=10.0.0.7,db=fd00::7").args([
        "-",
        "s",
        "10.1.2.3",
        "80",
        "-",
        "::1",
        "53",
        "n",
        "db",
        "80",
        "sn",
        "fd00::9",
        "1",
        "sp",
        "-",
        "80",
        "s",
        "-",
        "80",
        "p4",
        "-",
        "-",
        "sc",
        "-",
        "80",
        "s",
        "db",
        "http",
        "s",
        "db",
        "65536",
        "s6",
        "10.1.2.3",
        "1",
        "sc",
        "db",
        "5432",
        "s",
        "localhost",
        "1",
        "s",
        "a.invalid",
        "1",
        "s",
        "who.test",
        "1",
        "s",
        "a b",
        "1",
    ]));
    let wanted = [
        "10.1.2.3 80: 10.1.2.3,80,1,6",
        "::1 53: ::1,53,1,6 ::1,53,2,17 ::1,53,3,0",
        "db 80: Name or service not known",
        "fd00::9 1: fd00::9,1,1,6",
        "- 80: 0.0.0.0,80,1,6 ::,80,1,6",
        "- 80: ::1,80,1,6 127.0.0.1,80,1,6",
        "- -: Name or service not known",
        "- 80: Bad value for ai_flags",
        "db http: Servname not supported for ai_socktype",
        "db 65536: Servname not supported for ai_socktype",
        "10.1.2.3 1: No address associated with hostname",
        "db 5432: (db) 10.0.0.7,5432,1,6 fd00::7,5432,1,6",
        "localhost 1: ::1,1,1,6 127.0.0.1,1,1,6",
        "a.invalid 1: Name or service not known",
        "who.test 1: Temporary failure in name resolution",
        "a b 1: Name or service not known",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), wanted);
}
