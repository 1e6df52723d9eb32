//! Images that mean harm.

use std::fs;
use std::os::unix::fs::symlink;

use tests::need;

use crate::Tool;

#[test]
fn nothing_leads_out_of_where_a_copy_goes() {
    if !need(
        "nothing_leads_out_of_where_a_copy_goes",
        &["mke2fs", "timeout"],
    ) {
        return;
    }
    let tool = Tool::new();
    let outside = tool.path("outside");
    fs::create_dir(&outside).expect("a directory");
    fs::write(outside.join("file"), "mine").expect("a file");

    // First a link to a directory and one to a file, then things that would be written through them.
    let links = tool.path("links");
    fs::create_dir(&links).expect("a directory");
    symlink(&outside, links.join("directory")).expect("a link");
    symlink(outside.join("file"), links.join("file")).expect("a link");
    let things = tool.path("things");
    fs::create_dir_all(things.join("directory")).expect("a directory");
    fs::write(things.join("directory/new"), "theirs").expect("a file");
    fs::write(things.join("file"), "theirs").expect("a file");
    tool.ext4("a.img", &links, "8M");
    tool.ext4("b.img", &things, "8M");

    tool.run("fs cp -r a.img:/ out");
    let (code, _, said) = tool.ends("fs cp -r b.img:/ out");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/directory: on the host: "), "{said}");
    assert!(!outside.join("new").exists());
    assert_eq!(
        fs::read_to_string(outside.join("file")).expect("it is there"),
        "mine"
    );
    // The file took the link's place.
    assert_eq!(
        fs::read_to_string(tool.path("out/file")).expect("it was copied"),
        "theirs"
    );
}

#[test]
fn names_command_no_terminal() {
    if !need("names_command_no_terminal", &["mke2fs", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    let from = tool.path("tree");
    fs::create_dir(&from).expect("a directory");
    fs::write(from.join("a\x1b[2Jb\nc"), "").expect("a file");
    tool.ext4("a.img", &from, "8M");
    for words in ["ls", "ls -l", "tree", "find", "du", "stat", "ls --json"] {
        let said = tool.run(&format!("fs {words} a.img"));
        assert!(!said.contains('\x1b'), "{words}: {said:?}");
    }
    assert!(tool.run("fs ls a.img").contains("a\\u{1b}[2Jb\\nc\n"));
}

#[test]
fn damage_is_named_by_its_place() {
    if !need("damage_is_named_by_its_place", &["mksquashfs", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    let from = tool.path("tree");
    fs::create_dir(&from).expect("a directory");
    // What is compressed does not survive damage unnoticed.
    let numbers = (0..400_000_u64).map(|n| format!("{}\n", n * 2_654_435_761 % 1_000_003));
    let noise: String = numbers.collect();
    fs::write(from.join("noise"), &noise).expect("a file");
    fs::write(from.join("whole"), "whole").expect("a file");
    let mut mksquashfs = std::process::Command::new("mksquashfs");
    mksquashfs.arg(&from).arg(tool.path("a.img"));
    tests::output(mksquashfs.args(["-quiet", "-no-progress"]));
    assert!(tool.run("fs check a.img").contains("all of it can be read"));
    let mut bytes = fs::read(tool.path("a.img")).expect("it is there");
    bytes[200_000..200_500].fill(0xff);
    fs::write(tool.path("a.img"), bytes).expect("it can be written");
    let (code, _, said) = tool.ends("fs check a.img");
    assert!(code == Some(1) && said.contains("/noise: "), "{said}");
    let (code, _, said) = tool.ends("fs cp -r a.img:/ out");
    assert!(
        code == Some(1) && said.contains("/noise: at byte "),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(tool.path("out/whole")).expect("it was copied"),
        "whole"
    );
}
