//! The faction's system calls over files in memory, on the simulated platform.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use syscall::consts::*;
use syscall::{Dirent, DirentsOut, Fd, FdPair, NewFd, Offset, Path, Stat, UserIn, UserMem};
use vfs::syscalls::*;

const fn text(name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component: "vfs",
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

const fn bytes(name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        kind: ParamKind::Bytes,
        ..text(name, default)
    }
}

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &vfs::COMPONENT, &crate::COMPONENT],
    params: &[
        text("root", "tmpfs"),
        text("mount", ""),
        bytes("page-cache", "1MiB"),
        bytes("memory-limit", "0"),
    ],
};

const HERE: Fd = Fd(AT_FDCWD);

/// Runs a test, and holds that nothing stays charged.
fn run(test: impl FnOnce(&Lwp<'_>)) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let memory = kernel.instance().memory().clone();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
    drop(kernel);
    assert_eq!(memory.used(), 0);
}

fn opened(lwp: &Lwp<'_>, path: &str, flags: u32) -> Fd {
    Fd(open(lwp, path.into(), flags, 0o644).unwrap().0)
}

fn put(lwp: &Lwp<'_>, path: &str, contents: &[u8]) {
    let fd = opened(lwp, path, O_CREAT | O_WRONLY | O_TRUNC);
    let count = base::syscalls::write(lwp, fd, contents.into()).unwrap();
    assert_eq!(count, contents.len());
    base::syscalls::close(lwp, fd).unwrap();
}

fn get(lwp: &Lwp<'_>, path: &str) -> Result<Vec<u8>, Errno> {
    let fd = Fd(open(lwp, path.into(), O_RDONLY, 0)?.0);
    let mut all = Vec::new();
    loop {
        let mut piece = vec![0; 1000];
        let count = base::syscalls::read(lwp, fd, (&mut piece[..]).into())?;
        if count == 0 {
            break;
        }
        all.extend_from_slice(&piece[..count]);
    }
    base::syscalls::close(lwp, fd)?;
    Ok(all)
}

fn known(lwp: &Lwp<'_>, path: &str) -> Result<Stat, Errno> {
    let mut to = Stat::default();
    lstat(lwp, path.into(), (&mut to).into())?;
    Ok(to)
}

fn names(lwp: &Lwp<'_>, path: &str) -> Vec<String> {
    let fd = opened(lwp, path, O_RDONLY | O_DIRECTORY);
    let mut all = Vec::new();
    loop {
        let mut room = 3;
        let mut take = |entry: &Dirent<'_>| {
            room -= 1;
            let taken = room >= 0;
            if taken {
                all.push(String::from_utf8(entry.name.to_vec()).unwrap());
            }
            taken.then_some(1)
        };
        if getdents64(lwp, fd, DirentsOut::new(&mut take)).unwrap() == 0 {
            break;
        }
    }
    base::syscalls::close(lwp, fd).unwrap();
    all
}

#[test]
fn what_is_written_is_read() {
    run(|lwp| {
        let pattern: Vec<u8> = (0..3_000_001u32).map(|n| (n * 7 + n / 251) as u8).collect();
        put(lwp, "/file", &pattern);
        assert_eq!(get(lwp, "/file").unwrap(), pattern);
        let stat = known(lwp, "/file").unwrap();
        assert_eq!(
            (stat.size, stat.mode, stat.links),
            (3_000_001, S_IFREG | 0o644, 1)
        );
        assert_eq!(stat.blocks, 733 * 8);
        let fd = opened(lwp, "/file", O_RDWR);
        assert_eq!(pwrite(lwp, fd, b"xyz"[..].into(), 4095), Ok(3));
        let mut piece = [0; 5];
        assert_eq!(pread(lwp, fd, (&mut piece[..]).into(), 4094), Ok(5));
        assert_eq!(piece, [pattern[4094], b'x', b'y', b'z', pattern[4098]]);
        assert_eq!(unlink(lwp, "/file".into()), Ok(()));
        assert_eq!(pread(lwp, fd, (&mut piece[..]).into(), 3_000_000), Ok(1));
        assert_eq!(get(lwp, "/file"), Err(Errno::ENOENT));
    });
}

#[test]
fn a_hole_takes_no_space_and_reads_as_zeros() {
    run(|lwp| {
        let fd = opened(lwp, "/file", O_CREAT | O_RDWR);
        assert_eq!(pwrite(lwp, fd, b"end"[..].into(), 1 << 40), Ok(3));
        assert_eq!(pwrite(lwp, fd, b"start"[..].into(), 0), Ok(5));
        let stat = known(lwp, "/file").unwrap();
        assert_eq!((stat.size, stat.blocks), ((1 << 40) + 3, 16));
        assert_eq!(lseek(lwp, fd, 0, SEEK_HOLE), Ok(4096));
        assert_eq!(lseek(lwp, fd, 4096, SEEK_DATA), Ok(1 << 40));
        assert_eq!(lseek(lwp, fd, (1 << 40) + 3, SEEK_DATA), Err(Errno::ENXIO));
        let mut piece = [1; 8];
        assert_eq!(pread(lwp, fd, (&mut piece[..]).into(), 2), Ok(8));
        assert_eq!(&piece, b"art\0\0\0\0\0");
        // What is cut off does not come back.
        assert_eq!(ftruncate(lwp, fd, 2), Ok(()));
        assert_eq!(ftruncate(lwp, fd, 6), Ok(()));
        assert_eq!(get(lwp, "/file").unwrap(), b"st\0\0\0\0");
        let punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        assert_eq!(fallocate(lwp, fd, punch, 1, 100), Ok(()));
        assert_eq!(get(lwp, "/file").unwrap(), b"s\0\0\0\0\0");
    });
}

#[test]
fn paths_lead_where_they_say() {
    run(|lwp| {
        mkdir(lwp, "/a".into(), 0o755).unwrap();
        mkdir(lwp, "/a/b".into(), 0o755).unwrap();
        put(lwp, "/a/b/c", b"c");
        symlink(lwp, "a/b".into(), "/link".into()).unwrap();
        symlink(lwp, "/link/../b/./c".into(), "/a/deep".into()).unwrap();
        symlink(lwp, "loop".into(), "/loop".into()).unwrap();
        assert_eq!(get(lwp, "//a//b/../b/c").unwrap(), b"c");
        assert_eq!(get(lwp, "/link/c").unwrap(), b"c");
        assert_eq!(get(lwp, "/a/deep").unwrap(), b"c");
        assert_eq!(get(lwp, "/../../a/b/c").unwrap(), b"c");
        assert_eq!(get(lwp, "/loop"), Err(Errno::ELOOP));
        assert_eq!(get(lwp, "/a/b/c/"), Err(Errno::ENOTDIR));
        assert_eq!(get(lwp, "/a/b/c/d"), Err(Errno::ENOTDIR));
        assert_eq!(get(lwp, ""), Err(Errno::ENOENT));
        assert_eq!(get(lwp, &"x/".repeat(3000)), Err(Errno::ENAMETOOLONG));
        assert_eq!(get(lwp, &"x".repeat(256)), Err(Errno::ENAMETOOLONG));
        chdir(lwp, "/link".into()).unwrap();
        let mut path = [0; 16];
        assert_eq!(getcwd(lwp, (&mut path[..]).into()), Ok(5));
        assert_eq!(&path[..5], b"/a/b\0");
        assert_eq!(get(lwp, "../deep").unwrap(), b"c");
        chroot(lwp, "/a".into()).unwrap();
        assert_eq!(get(lwp, "/b/c").unwrap(), b"c");
        assert_eq!(get(lwp, "/../../b/c").unwrap(), b"c");
    });
}

#[test]
fn names_come_and_go() {
    run(|lwp| {
        put(lwp, "/a", b"a");
        link(lwp, "/a".into(), "/b".into()).unwrap();
        assert_eq!(known(lwp, "/a").unwrap().links, 2);
        assert_eq!(
            known(lwp, "/a").unwrap().inode,
            known(lwp, "/b").unwrap().inode
        );
        assert_eq!(link(lwp, "/a".into(), "/b".into()), Err(Errno::EEXIST));
        unlink(lwp, "/a".into()).unwrap();
        assert_eq!(get(lwp, "/b").unwrap(), b"a");
        assert_eq!(known(lwp, "/b").unwrap().links, 1);
        mkdir(lwp, "/d".into(), 0o700).unwrap();
        assert_eq!(known(lwp, "/").unwrap().links, 3);
        assert_eq!(mkdir(lwp, "/d".into(), 0o700), Err(Errno::EEXIST));
        put(lwp, "/d/x", b"x");
        assert_eq!(rmdir(lwp, "/d".into()), Err(Errno::ENOTEMPTY));
        assert_eq!(unlink(lwp, "/d".into()), Err(Errno::EISDIR));
        assert_eq!(rmdir(lwp, "/b".into()), Err(Errno::ENOTDIR));
        rename(lwp, "/d/x".into(), "/d/y".into()).unwrap();
        assert_eq!(names(lwp, "/d"), [".", "..", "y"]);
        unlink(lwp, "/d/y".into()).unwrap();
        rmdir(lwp, "/d".into()).unwrap();
        assert_eq!(known(lwp, "/").unwrap().links, 2);
        assert_eq!(names(lwp, "/"), [".", "..", "b"]);
    });
}

#[test]
fn what_is_renamed_takes_its_place() {
    run(|lwp| {
        for directory in ["/one", "/two", "/one/in"] {
            mkdir(lwp, directory.into(), 0o755).unwrap();
        }
        put(lwp, "/one/file", b"1");
        put(lwp, "/two/file", b"2");
        let to = |from: &str, to: &str| rename(lwp, Path::from(from), Path::from(to));
        assert_eq!(to("/one", "/one/in/x"), Err(Errno::EINVAL));
        assert_eq!(to("/one/in", "/one"), Err(Errno::ENOTEMPTY));
        assert_eq!(to("/one/file", "/two"), Err(Errno::EISDIR));
        assert_eq!(to("/two", "/one/file"), Err(Errno::ENOTDIR));
        assert_eq!(to("/one/in", "/two"), Err(Errno::ENOTEMPTY));
        assert_eq!(to("/nothing", "/x"), Err(Errno::ENOENT));
        let flagged = |flags| {
            renameat2(
                lwp,
                HERE,
                "/one/file".into(),
                HERE,
                "/two/file".into(),
                flags,
            )
        };
        assert_eq!(flagged(RENAME_NOREPLACE), Err(Errno::EEXIST));
        assert_eq!(flagged(RENAME_EXCHANGE), Ok(()));
        assert_eq!(get(lwp, "/one/file").unwrap(), b"2");
        assert_eq!(to("/one/file", "/two/file"), Ok(()));
        assert_eq!(get(lwp, "/two/file").unwrap(), b"2");
        assert_eq!(get(lwp, "/one/file"), Err(Errno::ENOENT));
        assert_eq!(to("/one/in", "/two/in"), Ok(()));
        assert_eq!(known(lwp, "/one").unwrap().links, 2);
        assert_eq!(known(lwp, "/two").unwrap().links, 3);
        chdir(lwp, "/two/in".into()).unwrap();
        assert_eq!(to("/two", "/one/in"), Ok(()));
        let mut path = [0; 16];
        let len = getcwd(lwp, (&mut path[..]).into()).unwrap();
        assert_eq!(&path[..len], b"/one/in/in\0");
        chdir(lwp, "/".into()).unwrap();
    });
}

#[test]
fn a_directory_is_read_while_it_changes() {
    run(|lwp| {
        for n in 0..100 {
            put(lwp, &alloc::format!("/{n}"), b"");
        }
        let fd = opened(lwp, "/", O_RDONLY);
        let mut seen = Vec::new();
        for round in 0.. {
            let mut room = 7;
            let mut take = |entry: &Dirent<'_>| {
                room -= 1;
                let taken = room >= 0;
                if taken {
                    seen.push(String::from_utf8(entry.name.to_vec()).unwrap());
                }
                taken.then_some(1)
            };
            if getdents64(lwp, fd, DirentsOut::new(&mut take)).unwrap() == 0 {
                break;
            }
            // Even ones go, others come.
            let gone = alloc::format!("/{}", round * 4);
            let _ = unlink(lwp, gone.as_str().into());
            if round < 10 {
                put(lwp, &alloc::format!("/new{round}"), b"");
            }
        }
        for n in (1..100).step_by(2) {
            let name = alloc::format!("{n}");
            assert_eq!(seen.iter().filter(|other| **other == name).count(), 1);
        }
    });
}

#[test]
fn who_may_not_is_told() {
    run(|lwp| {
        mkdir(lwp, "/mine".into(), 0o700).unwrap();
        put(lwp, "/mine/file", b"");
        put(lwp, "/all", b"all");
        chmod(lwp, "/all".into(), 0o604).unwrap();
        chmod(lwp, "/".into(), 0o1777).unwrap();
        setgid(lwp, 100).unwrap();
        setuid(lwp, 1000).unwrap();
        assert_eq!(get(lwp, "/mine/file"), Err(Errno::EACCES));
        assert_eq!(get(lwp, "/all").unwrap(), b"all");
        assert_eq!(
            open(lwp, "/all".into(), O_WRONLY, 0).err(),
            Some(Errno::EACCES)
        );
        assert_eq!(chmod(lwp, "/all".into(), 0o666), Err(Errno::EPERM));
        assert_eq!(unlink(lwp, "/all".into()), Err(Errno::EPERM));
        assert_eq!(rename(lwp, "/all".into(), "/x".into()), Err(Errno::EPERM));
        assert_eq!(setuid(lwp, 0), Err(Errno::EPERM));
        umask(lwp, 0o077).unwrap();
        put(lwp, "/own", b"");
        let stat = known(lwp, "/own").unwrap();
        assert_eq!(
            (stat.mode & 0o777, stat.user, stat.group),
            (0o600, 1000, 100)
        );
        assert_eq!(access(lwp, "/own".into(), 2), Ok(()));
        assert_eq!(access(lwp, "/own".into(), 1), Err(Errno::EACCES));
    });
}

#[test]
fn a_mount_covers_and_uncovers() {
    run(|lwp| {
        mkdir(lwp, "/m".into(), 0o755).unwrap();
        put(lwp, "/m/below", b"below");
        let mount_it = |options: &str, flags| {
            mount(
                lwp,
                "".into(),
                "/m".into(),
                "tmpfs".into(),
                flags,
                options.into(),
            )
        };
        assert_eq!(mount_it("size=1x", 0), Err(Errno::EINVAL));
        assert_eq!(mount_it("size=64k", 0), Ok(()));
        assert_eq!(get(lwp, "/m/below"), Err(Errno::ENOENT));
        assert_ne!(
            known(lwp, "/m").unwrap().device,
            known(lwp, "/").unwrap().device
        );
        let fd = opened(lwp, "/m/file", O_CREAT | O_RDWR);
        assert_eq!(
            base::syscalls::write(lwp, fd, vec![1; 65536][..].into()),
            Ok(65536)
        );
        assert_eq!(
            base::syscalls::write(lwp, fd, b"1"[..].into()),
            Err(Errno::ENOSPC)
        );
        assert_eq!(umount2(lwp, "/m".into(), 0), Err(Errno::EBUSY));
        base::syscalls::close(lwp, fd).unwrap();
        assert_eq!(
            rename(lwp, "/m/file".into(), "/file".into()),
            Err(Errno::EXDEV)
        );
        assert_eq!(rmdir(lwp, "/m".into()), Err(Errno::EBUSY));
        chdir(lwp, "/m".into()).unwrap();
        assert_eq!(umount2(lwp, "/m".into(), 0), Err(Errno::EBUSY));
        chdir(lwp, "..".into()).unwrap();
        assert_eq!(umount2(lwp, "/m".into(), 0), Ok(()));
        assert_eq!(umount2(lwp, "/m".into(), 0), Err(Errno::EINVAL));
        assert_eq!(get(lwp, "/m/below").unwrap(), b"below");
        assert_eq!(mount_it("", u64::from(MS_RDONLY)), Ok(()));
        assert_eq!(
            open(lwp, "/m/x".into(), O_CREAT | O_WRONLY, 0o600).err(),
            Some(Errno::EROFS)
        );
    });
}

#[test]
fn pipes_carry_and_end() {
    run(|lwp| {
        let mut ends = [NewFd(-1); 2];
        pipe2(lwp, FdPair::new(Some(&mut ends)), O_NONBLOCK).unwrap();
        let [reader, writer] = ends.map(|end| Fd(end.0));
        let mut piece = [0; 10];
        let mut read = || base::syscalls::read(lwp, reader, (&mut piece[..]).into());
        assert_eq!(read(), Err(Errno::EAGAIN));
        assert_eq!(
            base::syscalls::write(lwp, writer, vec![7; 70000][..].into()),
            Ok(65536)
        );
        assert_eq!(
            base::syscalls::write(lwp, writer, b"x"[..].into()),
            Err(Errno::EAGAIN)
        );
        assert_eq!(read(), Ok(10));
        assert_eq!(
            base::syscalls::write(lwp, writer, vec![7; 4096][..].into()),
            Err(Errno::EAGAIN)
        );
        base::syscalls::close(lwp, writer).unwrap();
        let mut rest = 0;
        while let Ok(count @ 1..) = read() {
            rest += count;
        }
        assert_eq!(rest, 65526);
        assert_eq!(read(), Ok(0));
        mknod(lwp, "/fifo".into(), S_IFIFO | 0o600, 0).unwrap();
        assert_eq!(
            open(lwp, "/fifo".into(), O_WRONLY | O_NONBLOCK, 0).err(),
            Some(Errno::ENXIO)
        );
        let reader = opened(lwp, "/fifo", O_RDONLY | O_NONBLOCK);
        let writer = opened(lwp, "/fifo", O_WRONLY);
        base::syscalls::write(lwp, writer, b"fifo"[..].into()).unwrap();
        let mut piece = [0; 10];
        assert_eq!(
            base::syscalls::read(lwp, reader, (&mut piece[..]).into()),
            Ok(4)
        );
    });
}

#[test]
fn copies_go_from_file_to_file() {
    run(|lwp| {
        put(lwp, "/from", b"0123456789");
        let from = opened(lwp, "/from", O_RDONLY);
        let to = opened(lwp, "/to", O_CREAT | O_RDWR);
        let none = || Offset::new(None);
        assert_eq!(copy_file_range(lwp, from, none(), to, none(), 4, 0), Ok(4));
        let mut offset = 8;
        assert_eq!(
            sendfile(lwp, to, from, Offset::new(Some(&mut offset)), 100),
            Ok(2)
        );
        assert_eq!(offset, 10);
        assert_eq!(
            copy_file_range(lwp, from, none(), to, none(), 100, 0),
            Ok(6)
        );
        assert_eq!(get(lwp, "/to").unwrap(), b"012389456789");
    });
}

#[test]
fn extended_attributes() {
    run(|lwp| {
        put(lwp, "/file", b"");
        let set = |name: &str, value: &[u8], flags| {
            setxattr(lwp, "/file".into(), name.into(), value.into(), flags)
        };
        assert_eq!(set("user.a", b"value", XATTR_REPLACE), Err(Errno::ENODATA));
        assert_eq!(set("user.a", b"value", 0), Ok(()));
        assert_eq!(set("user.a", b"value", XATTR_CREATE), Err(Errno::EEXIST));
        let mut value = [0; 16];
        let get = |to: &mut [u8]| getxattr(lwp, "/file".into(), "user.a".into(), to.into());
        assert_eq!(get(&mut []), Ok(5));
        assert_eq!(get(&mut value[..3]), Err(Errno::ERANGE));
        assert_eq!(get(&mut value), Ok(5));
        let mut all = [0; 16];
        assert_eq!(listxattr(lwp, "/file".into(), (&mut all[..]).into()), Ok(7));
        assert_eq!(removexattr(lwp, "/file".into(), "user.a".into()), Ok(()));
        assert_eq!(get(&mut value), Err(Errno::ENODATA));
    });
}

#[test]
fn memory_that_ends_is_an_error_and_nothing_more() {
    let config = Config::new().param("memory-limit", "8MiB");
    let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
    enter(kernel.process(), |lwp| {
        let fd = opened(lwp, "/file", O_CREAT | O_RDWR);
        let mut written = 0;
        let errno = loop {
            match base::syscalls::write(lwp, fd, vec![1; 1 << 20][..].into()) {
                Ok(count) => written += count,
                Err(errno) => break errno,
            }
        };
        assert_eq!(errno, Errno::ENOMEM);
        assert!(written > 5 << 20, "{written}");
        assert_eq!(known(lwp, "/file").unwrap().size, written as u64);
        assert_eq!(ftruncate(lwp, fd, 0), Ok(()));
        assert_eq!(base::syscalls::write(lwp, fd, b"on"[..].into()), Ok(2));
        Ok(())
    })
    .unwrap();
}

/// A caller's memory that is not there.
struct Nowhere;

impl UserMem for Nowhere {
    fn copy_in(&self, _: usize, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }

    fn copy_out(&self, _: usize, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

#[test]
fn what_a_page_had_before_is_not_seen_after_a_write_that_failed() {
    run(|lwp| {
        put(lwp, "/old", &[1; 4096]);
        unlink(lwp, "/old".into()).unwrap();
        let fd = opened(lwp, "/new", O_CREAT | O_WRONLY);
        ftruncate(lwp, fd, 4096).unwrap();
        let nothing = UserIn::new(&Nowhere, 0, 4096);
        let written = base::syscalls::write(lwp, fd, nothing);
        assert_eq!(written, Err(Errno::EFAULT));
        base::syscalls::close(lwp, fd).unwrap();
        assert_eq!(get(lwp, "/new"), Ok(vec![0; 4096]));
    });
}
