//! Ctrl-C and signals while something is under way: how the tool ends, what is on the terminal, and what is in the image.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tests::{need, output, repository};

use crate::Tool;

/// What programs like these are ended with.
const INTERRUPTED: i32 = 130;
const TERMINATED: i32 = 143;

/// Small files of a copy that takes a while.
const MANY: usize = 60_000;

/// Runs the tool on a terminal until it shows a text, and presses a key: how it ended, and what was on the terminal.
fn on_terminal(tool: &Tool, text: &str, key: &str, words: &str) -> (i32, String) {
    let mut command = tool.within("python3");
    command
        .arg(repository().join("tests/tool/terminal.py"))
        .args([text, key])
        .arg(&tool.program)
        .args(words.split(' '));
    let said = output(&mut command);
    let (status, shown) = said.split_once('\n').expect("a line with the status");
    (status.parse().expect("a status"), shown.to_owned())
}

/// Panics unless the line with the progress is gone, and the cursor is there.
fn is_clean(shown: &str) {
    assert!(shown.contains(" copied, "), "{shown:?}");
    let last = shown.rsplit(" copied, ").next().expect("it has parts");
    assert!(last.contains("\r\u{1b}[2K"), "{shown:?}");
    let [hidden, shown_again] = ["\u{1b}[?25l", "\u{1b}[?25h"].map(|code| shown.rfind(code));
    assert!(hidden <= shown_again, "{shown:?}");
}

/// Where the host has files in memory: making many takes long elsewhere.
const MEMORY: &str = "/dev/shm";

/// A place with many files in it, in directories of a thousand.
fn plant() -> TempDir {
    let place = TempDir::new_in(MEMORY).expect("a directory");
    for number in 0..MANY {
        let directory = place.path().join((number / 1000).to_string());
        if number % 1000 == 0 {
            fs::create_dir_all(&directory).expect("a directory");
        }
        fs::write(directory.join(number.to_string()), number.to_string()).expect("a file");
    }
    place
}

#[test]
fn what_was_copied_before_ctrl_c_is_in_the_image() {
    let test = "what_was_copied_before_ctrl_c_is_in_the_image";
    if !need(test, &["e2fsck", "mke2fs", "python3", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    let many = plant();
    for (key, status) in [("ctrl-c", INTERRUPTED), ("TERM", TERMINATED)] {
        tool.run("fs mkfs -t ext4 --size 8G a.img");
        let words = format!("fs cp -w -r {} a.img:/tree", many.path().display());
        let (ended, shown) = on_terminal(&tool, " copied, ", key, &words);
        assert_eq!(ended, status, "{key}: {shown:?}");
        is_clean(&shown);
        tool.is_clean("a.img");
        let there = tool.run("fs find a.img --type f").lines().count();
        assert!((256..MANY).contains(&there), "{key}: {there} files");
        // They are whole.
        assert!(tool.run("fs check a.img").contains("all of it can be read"));
        assert_eq!(tool.run("fs cat a.img:/tree/0/100"), "100");
        fs::remove_file(tool.path("a.img")).expect("the image");
    }
}

#[test]
fn what_only_reads_ends_at_once() {
    let test = "what_only_reads_ends_at_once";
    if !need(test, &["e2fsck", "python3", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    tool.run("fs mkfs -t ext4 --size 64M a.img");
    fs::write(tool.path("much"), vec![1; 8 << 20]).expect("a file");
    tool.run("fs cp -w much a.img:/");
    for words in ["fs shell a.img", "fs shell -w a.img"] {
        let (ended, shown) = on_terminal(&tool, "a.img: ext4", "TERM", words);
        assert_eq!(ended, TERMINATED, "{shown:?}");
    }
    tool.is_clean("a.img");
    let before = fs::read(tool.path("a.img")).expect("the image");
    // Whoever reads little keeps it writing.
    let mut command = Command::new(&tool.program);
    command
        .current_dir(&tool.place)
        .args(["fs", "tar", "a.img:/"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut some = [0; 512];
    let out = child.stdout.as_mut().expect("it is piped");
    out.read_exact(&mut some).expect("it writes");
    // `SIGINT` is ignored by whoever was started in the background.
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(TERMINATED));
    assert!(fs::read(tool.path("a.img")).expect("the image") == before);
}

#[test]
fn a_signal_that_was_ignored_stays_so() {
    let test = "a_signal_that_was_ignored_stays_so";
    if !need(test, &["bash", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    tool.run("fs mkfs -t ext4 --size 64M a.img");
    // As `nohup` has it.
    let mut command = Command::new("bash");
    command
        .current_dir(&tool.place)
        .args(["-c", "trap '' HUP; exec \"$0\" fs shell -w a.img"])
        .arg(&tool.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = child.stdin.take().expect("it is piped");
    let mut out = child.stdout.take().expect("it is piped");
    lines.write_all(b"pwd\n").expect("it reads");
    let mut answer = [0; 2];
    out.read_exact(&mut answer).expect("it answers");
    assert_eq!(&answer, b"/\n");
    kill_process(Pid::from_child(&child), Signal::HUP).expect("it runs");
    lines.write_all(b"mkdir after\n").expect("it reads");
    drop(lines);
    assert!(child.wait().expect("it ends").success());
    assert_eq!(tool.run("fs ls -d a.img:/after"), "/after\n");
}
