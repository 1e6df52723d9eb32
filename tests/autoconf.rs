//! IPv6 configured by what a real router advertises.

use std::path::Path;
use std::time::Duration;

use tests::{Child, Configuration, Link, Namespace, compile, need_network, output, wait_until};

/// How long something may take that the router decides.
const LIMIT: Duration = Duration::from_secs(60);

/// A router on the host's side of the wire: its advertisements, and its name server.
fn dnsmasq(namespace: &Namespace, folder: &Path) -> Child {
    let log = folder.join("log");
    let mut command = namespace.command("dnsmasq");
    command
        .args([
            "--keep-in-foreground",
            "--log-queries",
            "--conf-file=/dev/null",
        ])
        .args([
            "--user=root",
            "--no-resolv",
            "--no-hosts",
            "--interface=rump0",
        ])
        .args(["--enable-ra", "--dhcp-range=fd77::,ra-only,64,120"])
        // It advertises every 5 to 20 s in its first minute, whatever it is told, and every 4 s later; it is a router
        // for 22 s after each.
        .args([
            "--ra-param=rump0,mtu:1400,4,22",
            "--host-record=host.test,fd99::1",
        ])
        .arg("--host-record=router.test,fd77::1")
        .arg(format!("--log-facility={}", log.display()));
    let dnsmasq = Child::start(&mut command);
    wait_until("dnsmasq", LIMIT, || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("IPv6 router advertisement"))
    });
    dnsmasq
}

/// Whether the kernel answers a ping, from this address of the host's.
fn answers(namespace: &Namespace, address: &str, from: &str) -> bool {
    let ping = namespace
        .command("ping")
        .args(["-6", "-c", "1", "-W", "1", "-I", from, address])
        .output();
    ping.is_ok_and(|ping| ping.status.success())
}

#[test]
fn an_interface_is_configured_by_what_dnsmasq_advertises() {
    let name = "an_interface_is_configured_by_what_dnsmasq_advertises";
    if !need_network(name, &["curl", "dnsmasq", "ping", "pkg-config", "tcpdump"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    // What is beyond the link, so that answers need a default route.
    namespace.run("sysctl -qw net.ipv6.conf.all.forwarding=1");
    namespace.run("ip addr add fd99::1/128 dev lo");
    let dnsmasq = dnsmasq(&namespace, folder.path());
    let configuration = Configuration::build(
        "httpd-autoconf",
        &[
            "--components",
            "net,sockets,autoconf",
            "--app",
            "examples/httpd",
        ],
    );
    let probe = Child::start(namespace.command("tcpdump").args([
        "-i",
        "rump0",
        "-n",
        "-l",
        "icmp6 and (ip6[40] = 134 or ip6[40] = 136)",
    ]));
    probe.expect("listening");
    let mut kernel = namespace.kernel(configuration.app("httpd"));
    let httpd = Child::start(kernel.env("RUMP_IP", "auto"));
    httpd.expect("listening");
    // It tells everybody of the address once it has it.
    let told = probe.expect("tgt is fd77::");
    let address = told.split("tgt is ").nth(1).unwrap();
    let address = address.split(',').next().unwrap().to_owned();
    wait_until("an answer", LIMIT, || {
        answers(&namespace, &address, "fd77::1")
    });
    wait_until("an answer by the router", LIMIT, || {
        answers(&namespace, &address, "fd99::1")
    });
    let page = namespace.run(&format!(
        "curl -sS --max-time 10 --interface fd99::1 http://[{address}]/"
    ));
    assert!(page.contains("<html"), "{page}");
    // As long as the router speaks, it is one. (That its time starts anew with what it says is a unit test.)
    probe.expect("router advertisement");
    wait_until("an answer by the router", LIMIT, || {
        answers(&namespace, &address, "fd99::1")
    });
    drop(dnsmasq);
    wait_until("the end of the default route", LIMIT, || {
        !answers(&namespace, &address, "fd99::1")
    });
    wait_until("an answer without the router", LIMIT, || {
        answers(&namespace, &address, "fd77::1")
    });
}

#[test]
fn names_are_asked_of_the_server_that_the_router_names() {
    let name = "names_are_asked_of_the_server_that_the_router_names";
    if !need_network(name, &["dnsmasq", "pkg-config"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let configuration = Configuration::build(
        "net-sockets-resolver-autoconf",
        &["--components", "net,sockets,resolver,autoconf"],
    );
    let link = Link::Static(&configuration);
    let lookup = compile(folder.path(), "lookup", &["programs/lookup.c"], &[], link);
    let _dnsmasq = dnsmasq(&namespace, folder.path());
    let said =
        output(
            namespace
                .kernel(lookup)
                .env("RUMP_IP", "")
                .args(["auto", "s", "host.test", "80"]),
        );
    assert_eq!(said, "host.test 80: fd99::1,80,1,6\n");
}

#[test]
fn a_rust_program_has_its_interface_configured() {
    let name = "a_rust_program_has_its_interface_configured";
    if !need_network(name, &["dnsmasq"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let components = ["--components", "net,sockets,resolver,autoconf"];
    let configuration = Configuration::build(
        "names",
        &[&components[..], &["--app", "tests/apps/names"]].concat(),
    );
    let _dnsmasq = dnsmasq(&namespace, folder.path());
    let done = namespace
        .kernel(configuration.app("names"))
        .env("RUMP_IP", "")
        .args(["auto", "router.test", "53"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(said, "[fd77::1]:53\nconnected to [fd77::1]:53\n");
}
