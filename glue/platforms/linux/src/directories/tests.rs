//! Hypercalls on directories of the host that others change.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;

use hypercall::HostFs;

use super::*;

/// A directory with another beside it, gone when this is.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let name = format!("rump-directories-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(path.join("inside")).unwrap();
        fs::create_dir_all(path.join("outside")).unwrap();
        fs::write(path.join("outside/secret"), "secret").unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn attach(&self) -> u64 {
        let mut root = HostFile::default();
        let path = self.path("inside");
        let handle = Platform::attach(path.to_str().unwrap().into(), &mut root);
        assert!(handle > 0 && handle as u64 == root.handle, "{handle}");
        root.handle
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn get(directory: u64, name: &str) -> Result<HostFile, Errno> {
    let mut file = HostFile::default();
    Errno::check(Platform::find(directory, name.into(), &mut file))?;
    Ok(file)
}

fn text(file: u64) -> Result<String, Errno> {
    let mut bytes = [0; 64];
    let count = Errno::check(Platform::read(file, 0, bytes[..].as_mut().into()))?;
    Ok(String::from_utf8(bytes[..count as usize].to_vec()).unwrap())
}

fn make(directory: u64, name: &str, mode: u32) -> Result<HostFile, Errno> {
    let mut file = HostFile::default();
    let none = Bytes::from(&b""[..]);
    Errno::check(Platform::create(
        directory,
        name.into(),
        mode,
        none,
        &mut file,
    ))?;
    Ok(file)
}

#[test]
fn no_name_leads_out() {
    let folder = Folder::new();
    let root = folder.attach();
    let file = make(root, "file", libc::S_IFREG | 0o600).unwrap().handle;
    for name in ["..", ".", "", "../outside", "a/b", "/etc", "a\0b", "/"] {
        assert_eq!(get(root, name).err(), Some(Errno::EINVAL), "{name:?}");
        for kind in [libc::S_IFREG, libc::S_IFDIR, libc::S_IFLNK, libc::S_IFIFO] {
            let made = make(root, name, kind | 0o700);
            assert_eq!(made.err(), Some(Errno::EINVAL), "{name:?}");
        }
        let refused = Errno::EINVAL.to_answer();
        assert_eq!(Platform::link(file, root, name.into()), refused);
        assert_eq!(Platform::remove(root, name.into(), true), refused);
        assert_eq!(Platform::remove(root, name.into(), false), refused);
        for exchange in [false, true] {
            let from = Platform::rename(root, "file".into(), root, name.into(), exchange);
            let to = Platform::rename(root, name.into(), root, "x".into(), exchange);
            assert_eq!((from, to), (refused, refused));
        }
    }
    Platform::detach(root);
    assert_eq!(get(root, "file").err(), Some(Errno::EBADF));
    assert_eq!(
        Platform::look(file, &mut HostFile::default()),
        Errno::EBADF.to_answer()
    );
}

#[test]
fn links_are_text_and_pipes_and_devices_are_not_opened() {
    let folder = Folder::new();
    let root = folder.attach();
    symlink("../outside/secret", folder.path("inside/link")).unwrap();
    symlink("/", folder.path("inside/root")).unwrap();
    for (name, says) in [("link", "../outside/secret"), ("root", "/")] {
        let link = get(root, name).unwrap();
        assert_eq!(link.mode & libc::S_IFMT, libc::S_IFLNK);
        let mut bytes = [0; 64];
        let count = Platform::read_link(link.handle, bytes[..].as_mut().into());
        assert_eq!(&bytes[..count as usize], says.as_bytes());
        assert_eq!(text(link.handle), Err(Errno::EINVAL));
        assert_eq!(get(link.handle, "etc").err(), Some(Errno::ENOTDIR));
        let changes = HostChanges {
            which: HostChanges::MODE,
            mode: 0o777,
            ..HostChanges::default()
        };
        let changed = Platform::change(link.handle, &changes);
        assert_eq!(changed, Errno::EOPNOTSUPP.to_answer());
    }
    let outside = fs::metadata(folder.path("outside/secret")).unwrap();
    assert_ne!(outside.permissions().mode() & 0o7777, 0o777);
    let pipe = make(root, "pipe", libc::S_IFIFO | 0o600).unwrap();
    let written = Platform::write(pipe.handle, 0, Bytes::from(&b"x"[..]));
    assert_eq!(
        (text(pipe.handle), written),
        (Err(Errno::EINVAL), Errno::EINVAL.to_answer())
    );
    assert_eq!(
        make(root, "null", libc::S_IFCHR | 0o600).err(),
        Some(Errno::EPERM)
    );
    Platform::detach(root);
}

#[test]
fn a_handle_is_the_files_whatever_becomes_of_its_name() {
    let folder = Folder::new();
    let root = folder.attach();
    let (file, inside) = (
        make(root, "file", libc::S_IFREG | 0o400).unwrap(),
        folder.path("inside"),
    );
    assert_eq!(file.mode & 0o7777, 0o400);
    assert_eq!(
        Platform::write(file.handle, 0, Bytes::from(&b"first"[..])),
        0
    );
    fs::rename(inside.join("file"), inside.join("other")).unwrap();
    symlink("../outside/secret", inside.join("file")).unwrap();
    assert_eq!(text(file.handle).unwrap(), "first");
    assert_eq!(Platform::link(file.handle, root, "again".into()), 0);
    assert_eq!(fs::read(inside.join("again")).unwrap(), b"first");
    fs::remove_file(inside.join("other")).unwrap();
    fs::remove_file(inside.join("again")).unwrap();
    assert_eq!(Platform::write(file.handle, 5, Bytes::from(&b"!"[..])), 0);
    assert_eq!(text(file.handle).unwrap(), "first!");
    let mut about = HostFile::default();
    assert_eq!(Platform::look(file.handle, &mut about), 0);
    assert_eq!((about.links, about.size), (0, 6));
    Platform::detach(root);
}

#[test]
fn entries_are_given_once_however_little_room_there_is() {
    let folder = Folder::new();
    let root = folder.attach();
    let mut wanted: Vec<String> = (0..500)
        .map(|at| format!("name{at:0width$}", width = at % 90))
        .collect();
    for name in &wanted {
        fs::write(folder.path("inside").join(name), "").unwrap();
    }
    let mut found = Vec::new();
    let (mut from, mut bytes) = (0, [0; 300]);
    loop {
        let count = Errno::check(Platform::entries(root, from, bytes[..].as_mut().into())).unwrap();
        let mut rest = &bytes[..count as usize];
        if rest.is_empty() {
            break;
        }
        while !rest.is_empty() {
            let word = |at: usize| u64::from_ne_bytes(rest[at..at + 8].try_into().unwrap());
            let half = |at: usize| u32::from_ne_bytes(rest[at..at + 4].try_into().unwrap());
            let len = half(20) as usize;
            let name = String::from_utf8(rest[24..24 + len].to_vec()).unwrap();
            let there = fs::metadata(folder.path("inside").join(&name)).unwrap();
            assert_eq!((word(0), half(16)), (there.ino(), libc::S_IFREG));
            from = word(8);
            found.push(name);
            rest = &rest[24 + len.next_multiple_of(8)..];
        }
    }
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    let refused = Platform::entries(root, 0, bytes[..16].as_mut().into());
    assert_eq!(refused, Errno::EINVAL.to_answer());
    Platform::detach(root);
}

/// Exchanges a directory and a link to the one outside as fast as it can.
fn exchange(inside: &Path, ends: &AtomicBool) {
    let names = ["place", "link"]
        .map(|name| std::ffi::CString::new(inside.join(name).to_str().unwrap()).unwrap());
    while !ends.load(Relaxed) {
        // SAFETY: the call reads names that end in NUL.
        let exchanged = unsafe {
            let (one, other) = (names[0].as_ptr(), names[1].as_ptr());
            let here = libc::AT_FDCWD;
            libc::syscall(
                libc::SYS_renameat2,
                here,
                one,
                here,
                other,
                libc::RENAME_EXCHANGE,
            )
        };
        assert_eq!(exchanged, 0);
    }
}

#[test]
fn a_directory_exchanged_with_a_link_while_it_is_entered_leads_nowhere_else() {
    let folder = Folder::new();
    let root = folder.attach();
    let inside = folder.path("inside");
    fs::create_dir(inside.join("place")).unwrap();
    fs::write(inside.join("place/secret"), "public").unwrap();
    symlink("../outside", inside.join("link")).unwrap();
    let ends = AtomicBool::new(false);
    let (mut entered, mut met_link) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| exchange(&inside, &ends));
        for _ in 0..20_000 {
            let place = get(root, "place").unwrap();
            match get(place.handle, "secret") {
                Ok(secret) => {
                    assert_eq!(text(secret.handle).unwrap(), "public");
                    let made = make(place.handle, "made", libc::S_IFREG | 0o600).unwrap();
                    assert_eq!(Platform::remove(place.handle, "made".into(), false), 0);
                    Platform::close(made.handle);
                    Platform::close(secret.handle);
                    entered += 1;
                }
                Err(errno) => {
                    assert_eq!(errno, Errno::ENOTDIR);
                    met_link += 1;
                }
            }
            Platform::close(place.handle);
        }
        ends.store(true, Relaxed);
    });
    assert!(entered > 0 && met_link > 0, "{entered} {met_link}");
    let there: Vec<_> = fs::read_dir(folder.path("outside")).unwrap().collect();
    assert_eq!(there.len(), 1);
    Platform::detach(root);
}

#[test]
fn what_is_mounted_inside_is_not_entered() {
    let test = "what_is_mounted_inside_is_not_entered";
    // A mount namespace of its own, where this test runs once more with something mounted.
    let folder = Folder::new();
    fs::create_dir(folder.path("inside/mounted")).unwrap();
    if let Ok(inside) = std::env::var("RUMP_TEST_INSIDE") {
        let mut root = HostFile::default();
        assert!(Platform::attach(inside.as_str().into(), &mut root) > 0);
        assert_eq!(get(root.handle, "mounted").err(), Some(Errno::EXDEV));
        return;
    }
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if !may.is_ok_and(|may| may.status.success()) {
        println!("skipped {test}: needs namespaces of mounts");
        return;
    }
    let me = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs none \"$RUMP_TEST_INSIDE/mounted\" && exec \"$0\" \"$@\"";
    let name = format!("directories::tests::{test}");
    let ended = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(me)
        .args(["--exact", &name])
        .env("RUMP_TEST_INSIDE", folder.path("inside"))
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
}
