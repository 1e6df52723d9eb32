//! Directories of the host in a kernel: what is in them is there, both ways, and nothing else of the host is.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use rustix::fs::{CWD, FileType, Mode, RenameFlags, makedev, mknodat, renameat_with};
use tempfile::TempDir;
use tests::{Configuration, Link, compile, need, skip};

/// The program that uses files, with its kernel.
fn program() -> PathBuf {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let build = || {
        let configuration = Configuration::build("hostfs", &["--components", "hostfs"]);
        let folder = tempfile::tempdir().unwrap();
        let sources = ["programs/hostfs.c"];
        let link = Link::Static(&configuration);
        let path = compile(folder.path(), "hostfs", &sources, &[], link);
        (folder, path)
    };
    BUILT.get_or_init(build).1.clone()
}

/// A directory for a kernel, and one beside it that is none of its business.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Folder(tempfile::tempdir().unwrap());
        fs::create_dir(folder.inside()).unwrap();
        fs::create_dir(folder.outside()).unwrap();
        fs::write(folder.outside().join("secret"), "hidden").unwrap();
        fs::create_dir(folder.outside().join("hidden")).unwrap();
        folder
    }

    fn inside(&self) -> PathBuf {
        self.0.path().join("inside")
    }

    fn outside(&self) -> PathBuf {
        self.0.path().join("outside")
    }

    /// Whether nothing outside was touched.
    fn check_outside(&self) {
        let mut names: Vec<_> = fs::read_dir(self.outside())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["hidden", "secret"]);
        let secret = fs::metadata(self.outside().join("secret")).unwrap();
        assert_eq!(
            (secret.permissions().mode() & 0o7777, secret.nlink()),
            (0o644, 1)
        );
        assert_eq!(fs::read(self.outside().join("secret")).unwrap(), b"hidden");
    }

    /// The program with the directory on `/host`.
    fn command(&self, options: &str) -> Command {
        let mut command = Command::new(program());
        let mount = format!("/host=hostfs:{}:{options}", self.inside().display());
        command.env("RUMP_MOUNT", mount);
        command
    }

    fn asked(&self, options: &str) -> Asked {
        Asked::new(self.command(options))
    }
}

/// The program, asked line by line.
struct Asked {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Asked {
    fn new(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take(), child.stdout.take().unwrap());
        let from = BufReader::new(from);
        Asked { child, to, from }
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.to.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// Asks what is to be answered so.
    fn expect(&mut self, line: &str, answer: &str) {
        assert_eq!(self.ask(line), answer, "{line}");
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        drop(self.to.take());
        let ended = self.child.wait().unwrap();
        assert!(ended.success() || thread::panicking(), "{ended}");
    }
}

#[test]
fn what_one_side_changes_the_other_sees_at_once() {
    if !need(
        "what_one_side_changes_the_other_sees_at_once",
        &["pkg-config"],
    ) {
        return;
    }
    let folder = Folder::new();
    let inside = folder.inside();
    let mut kernel = folder.asked("");
    kernel.expect("get /host/file", "ENOENT");
    fs::write(inside.join("file"), "first").unwrap();
    kernel.expect("get /host/file", "first");
    kernel.expect("append /host/file more", "");
    assert_eq!(fs::read(inside.join("file")).unwrap(), b"firstmore");
    fs::write(inside.join("file"), "2").unwrap();
    kernel.expect("get /host/file", "2");
    kernel.expect("stat /host/file", "100644 1 1");
    fs::write(inside.join("other"), "other").unwrap();
    fs::rename(inside.join("other"), inside.join("file")).unwrap();
    kernel.expect("get /host/file", "other");
    fs::remove_file(inside.join("file")).unwrap();
    kernel.expect("get /host/file", "ENOENT");

    kernel.expect("mkdir /host/a", "");
    kernel.expect("put /host/a/file inner", "");
    assert_eq!(fs::read(inside.join("a/file")).unwrap(), b"inner");
    kernel.expect("cd /host/a", "/host/a");
    // The host moves a directory that the kernel knows: under its old name there is none any more.
    fs::create_dir(inside.join("b")).unwrap();
    fs::rename(inside.join("a"), inside.join("b/c")).unwrap();
    kernel.expect("stat /host/a", "ENOENT");
    kernel.expect("get /host/b/c/file", "inner");
    kernel.expect("get file", "inner");
    kernel.expect("cd /host/b/c", "/host/b/c");
    // And upside down: it is in what was in it.
    fs::rename(inside.join("b/c"), inside.join("c")).unwrap();
    fs::rename(inside.join("b"), inside.join("c/b")).unwrap();
    kernel.expect("cd /host/c/b", "/host/c/b");
    kernel.expect("get ../file", "inner");
    kernel.expect("rename /host/c /host/c/b/c", "EINVAL");
    kernel.expect("rename /host/c/b /host/d", "");
    assert!(inside.join("d").is_dir());
    kernel.expect("list /host/c", "file");

    kernel.expect("chmod /host/c/file 4711", "");
    let mode = fs::metadata(inside.join("c/file")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o4711);
    kernel.expect("setxattr /host/c/file trusted.own", "EOPNOTSUPP");
    kernel.expect("unlink /host/c/file", "");
    kernel.expect("rmdir /host/c", "");
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 1);
    folder.check_outside();
}

#[test]
fn no_name_and_no_link_leads_out() {
    if !need("no_name_and_no_link_leads_out", &["pkg-config"]) {
        return;
    }
    let folder = Folder::new();
    let (inside, outside) = (folder.inside(), folder.outside());
    symlink(&outside, inside.join("absolute")).unwrap();
    symlink("../outside", inside.join("relative")).unwrap();
    symlink("/", inside.join("root")).unwrap();
    symlink("/proc/self/root", inside.join("proc")).unwrap();
    fs::write(inside.join("file"), "file").unwrap();
    let mut kernel = folder.asked("");
    kernel.expect("readlink /host/relative", "../outside");
    kernel.expect("list /host/root", "host");
    let there = outside.display();
    for way in [
        "/host/../outside".to_owned(),
        "/host/../../outside".to_owned(),
        "/host/relative".to_owned(),
        "/host/absolute".to_owned(),
        format!("/host/root{there}"),
        format!("/host/proc{there}"),
        format!("{there}"),
    ] {
        for line in [
            "get WAY/secret",
            "put WAY/secret stolen",
            "append WAY/secret stolen",
            "put WAY/new new",
            "list WAY/.",
            "mkdir WAY/new",
            "mkfifo WAY/new",
            "rmdir WAY/hidden",
            "unlink WAY/secret",
            "rename WAY/secret /host/stolen",
            "rename /host/file WAY/file",
            "link WAY/secret /host/stolen",
            "link /host/file WAY/file",
            "symlink text WAY/link",
            "chmod WAY/secret 777",
            "truncate WAY/secret 1",
            "setxattr WAY/secret user.a",
            "cd WAY/hidden",
        ] {
            kernel.expect(&line.replace("WAY", &way), "ENOENT");
        }
    }
    kernel.expect("get /host/file", "file");
    folder.check_outside();
}

#[test]
fn a_directory_that_is_exchanged_with_a_link_meanwhile_leads_nowhere_else() {
    let test = "a_directory_that_is_exchanged_with_a_link_meanwhile_leads_nowhere_else";
    if !need(test, &["pkg-config"]) {
        return;
    }
    let folder = Folder::new();
    let place = folder.inside().join("place");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("secret"), "public").unwrap();
    for target in [Path::new("../outside"), &folder.outside()] {
        let link = folder.inside().join("link");
        symlink(target, &link).unwrap();
        let ends = AtomicBool::new(false);
        let said = thread::scope(|scope| {
            scope.spawn(|| {
                while !ends.load(Relaxed) {
                    renameat_with(CWD, &place, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                }
            });
            let ended = folder
                .command("")
                .args(["race", "/host/place", "5000"])
                .output();
            ends.store(true, Relaxed);
            ended.unwrap()
        });
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said, "entered yes, kept out yes\n");
        folder.check_outside();
        if place.is_symlink() {
            fs::rename(&link, folder.inside().join("kept")).unwrap();
            fs::remove_file(&place).unwrap();
            fs::rename(folder.inside().join("kept"), &place).unwrap();
        } else {
            fs::remove_file(&link).unwrap();
        }
    }
}

#[test]
fn devices_and_pipes_of_the_host_are_shown_and_not_opened() {
    let test = "devices_and_pipes_of_the_host_are_shown_and_not_opened";
    if !need(test, &["pkg-config"]) {
        return;
    }
    let folder = Folder::new();
    let mode = Mode::from_raw_mode(0o644);
    for (name, kind, device) in [
        ("null", FileType::CharacterDevice, makedev(1, 3)),
        ("pipe", FileType::Fifo, 0),
    ] {
        if mknodat(CWD, folder.inside().join(name), kind, mode, device).is_err() {
            return skip(test, "root, for a device's node");
        }
    }
    let mut kernel = folder.asked("");
    kernel.expect("stat /host/null", "20644 1 0");
    kernel.expect("get /host/null", "ENXIO");
    kernel.expect("put /host/null text", "ENXIO");
    kernel.expect("stat /host/pipe", "10644 1 0");
    folder.check_outside();
}

#[test]
fn more_files_are_open_than_the_process_may_have() {
    if !need(
        "more_files_are_open_than_the_process_may_have",
        &["pkg-config"],
    ) {
        return;
    }
    let folder = Folder::new();
    let limited = |limit: &str| {
        let mut command = Command::new("sh");
        let mount = format!("/host=hostfs:{}", folder.inside().display());
        command.env("RUMP_MOUNT", mount);
        command
            .args(["-c", &format!("ulimit -n {limit}; exec \"$0\"")])
            .arg(program());
        Asked::new(command)
    };
    for limit in ["1024", "200"] {
        limited(limit).expect("many /host 700", "");
    }
    assert_eq!(fs::read_dir(folder.inside()).unwrap().count(), 700);
}

#[test]
fn what_is_only_read_is_not_changed_and_what_is_not_there_is_said() {
    let test = "what_is_only_read_is_not_changed_and_what_is_not_there_is_said";
    if !need(test, &["pkg-config"]) {
        return;
    }
    let folder = Folder::new();
    fs::write(folder.inside().join("file"), "text").unwrap();
    let mut kernel = folder.asked("ro");
    kernel.expect("get /host/file", "text");
    for line in [
        "put /host/file new",
        "put /host/new new",
        "mkdir /host/new",
        "unlink /host/file",
        "chmod /host/file 777",
        "truncate /host/file 0",
        "rename /host/file /host/new",
    ] {
        kernel.expect(line, "EROFS");
    }
    assert_eq!(fs::read(folder.inside().join("file")).unwrap(), b"text");

    let mut command = Command::new(program());
    command.env("RUMP_MOUNT", "/host=hostfs:/nowhere");
    let ended = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    let why =
        "hostfs: /nowhere: No such file or directory (ENOENT); the host has no such directory";
    assert!(said.contains(why), "{said}");
}
