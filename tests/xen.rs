//! The platform `pvh` on Xen: as the first domain, and as a guest beside Linux.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::NamedTempFile;
use tests::{Configuration, Dom0, Guest, QEMU, emulate_xen, need, skip};

const XEN: &str = "/boot/xen-4.17-amd64.gz";

/// The image, as that of `machine.rs`.
fn image() -> PathBuf {
    let app = "tests/apps/machine";
    let arguments = [
        "--components",
        "net,sockets",
        "--platform",
        "pvh",
        "--app",
        app,
    ];
    Configuration::build("machine-pvh", &arguments).app("machine.elf")
}

/// The hypervisor. QEMU starts what begins like a program, not what is compressed.
fn hypervisor() -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let unpacked = Command::new("gzip").args(["-dc", XEN]).output().unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    fs::write(file.path(), unpacked.stdout).unwrap();
    file
}

/// What is to be in what was said.
#[track_caller]
fn expect(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no \"{part}\" in:\n{said}");
    }
}

/// As the first domain, with one processor to share.
fn first(line: &str, processors: &str) -> Output {
    let (xen, image) = (hypervisor(), image());
    let options = "console=com1 com1=115200 dom0=pvh dom0_mem=64M dom0_max_vcpus=";
    let options = format!("{options}{processors}");
    emulate_xen(|qemu| {
        qemu.args(["-cpu", "max", "-m", "512", "-device", "amd-iommu"]);
        qemu.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
        qemu.arg("-kernel").arg(xen.path());
        qemu.args(["-append", &options]);
        qemu.args(["-initrd", &format!("{} {line}", image.display())]);
    })
}

#[test]
fn the_same_image_is_the_first_domain() {
    if !need("the_same_image_is_the_first_domain", &[QEMU, XEN, "gzip"]) {
        return;
    }
    let exercises: [(&str, &str, i32, &[&str]); 4] = [
        ("-- loopback", "1", 33, &["(XEN) ", "loopback: "]),
        (
            "-- threads 2",
            "2",
            33,
            &["threads: 8 on 2 processors at once"],
        ),
        ("-- deadlines", "1", 33, &["deadlines: "]),
        (
            "-- null",
            "1",
            235,
            &["kernel: page fault (14): write of a null pointer"],
        ),
    ];
    for (line, processors, status, parts) in exercises {
        let done = first(line, processors);
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(done.status.code(), Some(status), "{line}:\n{said}");
        expect(&said, parts);
    }
}

/// What guests do, one after the other: with so many processors and this command line. Nobody reads what the last one
/// says.
const GUESTS: &str = r#"
guest 1 "-- date 3" -c
guest 1 "-- deadlines" -c
guest 4 "-- threads 4" -c
guest 1 "-- loopback" -c
guest 1 "-- exit 7" -c
guest 1 "-- null" -c
start 1 "-- chatter" -p
killall -STOP xenconsoled
xl unpause guest
watch
"#;

#[test]
fn the_same_image_is_a_guest() {
    let name = "the_same_image_is_a_guest";
    if !need(
        name,
        &[QEMU, XEN, "gzip", "apt-get", "dpkg-deb", "tar", "bash"],
    ) {
        return;
    }
    let Some(dom0) = Dom0::fetch() else {
        skip(
            name,
            "Debian's packages of Linux and of Xen's tools, which could not be fetched",
        );
        return;
    };
    let guests = dom0.run(hypervisor().path(), &image(), GUESTS);
    let reasons: Vec<_> = guests.iter().map(|guest| guest.reason).collect();
    let [date, deadlines, threads, loopback, exit, null, unread] = &guests[..] else {
        panic!("{guests:?}");
    };
    let (off, crashed) = (Some(0), Some(3));
    assert_eq!(
        reasons,
        [off, off, off, off, crashed, crashed, off],
        "{guests:#?}"
    );
    its_time_is_ours(date);
    expect(&deadlines.said, &["deadlines: late by ", ", about 20"]);
    expect(&threads.said, &["threads: 8 on 4 processors at once"]);
    expect(&loopback.said, &["loopback: 4194304 bytes there and back"]);
    assert!(!exit.said.contains("kernel:"), "{exit:?}");
    expect(
        &null.said,
        &[
            "kernel: page fault (14): write of a null pointer",
            "    at 0x0000000000",
        ],
    );
    assert!(!unread.said.contains("chatter"), "{unread:?}");
}

/// The guest's date is the first domain's, which the clock of the machine and one read from it may be a second apart
/// from; and between the two dates it said is as much time as it slept.
fn its_time_is_ours(guest: &Guest) {
    let dates = guest
        .said
        .lines()
        .filter_map(|line| line.strip_prefix("date: "));
    let dates: Vec<u64> = dates.map(|date| date.parse().unwrap()).collect();
    let [before, after] = dates[..] else {
        panic!("{guest:?}");
    };
    let (begin, end) = guest.span;
    assert!(
        (begin - 2) * 1000 <= before && after <= (end + 3) * 1000,
        "{guest:?}"
    );
    assert!(
        (3000..(end - begin + 2) * 1000).contains(&(after - before)),
        "{guest:?}"
    );
}
