//! Nodes under the system calls, on the simulated platform.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Block, Dev, Disk, Geometry, Request};
use syscall::consts::*;
use syscall::{Dirent, DirentsOut, Fd, Stat};
use vfs::syscalls::*;

const fn text(component: &'static str, name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component,
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &md::COMPONENT,
        &memdev::COMPONENT,
        &vfs::COMPONENT,
        &tmpfs::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[
        text("vfs", "root", "tmpfs"),
        text("vfs", "mount", ""),
        text("md", "md", "1MiB,16MiB"),
        ParamSpec {
            kind: ParamKind::Bytes,
            ..text("vfs", "page-cache", "1MiB")
        },
    ],
};

fn run(test: impl FnOnce(&Lwp<'_>)) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
}

fn opened(lwp: &Lwp<'_>, path: &str, flags: u32) -> Fd {
    Fd(open(lwp, path.into(), flags, 0).unwrap().0)
}

fn known(lwp: &Lwp<'_>, path: &str) -> Stat {
    let mut to = Stat::default();
    stat(lwp, path.into(), (&mut to).into()).unwrap();
    to
}

#[test]
fn units_have_nodes() {
    run(|lwp| {
        let fd = opened(lwp, "/dev", O_RDONLY);
        let mut names = Vec::new();
        let mut take = |entry: &Dirent<'_>| {
            names.push((String::from_utf8(entry.name.to_vec()).unwrap(), entry.kind));
            Some(1)
        };
        getdents64(lwp, fd, DirentsOut::new(&mut take)).unwrap();
        for (name, kind) in [("md0", 6), ("null", 2), ("zero", 2), ("random", 2)] {
            assert!(names.contains(&(name.into(), kind)), "{names:?}");
        }
        assert_eq!(known(lwp, "/dev/null").unit, 0x103);
        assert_eq!(known(lwp, "/dev/md0").mode, S_IFBLK | 0o660);
        assert_eq!(
            open(lwp, "/dev/x".into(), O_CREAT | O_RDWR, 0).err(),
            Some(Errno::EPERM)
        );
        assert_eq!(unlink(lwp, "/dev/null".into()), Err(Errno::EPERM));
        chmod(lwp, "/dev/null".into(), 0o600).unwrap();
        assert_eq!(known(lwp, "/dev/null").mode, S_IFCHR | 0o600);
    });
}

#[test]
fn characters_come_and_go() {
    run(|lwp| {
        let fd = opened(lwp, "/dev/zero", O_RDWR);
        let mut bytes = vec![1; 1000];
        assert_eq!(
            base::syscalls::read(lwp, fd, bytes[..].as_mut().into()),
            Ok(1000)
        );
        assert_eq!(bytes, [0; 1000]);
        assert_eq!(lseek(lwp, fd, 0, SEEK_SET), Err(Errno::ESPIPE));
        // Numbers mean the same anywhere.
        mknod(lwp, "/nothing".into(), S_IFCHR | 0o666, 0x103).unwrap();
        let fd = opened(lwp, "/nothing", O_RDWR);
        assert_eq!(base::syscalls::write(lwp, fd, b"gone"[..].into()), Ok(4));
        assert_eq!(
            base::syscalls::read(lwp, fd, bytes[..].as_mut().into()),
            Ok(0)
        );
        mknod(lwp, "/absent".into(), S_IFBLK | 0o666, 0x9999).unwrap();
        assert_eq!(
            open(lwp, "/absent".into(), O_RDWR, 0).err(),
            Some(Errno::ENXIO)
        );
    });
}

#[test]
fn a_disk_is_read_and_written_anywhere() {
    run(|lwp| {
        let fd = opened(lwp, "/dev/md0", O_RDWR);
        assert_eq!(lseek(lwp, fd, 0, SEEK_END), Ok(1 << 20));
        assert_eq!(pwrite(lwp, fd, b"across"[..].into(), 4093), Ok(6));
        assert_eq!(fsync(lwp, fd), Ok(()));
        let mut bytes = vec![0; 12];
        let unit = lwp.state::<dev::Dev>().unwrap().block("md0").unwrap();
        let mut sectors = vec![0; 1024];
        unit.read_at(lwp, 4096 - 512, &mut sectors).unwrap();
        assert_eq!(&sectors[509..515], b"across");
        assert_eq!(pread(lwp, fd, bytes[..].as_mut().into(), 4090), Ok(12));
        assert_eq!(&bytes, b"\0\0\0across\0\0\0");
        assert_eq!(pwrite(lwp, fd, b"end!"[..].into(), (1 << 20) - 2), Ok(2));
        assert_eq!(
            pwrite(lwp, fd, b"x"[..].into(), 1 << 20),
            Err(Errno::ENOSPC)
        );
        assert_eq!(pread(lwp, fd, bytes[..].as_mut().into(), 1 << 20), Ok(0));
        assert_eq!(ftruncate(lwp, fd, 0), Err(Errno::EINVAL));
        let mut to = Stat::default();
        fstat(lwp, fd, (&mut to).into()).unwrap();
        assert_eq!(to.mode & S_IFMT, S_IFBLK);
    });
}

#[test]
fn what_is_kept_of_a_disk_has_a_bound() {
    run(|lwp| {
        let fd = opened(lwp, "/dev/md1", O_RDWR);
        let vfs = lwp.state::<vfs::Vfs>().unwrap();
        let mut most = 0;
        let pattern = |piece: u8| -> Vec<u8> { (0..100_000u32).map(|n| n as u8 ^ piece).collect() };
        for piece in 0..160u8 {
            let at = i64::from(piece) * 100_000;
            assert_eq!(pwrite(lwp, fd, pattern(piece)[..].into(), at), Ok(100_000));
            most = most.max(vfs.cached());
        }
        for piece in 0..160u8 {
            let mut bytes = vec![0; 100_000];
            let at = i64::from(piece) * 100_000;
            assert_eq!(pread(lwp, fd, bytes[..].as_mut().into(), at), Ok(100_000));
            assert!(bytes == pattern(piece), "{piece}");
            most = most.max(vfs.cached());
        }
        // One call adds what one transfer takes, a megabyte at most.
        assert!((1 << 19..=2 << 20).contains(&most), "{most}");
    });
}

/// All of a disk, under another name.
struct Part(Arc<Block>);

impl Disk for Part {
    fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    fn whole(&self) -> Option<&Arc<Block>> {
        Some(&self.0)
    }

    fn submit(&self, lwp: &Lwp<'_>, request: Request) {
        self.0.submit(lwp, request);
    }
}

#[test]
fn a_disk_is_not_written_beside_a_part_that_is_mounted() {
    run(|lwp| {
        let dev = lwp.state::<Dev>().unwrap();
        let whole = dev.block("md0").unwrap();
        let part = dev.add_disk_as("md0p1", Arc::new(Part(whole))).unwrap();
        let claim = part.claim(true).unwrap();
        let write = |path, at| {
            let fd = opened(lwp, path, O_RDWR);
            let written = pwrite(lwp, Fd(fd.0), (&[7; 100][..]).into(), at);
            let read = pread(lwp, Fd(fd.0), (&mut [0; 100][..]).into(), at);
            let synced = fsync(lwp, Fd(fd.0));
            base::syscalls::close(lwp, fd).unwrap();
            assert_eq!(read, Ok(100));
            synced.and(written)
        };
        assert_eq!(write("/dev/md0", 0), Err(Errno::EBUSY));
        assert_eq!(write("/dev/md0p1", 0), Ok(100));
        drop(claim);
        assert_eq!(write("/dev/md0", 0), Ok(100));
    });
}
