//! Names for disks of the simulated host, which has no directories.

extern crate std;

use std::vec;
use std::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use sim::Image;
use syscall::Fd;
use syscall::consts::*;
use vfs::syscalls::{open, setuid, unlink};

use crate::syscalls::{register, register_withsize, remove};

const fn param(component: &'static str, name: &'static str, default: &'static str) -> ParamSpec {
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
        &vfs::COMPONENT,
        &tmpfs::COMPONENT,
        &disk::COMPONENT,
        &devfs::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[
        param("vfs", "root", "tmpfs"),
        param("vfs", "mount", ""),
        ParamSpec {
            kind: ParamKind::Bytes,
            ..param("vfs", "page-cache", "1MiB")
        },
        param("disk", "disk", ""),
    ],
};

fn run(test: impl FnOnce(&Lwp<'_>)) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
}

fn named(lwp: &Lwp<'_>, key: &str, host: &str, kind: u32) -> Result<(), Errno> {
    register(lwp, text(key), text(host), kind)
}

fn text(text: &str) -> syscall::Str<'_> {
    syscall::Str::new(Ok(text))
}

fn get(lwp: &Lwp<'_>, path: &str) -> Result<Vec<u8>, Errno> {
    let fd: Fd = Fd(open(lwp, path.into(), O_RDONLY, 0)?.0);
    let mut bytes = vec![0; 4096];
    let count = base::syscalls::read(lwp, fd, bytes[..].as_mut().into())?;
    bytes.truncate(count);
    base::syscalls::close(lwp, fd)?;
    Ok(bytes)
}

#[test]
fn a_file_of_the_host_has_a_name_until_it_is_taken_away() {
    sim::reset(1);
    let image = Image::new("image", vec![7; 2048]);
    run(|lwp| {
        assert_eq!(named(lwp, "/deep/in/key", "image", ETFS_BLK), Ok(()));
        assert!(get(lwp, "/deep/in/key").unwrap() == [7; 2048]);
        assert_eq!(
            named(lwp, "/deep/in/key", "image", ETFS_REG),
            Err(Errno::EEXIST)
        );
        assert_eq!(named(lwp, "/other", "image", ETFS_REG), Err(Errno::EBUSY));
        assert_eq!(remove(lwp, text("/deep/in/key")), Ok(()));
        assert!(!image.is_open());
        assert_eq!(get(lwp, "/deep/in/key"), Err(Errno::ENOENT));
        assert_eq!(remove(lwp, text("/deep/in/key")), Err(Errno::ENOENT));
        assert_eq!(named(lwp, "/other", "image", ETFS_REG), Ok(()));
        unlink(lwp, "/other".into()).unwrap();
        assert_eq!(remove(lwp, text("/other")), Ok(()));
    });
}

#[test]
fn a_part_of_a_file_is_a_disk_of_its_own() {
    sim::reset(1);
    let mut bytes = vec![1; 4096];
    bytes[1024..2048].fill(2);
    let image = Image::new("image", bytes);
    run(|lwp| {
        let part = |key: &str, begin, size| {
            register_withsize(lwp, text(key), text("image"), ETFS_BLK, begin, size)
        };
        for (begin, size) in [
            (1, 512),
            (0, 100),
            (4096, ETFS_SIZE_ENDOFF),
            (512, 4096),
            (8192, 512),
            (0, 0),
        ] {
            assert_eq!(
                part("/part", begin, size),
                Err(Errno::EINVAL),
                "{begin} {size}"
            );
            assert!(!image.is_open());
        }
        part("/part", 1024, 1024).unwrap();
        assert!(get(lwp, "/part").unwrap() == [2; 1024]);
        remove(lwp, text("/part")).unwrap();
        part("/rest", 2048, ETFS_SIZE_ENDOFF).unwrap();
        // The unit of the same name holds something else.
        assert!(get(lwp, "/rest").unwrap() == [1; 2048]);
    });
    assert!(!image.is_open());
}

#[test]
fn what_cannot_be_named_is_refused_and_nothing_stays_open() {
    sim::reset(1);
    let image = Image::new("image", vec![0; 1024]);
    run(|lwp| {
        for (key, host, kind, errno) in [
            ("key", "image", ETFS_BLK, Errno::EINVAL),
            ("/", "image", ETFS_BLK, Errno::EINVAL),
            ("/key/", "image", ETFS_BLK, Errno::EINVAL),
            ("/key", "image", 9, Errno::EINVAL),
            ("/key", "image", ETFS_CHR, Errno::EOPNOTSUPP),
            ("/key", "nothing", ETFS_REG, Errno::ENOENT),
            ("/dev", "image", ETFS_BLK, Errno::EEXIST),
            ("/dev/key", "image", ETFS_BLK, Errno::EPERM),
        ] {
            assert_eq!(
                named(lwp, key, host, kind),
                Err(errno),
                "{key} {host} {kind}"
            );
            assert!(!image.is_open());
        }
        setuid(lwp, 7).unwrap();
        assert_eq!(named(lwp, "/key", "image", ETFS_BLK), Err(Errno::EPERM));
        assert_eq!(remove(lwp, text("/key")), Err(Errno::EPERM));
    });
}
