//! New file systems: what the checkers of each kind say of them, in many sizes, and what is not overwritten.

use std::fs;
use std::process::{Command, Stdio};

use tests::{need, output};

use crate::Tool;

#[test]
fn a_new_ext4_is_clean_in_every_size() {
    if !need("a_new_ext4_is_clean_in_every_size", &["e2fsck", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    // The smallest; with a journal; a second group; one whose rest is too small for another; many groups.
    let sizes = [
        "256k", "4M", "31M", "32M", "127M", "129M", "140M", "512M", "5G",
    ];
    for size in sizes {
        let _ = fs::remove_file(tool.path("a.img"));
        let said = tool.run(&format!(
            "fs mkfs -t ext4 -L attic --size {size} --json a.img"
        ));
        assert!(said.contains(r#""label":"attic""#), "{size}: {said}");
        tool.is_clean("a.img");
        assert_eq!(tool.run("fs ls a.img"), "lost+found\n", "{size}");
    }
    let taken = fs::metadata(tool.path("a.img")).expect("it is there");
    let taken = std::os::unix::fs::MetadataExt::blocks(&taken) * 512;
    assert!(taken < 16 << 20, "5 GiB of nothing take {taken} bytes");
}

#[test]
fn a_new_fat_is_clean_in_every_size() {
    let test = "a_new_fat_is_clean_in_every_size";
    if !need(test, &["fsck.fat", "mdir", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    for size in ["64k", "1440k", "4M", "33M", "511M", "512M", "9G"] {
        let _ = fs::remove_file(tool.path("a.img"));
        tool.run(&format!("fs mkfs -t fat -L Boot --size {size} a.img"));
        output(Command::new("fsck.fat").arg("-n").arg(tool.path("a.img")));
        let listed = output(Command::new("mdir").arg("-i").arg(tool.path("a.img")));
        assert!(listed.contains("BOOT"), "{size}: {listed}");
        assert_eq!(tool.run("fs ls a.img"), "", "{size}");
    }
}

#[test]
fn a_new_file_system_takes_files() {
    let test = "a_new_file_system_takes_files";
    if !need(test, &["diff", "e2fsck", "fsck.fat", "mcopy", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    fs::create_dir_all(tool.path("from/deep")).expect("directories");
    for index in 0..300 {
        let path = tool.path(&format!("from/deep/{index}"));
        fs::write(path, vec![index as u8; index * 97]).expect("a file");
    }
    for (kind, size) in [
        ("ext4", "8M"),
        ("ext4", "40M"),
        ("fat", "8M"),
        ("fat", "600M"),
    ] {
        let _ = fs::remove_file(tool.path("a.img"));
        tool.run(&format!("fs mkfs -t {kind} --size {size} a.img"));
        tool.run("fs cp -w -r from a.img:/");
        tool.run("fs cp -r a.img:/from back");
        let mut diff = Command::new("diff");
        diff.arg("-r").arg(tool.path("from")).arg(tool.path("back"));
        assert_eq!(output(&mut diff), "", "{kind} of {size}");
        fs::remove_dir_all(tool.path("back")).expect("it was there");
        if kind == "ext4" {
            tool.is_clean("a.img");
        } else {
            output(Command::new("fsck.fat").arg("-n").arg(tool.path("a.img")));
            let mut mcopy = Command::new("mcopy");
            mcopy.arg("-i").arg(tool.path("a.img"));
            let read = mcopy.args(["::from/deep/123", "-"]).output();
            assert_eq!(read.expect("it runs").stdout, vec![123; 123 * 97]);
        }
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let test = "what_is_there_is_not_overwritten";
    if !need(test, &["sfdisk", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    tool.run("fs mkfs -t ext4 --size 8M a.img");
    let before = fs::read(tool.path("a.img")).expect("it is there");
    let disk = fs::File::create(tool.path("disk.img")).expect("a file");
    disk.set_len(32 << 20).expect("it grows");
    let mut sfdisk = Command::new("sfdisk")
        .arg("-q")
        .arg(tool.path("disk.img"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut words = sfdisk.stdin.take().expect("piped");
    std::io::Write::write_all(&mut words, b"label: gpt\nsize=4MiB\nsize=8MiB\n").expect("it reads");
    drop(words);
    assert!(sfdisk.wait().expect("it ends").success());
    for (words, code, says) in [
        ("-t fat a.img", 2, "holds a file system already, ext4; "),
        (
            "-t fat --size 8M a.img",
            2,
            "is there already; leave out --size",
        ),
        ("-t fat gone.img", 2, "say how large it is to be: --size 1G"),
        ("-t fat disk.img", 2, "say --force to overwrite them all"),
        ("-t fat disk.img:7", 2, "has no partition 7"),
        ("-t fat a.img:/etc", 2, "leave out :/etc"),
        (
            "-t minix --size 1M new.img",
            2,
            "there is no file system minix here",
        ),
        ("-t fat --size 1k new.img", 2, "too small: a FAT takes"),
        (
            "-t ext4 -L seventeen_letters --size 1M new.img",
            2,
            "at most 16 bytes",
        ),
        (
            "-t squashfs --size 1M new.img",
            1,
            "makes no new file systems; a program of the host",
        ),
    ] {
        let (ended, _, said) = tool.ends(&format!("fs mkfs {words}"));
        assert_eq!(ended, Some(code), "{words}: {said}");
        assert!(said.contains(says), "{words}: {said}");
        assert!(!tool.path("new.img").exists(), "{words}");
    }
    assert!(fs::read(tool.path("a.img")).expect("it is there") == before);
    assert_eq!(
        tool.run("fs mkfs -t fat disk.img:2"),
        "disk.img:2: a new fat of 8.0M\n"
    );
    let (_, _, said) = tool.ends("fs mkfs -t ext4 disk.img:2");
    assert!(
        said.contains("disk.img:2 holds a file system already, fat"),
        "{said}"
    );
    // What was there does not shine through.
    tool.run("fs mkfs -t ext4 --force disk.img:2");
    tool.run("fs mkfs -t fat --force a.img");
    assert!(tool.run("fs stat -f a.img").contains("Kind: fat"));
    assert!(tool.run("fs stat -f disk.img:2").contains("Kind: ext4"));
    tool.run("fs mkfs -t ext4 --force disk.img");
    assert!(tool.run("fs stat -f disk.img").contains("Kind: ext4"));
}
