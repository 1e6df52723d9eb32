//! Images as directories of the host, used by ordinary programs.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::{Child, need, output, skip, wait_until};

use crate::image::host;
use crate::image::node::{Tree, compare};
use crate::{HARD, Tool};

/// A mount, which ends with it.
struct Mounted {
    child: Child,
    at: PathBuf,
}

impl Mounted {
    fn new(tool: &Tool, words: &str) -> Mounted {
        let at = tool.path("mnt");
        fs::create_dir_all(&at).expect("a directory");
        let mut command = Command::new(&tool.program);
        command.current_dir(&tool.place).args(words.split(' '));
        let child = Child::start(command.arg(&at));
        wait_until("a mount", Duration::from_secs(20), || is_mounted(&at));
        Mounted { child, at }
    }

    /// Unmounts it, and waits for the tool's end.
    fn end(mut self) {
        output(Command::new("umount").arg(&self.at));
        wait_until("the end of a mount", Duration::from_secs(20), || {
            !self.child.is_running()
        });
    }
}

fn is_mounted(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|meta| meta.dev()).ok();
    path.parent()
        .is_some_and(|above| device(above) != device(path))
}

/// Whether there is FUSE, and what it takes.
fn can(test: &str, programs: &[&str]) -> bool {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        skip(test, "root and /dev/fuse");
        return false;
    }
    need(test, programs)
}

fn tree(path: &Path) -> Tree {
    let mut tree = host::tree(path);
    tree.retain(|path, _| !path.is_empty() && path != b"lost+found" && path != b"/lost+found");
    tree
}

#[test]
fn a_mounted_image_is_the_tree_that_it_was_made_of() {
    let test = "a_mounted_image_is_the_tree_that_it_was_made_of";
    if !can(test, &["mke2fs", "timeout", "umount"]) {
        return;
    }
    let tool = Tool::new();
    let from = tool.tree(HARD);
    tool.ext4("a.img", &from, "64M");
    let mounted = Mounted::new(&tool, "mount a.img");
    compare(&tree(&mounted.at), &tree(&from));
    let refused = fs::write(mounted.at.join("new"), "").expect_err("it is read-only");
    assert_eq!(refused.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    mounted.end();
}

#[test]
fn ordinary_programs_work_in_a_mounted_image() {
    let test = "ordinary_programs_work_in_a_mounted_image";
    if !can(test, &["mke2fs", "e2fsck", "git", "timeout", "umount"]) {
        return;
    }
    let tool = Tool::new();
    let from = tool.tree(HARD);
    let nothing = tool.path("nothing");
    fs::create_dir(&nothing).expect("a directory");
    tool.ext4("a.img", &nothing, "96M");
    let mounted = Mounted::new(&tool, "mount -w a.img");
    let at = &mounted.at;

    output(Command::new("cp").arg("-a").arg(&from).arg(at.join("copy")));
    compare(&tree(&at.join("copy")), &tree(&from));
    names_and_open_files(at);
    clone(&tool, at);
    output(
        Command::new("mv")
            .arg(at.join("copy/crowd"))
            .arg(at.join("moved")),
    );
    output(Command::new("rm").arg("-r").arg(at.join("copy")));
    assert!(!at.join("copy").exists());
    mounted.end();
    tool.is_clean("a.img");
    assert!(tool.run("fs ls a.img:/clone").contains("file7\n"));
    assert!(tool.run("fs check a.img").contains("all of it can be read"));
}

/// What programs do to files that others have open, and to names.
fn names_and_open_files(at: &Path) {
    let path = at.join("file");
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .expect("it is made");
    file.write_all(b"before").expect("it is written");
    fs::rename(&path, at.join("renamed")).expect("it is renamed");
    file.write_all(b" and after").expect("it is written");
    fs::hard_link(at.join("renamed"), at.join("second")).expect("it is linked");
    assert_eq!(file.metadata().expect("it is known").nlink(), 2);
    fs::remove_file(at.join("renamed")).expect("a name goes");
    assert_eq!(
        fs::read(at.join("second")).expect("it is read"),
        b"before and after"
    );
    fs::remove_file(at.join("second")).expect("the last name goes");
    assert!(!at.join("second").exists());
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).expect("it moves");
    file.read_to_string(&mut text).expect("it is read");
    assert_eq!(text, "before and after");
    file.write_all_at(b"x", 3_000_000).expect("it grows");
    file.set_len(10).expect("it shrinks");
    file.sync_all().expect("it is written");
    assert_eq!(file.metadata().expect("it is known").len(), 10);
    let stat = rustix::fs::statvfs(at).expect("it is known");
    assert!(stat.f_blocks > 0 && stat.f_bfree < stat.f_blocks);
}

/// A repository of Git's, cloned into the image.
fn clone(tool: &Tool, at: &Path) {
    let repository = tool.path("repository");
    fs::create_dir(&repository).expect("a directory");
    let git = |place: &Path, words: &str| {
        let mut git = Command::new("git");
        git.current_dir(place).env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.args(["-c", "user.name=test", "-c", "user.email=test@test"]);
        output(git.args(["-c", "safe.directory=*"]).args(words.split(' ')))
    };
    git(&repository, "init -q .");
    for number in 0..40 {
        let text = format!("{number}\n").repeat(number * 100);
        fs::write(repository.join(format!("file{number}")), text).expect("a file");
    }
    git(&repository, "add .");
    git(&repository, "commit -q -m all");
    git(at, &format!("clone -q {} clone", repository.display()));
    assert_eq!(git(&at.join("clone"), "status --short"), "");
    git(&at.join("clone"), "fsck --strict");
}

#[test]
fn a_mount_ends_by_a_signal_also_while_it_is_in_use() {
    let test = "a_mount_ends_by_a_signal_also_while_it_is_in_use";
    if !can(test, &["e2fsck", "mke2fs", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    let nothing = tool.path("nothing");
    fs::create_dir(&nothing).expect("a directory");
    for signal in [Signal::INT, Signal::TERM] {
        for busy in [false, true] {
            tool.ext4("a.img", &nothing, "256M");
            let mut mounted = Mounted::new(&tool, "mount -w a.img");
            fs::write(mounted.at.join("before"), "before").expect("it is written");
            let stays = busy.then(|| File::create(mounted.at.join("busy")).expect("it is made"));
            // Writes until it cannot.
            let writer = stays.map(|file| {
                std::thread::spawn(move || {
                    (0..).find_map(|at| file.write_all_at(&[1; 4096], at % 1000 * 4096).err())
                })
            });
            kill_process(
                Pid::from_raw(mounted.child.pid() as i32).expect("a number"),
                signal,
            )
            .expect("it runs");
            wait_until("the end of a mount", Duration::from_secs(20), || {
                !mounted.child.is_running()
            });
            let writer = writer.map(|writer| writer.join().expect("it ends"));
            assert!(writer.is_none_or(|error| error.is_some()));
            let mounts = fs::read_to_string("/proc/mounts").expect("it is read");
            assert!(
                !mounts.contains(mounted.at.to_str().expect("UTF-8")),
                "{mounts}"
            );
            let (succeeded, said) = mounted.child.finish();
            assert!(succeeded, "{said}");
            tool.is_clean("a.img");
            assert_eq!(tool.run("fs cat a.img:/before"), "before");
            fs::remove_file(tool.path("a.img")).expect("the image");
        }
    }
}
