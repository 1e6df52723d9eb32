//! Images in formats for machines and registries: they boot from CD and from disk, by BIOS and by UEFI, and what
//! works with registries takes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rumpgen::tools::OVMF;
use tests::{Child, Configuration, QEMU, free_port, need, output, wait_until, within};

/// What making all formats takes.
const TOOLS: [&str; 10] = [
    "/usr/lib/grub/i386-pc/boot.img",
    "/usr/lib/grub/i386-pc/boot_hybrid.img",
    "/usr/lib/grub/i386-pc/moddep.lst",
    "/usr/lib/grub/x86_64-efi/moddep.lst",
    "curl",
    "grub-mkimage",
    "mcopy",
    "mformat",
    "mmd",
    "xorriso",
];
/// What a machine may take for all that a test wants of it, on a host that is busy with other tests.
const LIMIT: Duration = Duration::from_secs(300);

/// A web server at port 8080 of the network that QEMU makes, in all formats; the parameters and the port are in the
/// formats alone.
fn build() -> Configuration {
    let arguments = [
        "--components",
        "net,sockets",
        "--platform",
        "pvh",
        "--app",
        "examples/httpd",
        "--image",
        "iso,oci,raw",
        "--param",
        "ip=10.0.2.15/24",
        "--param",
        "gateway=10.0.2.2",
        "--",
        "--port",
        "8080",
    ];
    Configuration::build("formats", &arguments)
}

/// One test at a time: one of them has files made again.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Boots a PC with this drive, and with UEFI where that is asked for, until it has served a page.
fn boots(drive: &str, uefi: bool) {
    let port = free_port();
    let mut qemu = within(LIMIT, QEMU);
    qemu.args(["-accel", "tcg", "-machine", "q35", "-cpu", "max"]);
    qemu.args(["-m", "256", "-nodefaults", "-no-user-config"]);
    qemu.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
    qemu.args(["-device", "virtio-net-pci,netdev=net,romfile="]);
    let net = format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:8080");
    qemu.args(["-netdev", &net, "-drive", drive]);
    if uefi {
        let firmware = "if=pflash,format=raw,unit=0,readonly=on,file=";
        qemu.args(["-drive", &format!("{firmware}{}", OVMF.name)]);
    }
    let machine = Child::start(&mut qemu);
    machine.expect("httpd: listening on port 8080");
    let url = format!("http://127.0.0.1:{port}/");
    let page = output(Command::new("curl").args(["-sS", "--max-time", "60", &url]));
    assert!(page.contains("<html"), "{drive}: {page}");
}

#[test]
fn discs_boot_by_bios_and_by_uefi() {
    let tools = [&TOOLS[..], &[QEMU, OVMF.name]].concat();
    if !need("discs_boot_by_bios_and_by_uefi", &tools) {
        return;
    }
    let _turn = turn();
    let configuration = build();
    let file = |name| configuration.app(name).display().to_string();
    let (iso, raw) = (file("httpd.iso"), file("httpd.raw"));
    let disk = |file: &str, bus: &str| format!("file={file},format=raw,if={bus},snapshot=on");
    for uefi in [false, true] {
        boots(&format!("file={iso},media=cdrom,if=ide"), uefi);
        boots(&disk(&iso, "ide"), uefi);
        boots(&disk(&raw, "ide"), uefi);
        boots(&disk(&raw, "virtio"), uefi);
    }
}

#[test]
fn skopeo_takes_the_layout() {
    let tools = [&TOOLS[..], &["skopeo", "tar"]].concat();
    if !need("skopeo_takes_the_layout", &tools) {
        return;
    }
    let _turn = turn();
    let configuration = build();
    let layout = format!("oci:{}", configuration.app("httpd.oci").display());
    let skopeo = |arguments: &[&str]| output(Command::new("skopeo").args(arguments));
    let said = skopeo(&["inspect", "--config", &format!("{layout}:latest")]);
    let config: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(config["architecture"], "amd64");
    assert_eq!(config["config"]["Entrypoint"][0], "/httpd.elf");
    let command: Vec<_> = config["config"]["Cmd"].as_array().unwrap().iter().collect();
    let expected = [
        "gateway=10.0.2.2",
        "ip=10.0.2.15/24",
        "--",
        "--port",
        "8080",
    ];
    assert_eq!(command, expected);

    // Unpacked after skopeo had it in its hands, the image is what was built.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    skopeo(&["copy", &layout, &format!("dir:{}", copy.display())]);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(copy.join("manifest.json")).unwrap()).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let layer = copy.join(layer.trim_start_matches("sha256:"));
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder.path()).arg("-xf").arg(layer);
    output(tar.arg("httpd.elf"));
    let [unpacked, built] = [
        folder.path().join("httpd.elf"),
        configuration.app("httpd.elf"),
    ];
    assert!(fs::read(unpacked).unwrap() == fs::read(built).unwrap());
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    if !need("the_same_image_gives_the_same_bytes", &TOOLS) {
        return;
    }
    let _turn = turn();
    let configuration = build();
    let artifacts = configuration.artifacts();
    let first = formats(&artifacts);
    assert_eq!(first.len(), 7, "{:?}", first.keys());
    for path in first.keys() {
        fs::remove_file(artifacts.join(path)).unwrap();
    }
    // Times are told apart by two seconds, in FAT.
    let begin = std::time::Instant::now();
    let passed = || begin.elapsed() > Duration::from_secs(3);
    wait_until("time passes", LIMIT, passed);
    build();
    let second = formats(&artifacts);
    assert!(first.keys().eq(second.keys()), "{:?}", second.keys());
    for (path, bytes) in &first {
        assert!(*bytes == second[path], "{}", path.display());
    }
}

/// The files of all formats, by their paths in the folder.
fn formats(artifacts: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![artifacts.join("httpd.oci")];
    let mut add = |path: PathBuf| {
        let name = path.strip_prefix(artifacts).unwrap().to_owned();
        files.insert(name, fs::read(path).unwrap());
    };
    for name in ["httpd.iso", "httpd.raw"] {
        add(artifacts.join(name));
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => add(path),
            }
        }
    }
    files
}
