//! What is shown, to people and to programs, and with which exit codes.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::{need, output};

use crate::Tool;

/// A small image.
fn image(test: &str) -> Option<Tool> {
    if !need(test, &["mke2fs", "timeout"]) {
        return None;
    }
    let tool = Tool::new();
    let from = tool.path("tree");
    fs::create_dir_all(from.join("etc/deep")).expect("directories");
    fs::write(from.join("etc/motd"), "welcome\n").expect("a file");
    fs::write(from.join("etc/.hidden"), "").expect("a file");
    fs::write(from.join("etc/deep/big.bin"), vec![1; 100_000]).expect("a file");
    std::os::unix::fs::symlink("/etc/motd", from.join("link")).expect("a link");
    tool.ext4("a.img", &from, "8M");
    Some(tool)
}

fn objects(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

#[test]
fn files_are_listed_found_and_read() {
    let Some(tool) = image("files_are_listed_found_and_read") else {
        return;
    };
    assert_eq!(tool.run("fs ls a.img:/etc"), "deep\nmotd\n");
    assert_eq!(tool.run("fs ls -a a.img /etc"), ".hidden\ndeep\nmotd\n");
    let below = tool.run("fs ls -R a.img:/etc");
    assert!(
        below.starts_with("/etc:\ndeep\nmotd\n\n/etc/deep:\n"),
        "{below}"
    );
    let items = objects(&tool.run("fs ls -R --json a.img:/"));
    assert!(
        items.iter().any(|item| item["path"] == "/etc/motd"),
        "{items:?}"
    );
    let long = tool.run("fs ls -l -h a.img:/");
    assert!(long.contains("-> /etc/motd\n"), "{long}");
    // A link of the image's leads into the image.
    assert_eq!(tool.run("fs cat a.img:/link"), "welcome\n");
    assert_eq!(
        tool.run("fs find a.img:/etc -name *.bin"),
        "/etc/deep/big.bin\n"
    );
    assert_eq!(tool.run("fs find a.img:/ -type l"), "/link\n");
    assert_eq!(
        tool.run("fs find a.img:/ --size +90k"),
        "/etc/deep/big.bin\n"
    );
    let tree = tool.run("fs tree a.img:/etc");
    assert_eq!(
        tree,
        "/etc\n├── .hidden\n├── deep\n│   └── big.bin\n└── motd\n\n1 directories, 3 files\n"
    );
    let du = objects(&tool.run("fs du -s --apparent-size --json a.img:/etc/deep/big.bin"));
    assert_eq!(du[0]["bytes"], 100_000);
    let checked = tool.run("fs check --json a.img");
    let checked: Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(
        (&checked["files"], &checked["type"]),
        (&3.into(), &"ext4".into())
    );
}

#[test]
fn programs_get_json() {
    let Some(tool) = image("programs_get_json") else {
        return;
    };
    let items = objects(&tool.run("fs ls --json a.img:/etc"));
    let paths: Vec<_> = items.iter().map(|item| &item["path"]).collect();
    assert_eq!(paths, ["/etc/deep", "/etc/motd"]);
    assert_eq!(
        (&items[1]["type"], &items[1]["size"]),
        (&"file".into(), &8.into())
    );
    let link = &objects(&tool.run("fs stat --json a.img:/link"))[0];
    assert_eq!(
        (&link["type"], &link["target"]),
        (&"symlink".into(), &"/etc/motd".into())
    );
    assert!(objects(&tool.run("fs find --json a.img -name none")).is_empty());
}

#[test]
fn exit_codes_say_what_kind_of_trouble_it_is() {
    let Some(tool) = image("exit_codes_say_what_kind_of_trouble_it_is") else {
        return;
    };
    fs::write(tool.path("zeros.img"), vec![0; 1 << 20]).expect("a file");
    for (words, code, says) in [
        ("fs cat a.img:/gone", 1, "/gone: No such file or directory"),
        ("fs cat a.img:/etc", 1, "/etc: "),
        ("fs ls gone.img", 2, "gone.img: there is no such file"),
        ("fs ls a.img:3", 2, "holds no partition table; leave out :3"),
        (
            "fs ls -t minix a.img",
            2,
            "there is no file system minix here; there are: ",
        ),
        ("fs ls -t squashfs a.img", 1, "a.img: "),
        ("fs rm a.img:/etc/motd", 2, "to change it, say -w"),
        ("fs cp a.img:/etc .", 2, "say -r"),
        ("fs frob a.img", 2, "unrecognized subcommand"),
        (
            "fs ls zeros.img",
            1,
            "holds no file system that is known here; there are: ext2, ext4, fat, iso9660, squashfs",
        ),
    ] {
        let (ended, _, said) = tool.ends(words);
        assert_eq!(ended, Some(code), "{words}: {said}");
        assert!(said.contains(says), "{words}: {said}");
    }
    let (ended, said, _) = tool.ends("fs cp --help");
    assert!(ended == Some(0) && said.contains("rump fs cp -r disk.img:2:/home backup"));
}

#[test]
fn a_partition_is_chosen_by_its_number_or_name() {
    let test = "a_partition_is_chosen_by_its_number_or_name";
    if !need(test, &["sfdisk", "dd"]) {
        return;
    }
    let Some(tool) = image(test) else {
        return;
    };
    let disk = fs::File::create(tool.path("disk.img")).expect("a file");
    disk.set_len(32 << 20).expect("it grows");
    let mut sfdisk = Command::new("sfdisk")
        .arg("-q")
        .arg(tool.path("disk.img"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut words = sfdisk.stdin.take().expect("piped");
    words
        .write_all(b"label: gpt\nsize=4MiB, name=2\nsize=8MiB, name=\"the root\"\nsize=1MiB, name=twice\nsize=1MiB, name=twice\n")
        .expect("it reads");
    drop(words);
    assert!(sfdisk.wait().expect("it ends").success());
    let mut dd = Command::new("dd");
    dd.current_dir(&tool.place);
    output(dd.args(["if=a.img", "of=disk.img", "bs=1M", "seek=5", "conv=notrunc"]));
    assert_eq!(tool.run("fs ls disk.img:2:/etc"), "deep\nmotd\n");
    let named = tool
        .within(&tool.program)
        .args(["fs", "ls", "disk.img:the root:/etc"])
        .output();
    assert_eq!(named.expect("it runs").stdout, b"deep\nmotd\n");
    let (code, _, said) = tool.ends("fs ls disk.img:twice");
    assert!(
        code == Some(2) && said.contains("several partitions twice") && said.contains("disk.img:4"),
        "{said}"
    );
    let (code, _, said) = tool.ends("fs ls disk.img");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("disk.img holds a partition table; choose one:"),
        "{said}"
    );
    assert!(
        said.contains("disk.img:2") && said.contains("ext4  the root"),
        "{said}"
    );
    let (code, _, said) = tool.ends("fs ls disk.img:7");
    assert!(
        code == Some(2) && said.contains("has no partition 7"),
        "{said}"
    );
}
