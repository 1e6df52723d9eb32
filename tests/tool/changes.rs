//! Images that are changed, and what `e2fsck` says of them.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use tests::need;

use crate::Tool;

fn empty(test: &str) -> Option<Tool> {
    if !need(test, &["mke2fs", "e2fsck", "timeout"]) {
        return None;
    }
    let tool = Tool::new();
    let nothing = tool.path("nothing");
    fs::create_dir(&nothing).expect("a directory");
    tool.ext4("a.img", &nothing, "16M");
    Some(tool)
}

#[test]
fn directories_and_names_come_and_go() {
    let Some(tool) = empty("directories_and_names_come_and_go") else {
        return;
    };
    fs::write(tool.path("note"), "rain").expect("a file");
    tool.run("fs mkdir -w -p a.img:/a/b/c /a/d");
    tool.run("fs cp -w note a.img:/a/b/");
    tool.run("fs cp -w note a.img:/a/b/c/other");
    tool.run("fs mv -w a.img /a/b/note /a/d");
    tool.run("fs mv -w a.img /a/b /moved");
    assert_eq!(tool.run("fs find a.img:/a"), "/a\n/a/d\n/a/d/note\n");
    assert_eq!(tool.run("fs cat a.img:/moved/c/other"), "rain");
    let (code, _, said) = tool.ends("fs rm -w a.img:/moved");
    assert!(code == Some(1) && said.contains("say -r"), "{said}");
    tool.run("fs rm -w -r a.img:/moved /a");
    assert_eq!(tool.run("fs ls a.img"), "lost+found\n");
    tool.is_clean("a.img");
}

#[test]
fn a_shell_does_what_its_input_says() {
    let Some(tool) = empty("a_shell_does_what_its_input_says") else {
        return;
    };
    fs::write(tool.path("note"), "rain").expect("a file");
    let mut shell = tool.command("fs shell -w a.img");
    shell.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = shell.spawn().expect("it starts");
    let words =
        "mkdir 'a dir'\ncd 'a dir'\nput note\npwd\ncat note\nget note back\nexit\nrm note\n";
    let mut input = shell.stdin.take().expect("piped");
    input.write_all(words.as_bytes()).expect("it reads");
    drop(input);
    let done = shell.wait_with_output().expect("it ends");
    assert!(done.status.success());
    assert_eq!(String::from_utf8_lossy(&done.stdout), "/a dir\nrain");
    assert_eq!(
        fs::read_to_string(tool.path("back")).expect("it was copied"),
        "rain"
    );
    tool.is_clean("a.img");
}

#[test]
fn what_is_not_to_be_changed_is_not() {
    let Some(tool) = empty("what_is_not_to_be_changed_is_not") else {
        return;
    };
    let before = fs::read(tool.path("a.img")).expect("it is there");
    tool.run("fs ls -l a.img");
    tool.run("fs check a.img");
    tool.run("fs cp -r a.img:/ out");
    assert!(fs::read(tool.path("a.img")).expect("it is there") == before);
}
