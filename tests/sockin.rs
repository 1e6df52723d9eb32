//! A kernel whose sockets are the host's, beside the host's programs. That they behave as the host's is
//! `conformance`'s.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use tests::{Child, Configuration, free_port, need, output, repository, stream_sha256};

/// Somebody who may do nothing in particular.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The web server, started by somebody who is not root, in no network but the host's.
fn httpd() -> (Child, u16, tempfile::TempDir) {
    let arguments = ["--components", "sockin", "--app", "examples/httpd"];
    let configuration = Configuration::build("sockin-httpd", &arguments);
    // Where everybody can get at it.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("httpd");
    fs::copy(configuration.app("httpd"), &program).unwrap();
    let port = free_port();
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string()]);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let httpd = Child::start(&mut command);
    httpd.expect("listening");
    let status = fs::read_to_string(format!("/proc/{}/status", httpd.pid())).unwrap();
    let rights = status.lines().find(|line| line.starts_with("CapEff:"));
    assert_eq!(
        rights.unwrap().trim_start_matches("CapEff:").trim(),
        "0000000000000000"
    );
    (httpd, port, folder)
}

#[test]
fn serves_the_hosts_curl_without_any_rights() {
    let name = "serves_the_hosts_curl_without_any_rights";
    if !need(name, &["bash", "curl", "sha256sum"]) {
        return;
    }
    let (_httpd, port, _folder) = httpd();
    let curl = |line: &str| output(Command::new("bash").args(["-c", line]));
    let page = curl(&format!("curl -sS --max-time 20 http://127.0.0.1:{port}/"));
    assert!(page.contains("<html"), "{page}");
    let page6 = curl(&format!("curl -sS --max-time 20 http://[::1]:{port}/"));
    assert_eq!(page, page6);
    let size: u64 = 64 << 20;
    let got = curl(&format!(
        "curl -sS --max-time 60 http://127.0.0.1:{port}/bytes/{size} | sha256sum"
    ));
    assert_eq!(got.split_whitespace().next(), Some(&*stream_sha256(size)));
    // A hundred at once, over one poller.
    let codes = curl(&format!(
        "for n in $(seq 100); do curl -sS --max-time 50 -o /dev/null -w '%{{http_code}}\n' \
         http://127.0.0.1:{port}/bytes/100000 & done; wait"
    ));
    assert_eq!(codes.matches("200").count(), 100, "{codes}");
}

#[test]
fn says_where_it_is() {
    if !need("says_where_it_is", &[]) {
        return;
    }
    let port = free_port();
    let run = [
        "xtask",
        "run",
        "-q",
        "-c",
        "sockin",
        "--app",
        "examples/httpd",
    ];
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository()).args(run);
    command.args([
        "--name",
        "test-sockin-httpd",
        "--",
        "--port",
        &port.to_string(),
    ]);
    let httpd = Child::start(&mut command);
    let line = httpd.expect("The kernel's sockets are this host's");
    assert!(line.contains("127.0.0.1 and ::1"), "{line}");
    httpd.expect("listening");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("<html"),
        "{page}"
    );
}
