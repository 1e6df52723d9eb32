//! A web server of the files on a disk, on a machine and in a process: images of ext4 and FAT that the host's programs
//! make, whole and in a partition, fetched from by `curl`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::{
    Board, Child, Configuration, Machine, Namespace, QEMU, free_port, need, need_network, output,
    within,
};

const APP: [&str; 2] = ["--app", "examples/fileserver"];

/// What a fetch may take, from an emulated machine on a busy host.
const LIMIT: Duration = Duration::from_secs(120);

const TOOLS: [&str; 6] = ["curl", "dd", "mcopy", "mke2fs", "mkfs.fat", "sfdisk"];

/// A directory to be served: a page, a name that has to be written carefully, and bytes without a pattern.
fn site(folder: &Path) -> PathBuf {
    let site = folder.join("site");
    fs::create_dir_all(site.join("a dir")).unwrap();
    fs::write(site.join("index.html"), "<h1>from a disk</h1>\n").unwrap();
    fs::write(site.join("a dir/x & y.txt"), "well\n").unwrap();
    let mut state = 1u64;
    let bytes: Vec<u8> = (0..3_000_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    fs::write(site.join("bytes"), bytes).unwrap();
    site
}

fn empty(folder: &Path, name: &str, bytes: u64) -> PathBuf {
    let image = folder.join(name);
    fs::File::create(&image).unwrap().set_len(bytes).unwrap();
    image
}

/// The site as ext4, alone on a disk.
fn ext4(folder: &Path, site: &Path) -> PathBuf {
    let image = empty(folder, "ext4.img", 32 << 20);
    output(
        Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-d"])
            .args([site, &image]),
    );
    image
}

/// The site as FAT, in the only partition of a disk.
fn fat(folder: &Path, site: &Path) -> PathBuf {
    const START: &str = "1048576";
    let image = empty(folder, "fat.img", 64 << 20);
    let table = "printf 'start=1MiB,type=c\\n' | sfdisk -q \"$0\"";
    output(Command::new("sh").args(["-c", table]).arg(&image));
    let part = empty(folder, "part.img", 63 << 20);
    output(Command::new("mkfs.fat").args(["-F", "32"]).arg(&part));
    output(
        Command::new("sh")
            .args(["-c", "mcopy -s -i \"$0\" \"$1\"/* ::/"])
            .args([&part, site]),
    );
    let (from, to) = (
        format!("if={}", part.display()),
        format!("of={}", image.display()),
    );
    output(Command::new("dd").args([
        &from,
        &to,
        "bs=1M",
        &format!("seek={START}B"),
        "conv=notrunc",
        "status=none",
    ]));
    image
}

/// Fetches all there is, and compares.
fn compare(site: &Path, url: &str, curl: impl Fn() -> Command) {
    let fetch = |path: &str| {
        let mut curl = curl();
        curl.args([
            "-sS",
            "--retry",
            "5",
            "--retry-connrefused",
            "-w",
            "%{http_code}",
        ]);
        let done = curl.arg(format!("{url}{path}")).output().unwrap();
        assert!(
            done.status.success(),
            "{curl:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        let (body, code) = done.stdout.split_at(done.stdout.len() - 3);
        (String::from_utf8(code.to_vec()).unwrap(), body.to_vec())
    };
    let ok = |body: Vec<u8>| (String::from("200"), body);
    assert_eq!(fetch("/"), ok(fs::read(site.join("index.html")).unwrap()));
    assert!(fetch("/bytes") == ok(fs::read(site.join("bytes")).unwrap()));
    assert_eq!(fetch("/a%20dir/x%20%26%20y.txt"), ok(b"well\n".to_vec()));
    let (code, list) = fetch("/a%20dir");
    let list = String::from_utf8(list).unwrap();
    let link = "<a href=\"/a%20dir/x%20%26%20y.txt\">x &amp; y.txt</a>";
    assert!(code == "200" && list.contains(link), "{list}");
    assert_eq!(fetch("/nothing").0, "404");
    assert_eq!(fetch("/%2e%2e/kern/log").0, "404");
}

#[test]
fn a_machine_serves_the_files_of_its_disk() {
    let test = "a_machine_serves_the_files_of_its_disk";
    if !need(test, &[&TOOLS[..], &[QEMU]].concat()) {
        return;
    }
    let arguments = [&APP[..], &["--platform", "pvh"]].concat();
    let image = Configuration::build("fileserver-pvh", &arguments).app("fileserver.elf");
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let disks = [
        (ext4(folder.path(), &site), "vblk0"),
        (fat(folder.path(), &site), "vblk0p1"),
    ];
    for (disk, unit) in disks {
        let port = free_port();
        let line = format!("ip=dhcp mount=/srv=auto:{unit}:ro");
        let mut machine = Machine::new(Board::Microvm, &image, &line);
        machine.add(&[
            "-netdev",
            &format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:80"),
        ]);
        machine.virtio("net", ",netdev=net");
        machine.add(&[
            "-drive",
            &format!("id=disk,file={},format=raw,if=none", disk.display()),
        ]);
        machine.virtio("blk", ",drive=disk");
        let before = fs::read(&disk).unwrap();
        let kernel = machine.start();
        kernel.expect("httpd: listening on port 80");
        compare(&site, &format!("http://127.0.0.1:{port}"), || {
            within(LIMIT, "curl")
        });
        drop(kernel);
        assert!(
            fs::read(&disk).unwrap() == before,
            "{unit}: what is only read does not change"
        );
    }
}

#[test]
fn a_process_serves_the_files_of_an_image() {
    let test = "a_process_serves_the_files_of_an_image";
    if !need_network(test, &TOOLS) {
        return;
    }
    let program = Configuration::build("fileserver", &APP).app("fileserver");
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let image = ext4(folder.path(), &site);
    let namespace = Namespace::new();
    let mut kernel = namespace.kernel(program);
    kernel.env("RUMP_DISK", format!("{}:ro", image.display()));
    kernel.env("RUMP_MOUNT", "/srv=auto:disk0:ro");
    let kernel = Child::start(&mut kernel);
    kernel.expect("httpd: listening on port 80");
    compare(&site, "http://10.77.0.2", || namespace.command("curl"));
}
