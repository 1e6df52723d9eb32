//! A tailored kernel on a TAP, beside the host's own network stack.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::{
    Child, Configuration, Link, Namespace, compile, need_network, output, stream_sha256, wait_until,
};

/// An example, running inside a namespace, and ready.
fn example(namespace: &Namespace, app: &str) -> Child {
    let configuration = Configuration::example(app);
    let child = Child::start(&mut namespace.kernel(configuration.app(app)));
    child.expect("listening");
    child
}

#[test]
fn answers_the_hosts_ping() {
    if !need_network("answers_the_hosts_ping", &["ping"]) {
        return;
    }
    let namespace = Namespace::new();
    let _httpd = example(&namespace, "httpd");
    for line in [
        "ping -c 3 -i 0.2 -W 2 10.77.0.2",
        "ping -6 -c 3 -i 0.2 -W 2 fd77::2",
        "ping -c 2 -i 0.2 -W 2 -s 3000 10.77.0.2",
        "ping -6 -c 2 -i 0.2 -W 2 -s 3000 fd77::2",
    ] {
        let said = namespace.run(line);
        assert!(said.contains(" 0% packet loss"), "{line}: {said}");
    }
}

#[test]
fn a_tun_interface_carries_packets_alone() {
    let name = "a_tun_interface_carries_packets_alone";
    if !need_network(name, &["bash", "curl", "ping", "sha256sum"]) {
        return;
    }
    let namespace = Namespace::new();
    for line in [
        "ip tuntap add dev tun0 mode tun",
        "ip link set tun0 up",
        "ip addr add 10.79.0.1/24 dev tun0",
        "ip addr add fd79::1/64 dev tun0 nodad",
    ] {
        namespace.run(line);
    }
    let configuration = Configuration::example("httpd");
    let mut httpd = namespace.command(configuration.app("httpd"));
    httpd
        .env("RUMP_VIRTIF", "tun:tun0")
        .env("RUMP_IP", "10.79.0.2/24,fd79::2/64");
    let httpd = Child::start(&mut httpd);
    httpd.expect("listening");
    for line in [
        "ping -c 3 -i 0.2 -W 2 10.79.0.2",
        "ping -6 -c 3 -i 0.2 -W 2 fd79::2",
        "ping -c 2 -i 0.2 -W 2 -s 3000 10.79.0.2",
        "ping -6 -c 2 -i 0.2 -W 2 -s 3000 fd79::2",
    ] {
        let said = namespace.run(line);
        assert!(said.contains(" 0% packet loss"), "{line}: {said}");
    }
    let size: u64 = 64 << 20;
    let expected = stream_sha256(size);
    for address in ["10.79.0.2", "[fd79::2]"] {
        let got = namespace.shell(&format!(
            "curl -sS --max-time 60 http://{address}/bytes/{size} | sha256sum"
        ));
        assert_eq!(got.split_whitespace().next(), Some(expected.as_str()));
    }
}

#[test]
fn a_stream_outlives_an_interface_of_the_hosts_that_goes_down() {
    let name = "a_stream_outlives_an_interface_of_the_hosts_that_goes_down";
    if !need_network(name, &["bash", "curl", "sha256sum"]) {
        return;
    }
    const SIZE: u64 = 12 << 20;
    let namespace = Namespace::new();
    let configuration = Configuration::example("httpd");
    let mut httpd = namespace.kernel(configuration.app("httpd"));
    let httpd = Child::start(httpd.env("RUMP_LOG_LEVEL", "info"));
    httpd.expect("listening");
    let script = format!(
        "curl -sS --max-time 120 --limit-rate 6M http://10.77.0.2/bytes/{SIZE} | sha256sum"
    );
    let mut fetch = namespace.command("bash");
    let fetch = Child::start(fetch.args(["-euo", "pipefail", "-c", &script]));
    let sent = || -> u64 {
        let text = namespace.run("cat /sys/class/net/rump0/statistics/rx_bytes");
        text.trim().parse().unwrap()
    };
    wait_until("a part of the stream", Duration::from_secs(60), || {
        sent() > SIZE / 4
    });
    namespace.run("ip link set rump0 down");
    httpd.expect("virt0: the link is down");
    assert!(sent() < SIZE, "it was all there before anything went wrong");
    namespace.run("ip link set rump0 up");
    httpd.expect("virt0: the link is up");
    let (good, said) = fetch.finish();
    assert!(good && said.starts_with(&stream_sha256(SIZE)), "{said}");
    // One that is taken away is down for good.
    namespace.run("ip link del rump0");
    httpd.expect("virt0: the link is down");
}

#[test]
fn serves_pages_to_curl() {
    if !need_network("serves_pages_to_curl", &["curl"]) {
        return;
    }
    let namespace = Namespace::new();
    let _httpd = example(&namespace, "httpd");
    let page = namespace.run("curl -sS --max-time 10 http://10.77.0.2/");
    assert!(page.contains("<html"), "{page}");
    let page6 = namespace.run("curl -sS --max-time 10 http://[fd77::2]/");
    assert_eq!(page, page6);
    let code = namespace
        .run("curl -sS --max-time 10 -o /dev/null -w %{http_code} http://10.77.0.2/nothing-here");
    assert_eq!(code, "404");
}

#[test]
fn serves_a_gibibyte_without_a_wrong_byte() {
    if !need_network(
        "serves_a_gibibyte_without_a_wrong_byte",
        &["bash", "curl", "sha256sum"],
    ) {
        return;
    }
    let namespace = Namespace::new();
    let _httpd = example(&namespace, "httpd");
    let size: u64 = 1 << 30;
    let got = namespace.shell(&format!(
        "curl -sS --max-time 300 http://10.77.0.2/bytes/{size} | sha256sum"
    ));
    assert_eq!(
        got.split_whitespace().next(),
        Some(stream_sha256(size).as_str())
    );
}

#[test]
fn serves_200_requests_at_once_from_one_thread() {
    if !need_network(
        "serves_200_requests_at_once_from_one_thread",
        &["bash", "curl"],
    ) {
        return;
    }
    let namespace = Namespace::new();
    let httpd = example(&namespace, "httpd");
    let urls = "http://10.77.0.2/bytes/100000?[1-200]";
    let said = namespace.shell(&format!(
        "curl -sS --max-time 120 --parallel --parallel-immediate --parallel-max 200 -o /dev/null -w '%{{http_code}} %{{size_download}}\\n' '{urls}'"
    ));
    let good = said.lines().filter(|line| *line == "200 100000").count();
    assert_eq!(good, 200, "{said}");
    // The program's own thread, and the pool's: nobody made one a connection.
    let threads = std::fs::read_dir(format!("/proc/{}/task", kernel_pid(&httpd)))
        .unwrap()
        .count();
    assert!(threads <= 4, "{threads} threads");
}

/// `ip netns exec` becomes the program it starts.
fn kernel_pid(child: &Child) -> u32 {
    child.pid()
}

#[test]
fn echoes_datagrams_of_nc() {
    if !need_network("echoes_datagrams_of_nc", &["bash", "nc"]) {
        return;
    }
    let namespace = Namespace::new();
    let _echo = example(&namespace, "echo");
    for address in ["10.77.0.2", "fd77::2"] {
        let said = namespace.shell(&format!("echo hello over udp | nc -u -w 1 {address} 7"));
        assert_eq!(said, "hello over udp\n");
        let said = namespace.shell(&format!("echo hello over tcp | nc -N -w 5 {address} 7"));
        assert_eq!(said, "hello over tcp\n");
    }
}

#[test]
fn fetches_from_the_hosts_web_server() {
    if !need_network(
        "fetches_from_the_hosts_web_server",
        &["curl", "pkg-config", "python3"],
    ) {
        return;
    }
    let namespace = Namespace::new();
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..5_000_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(folder.path().join("content"), &content).unwrap();
    let fetch = compile(
        folder.path(),
        "fetch",
        &["programs/fetch.c"],
        &[],
        Link::Static(&configuration),
    );
    let _server = Child::start(
        namespace
            .command("python3")
            .args([
                "-m",
                "http.server",
                "8000",
                "--bind",
                "10.77.0.1",
                "--directory",
            ])
            .arg(folder.path()),
    );
    wait_until("the host's web server", Duration::from_secs(20), || {
        let probe = namespace
            .command("curl")
            .args(["-sS", "-o", "/dev/null", "http://10.77.0.1:8000/"])
            .output();
        probe.is_ok_and(|done| done.status.success())
    });
    let done = namespace
        .kernel(&fetch)
        .args(["10.77.0.1", "8000", "/content"])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        done.stdout == content,
        "{} of {} bytes",
        done.stdout.len(),
        content.len()
    );
}

#[test]
fn the_first_packets_to_50_new_neighbours_leave_within_100_ms() {
    if !need_network(
        "the_first_packets_to_50_new_neighbours_leave_within_100_ms",
        &["pkg-config", "tcpdump", "timeout"],
    ) {
        return;
    }
    let namespace = Namespace::new();
    let configuration = Configuration::net_sockets();
    let folder = tempfile::tempdir().unwrap();
    let program = compile(
        folder.path(),
        "neighbours",
        &["programs/neighbours.c"],
        &[],
        Link::Static(&configuration),
    );
    for n in 100..150 {
        namespace.run(&format!("ip addr add 10.77.0.{n}/24 dev rump0"));
    }
    let capture = folder.path().join("capture");
    // A burst of 50 is more than the capture's usual buffer holds; and a lost one must not mean waiting for ever.
    let tcpdump = Child::start(
        namespace
            .command("timeout")
            .args([
                "--signal=INT",
                "20",
                "tcpdump",
                "-i",
                "rump0",
                "-n",
                "-B",
                "8192",
                "-c",
                "50",
            ])
            .args([
                "-w".as_ref(),
                capture.as_os_str(),
                "udp and port 9".as_ref(),
            ]),
    );
    tcpdump.expect("listening");
    let done = namespace
        .kernel(&program)
        .args(["10.77.0", "50"])
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    tcpdump.finish();
    let listing = output(
        Command::new("tcpdump")
            .args(["-n", "-tt", "-r"])
            .arg(&capture),
    );
    let times: Vec<f64> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    let receivers: std::collections::BTreeSet<&str> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4))
        .collect();
    assert_eq!((times.len(), receivers.len()), (50, 50), "{listing}");
    let span = times.iter().cloned().fold(f64::MIN, f64::max)
        - times.iter().cloned().fold(f64::MAX, f64::min);
    println!("first packets to 50 neighbours: {:.1} ms", span * 1e3);
    assert!(span < 0.1, "{span} s");
}

/// A server of the ten addresses that begin so.
fn dnsmasq(namespace: &Namespace, leases: &Path, addresses: &str, more: &[&str]) -> Child {
    let dnsmasq = Child::start(
        namespace
            .command("dnsmasq")
            .args(["--keep-in-foreground", "--log-facility=-", "--log-dhcp"])
            .args(["--conf-file=/dev/null", "--user=root", "--port=0"])
            .args(["--interface=rump0", "--dhcp-authoritative"])
            .arg(format!("--dhcp-range={addresses}0,{addresses}9"))
            .arg(format!("--dhcp-leasefile={}", leases.display()))
            .args(more),
    );
    dnsmasq.expect("DHCP, IP range");
    dnsmasq
}

#[test]
fn takes_an_address_from_dnsmasq() {
    if !need_network("takes_an_address_from_dnsmasq", &["curl", "dnsmasq"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    // Leases are asked for again after 3 s: time T1, option 58.
    let often = ["--dhcp-option=option:T1,3"];
    let dnsmasq = dnsmasq(
        &namespace,
        &folder.path().join("leases"),
        "10.77.0.5",
        &often,
    );
    let configuration = Configuration::example("httpd");
    let mut kernel = namespace.kernel(configuration.app("httpd"));
    let _httpd = Child::start(kernel.env("RUMP_IP", "dhcp"));
    let line = dnsmasq.expect("DHCPACK(rump0)");
    let words: Vec<&str> = line.split_whitespace().collect();
    let address = words.iter().find(|word| word.starts_with("10.77.0.5"));
    let address = address.unwrap_or_else(|| panic!("{line}"));
    let page = namespace.run(&format!("curl -sS --max-time 10 http://{address}/"));
    assert!(page.contains("<html"), "{page}");
    // The server renews it to whom has it, by a packet to that address.
    let renewed = dnsmasq.expect("DHCPACK(rump0)");
    assert!(renewed.contains(address), "{renewed}");
    let again = namespace.run(&format!("curl -sS --max-time 10 http://{address}/"));
    assert_eq!(again, page);
}

#[test]
fn asks_the_server_where_a_link_leads_that_is_back() {
    let name = "asks_the_server_where_a_link_leads_that_is_back";
    if !need_network(name, &["curl", "dnsmasq"]) {
        return;
    }
    let namespace = Namespace::new();
    let folder = tempfile::tempdir().unwrap();
    let one = dnsmasq(&namespace, &folder.path().join("one"), "10.77.0.5", &[]);
    let configuration = Configuration::example("httpd");
    let mut httpd = namespace.kernel(configuration.app("httpd"));
    httpd.env("RUMP_IP", "dhcp").env("RUMP_LOG_LEVEL", "info");
    let httpd = Child::start(&mut httpd);
    one.expect("DHCPACK(rump0) 10.77.0.5");
    let plug_in = || {
        namespace.run("ip link set rump0 up");
        httpd.expect("virt0: the link is up");
    };
    let pull = || {
        namespace.run("ip link set rump0 down");
        httpd.expect("virt0: the link is down");
    };
    // The same network again: the same address, asked for and not offered.
    pull();
    plug_in();
    one.expect("DHCPREQUEST(rump0) 10.77.0.5");
    one.expect("DHCPACK(rump0) 10.77.0.5");
    // Another, where nobody may have that address.
    pull();
    drop(one);
    let other = dnsmasq(&namespace, &folder.path().join("other"), "10.77.0.7", &[]);
    plug_in();
    other.expect("DHCPNAK(rump0) 10.77.0.5");
    let line = other.expect("DHCPACK(rump0) 10.77.0.7");
    let address = line
        .split_whitespace()
        .find(|it| it.starts_with("10.77.0.7"));
    let address = address.unwrap_or_else(|| panic!("{line}"));
    let page = namespace.run(&format!("curl -sS --max-time 10 http://{address}/"));
    assert!(page.contains("<html"), "{page}");
}
