//! The file system on a host that is a table of files, and that says what a test has it say.

mod host;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use syscall::consts::*;
use syscall::{Dirent, DirentsOut, Fd};
use vfs::syscalls::*;

use host::host;

const fn param(name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component: "vfs",
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &vfs::COMPONENT, &crate::COMPONENT],
    params: &[
        param("root", "hostfs:top"),
        param("mount", ""),
        ParamSpec {
            kind: ParamKind::Bytes,
            ..param("page-cache", "1MiB")
        },
    ],
};

/// Runs a test on behalf of a process, and holds that the host has nothing open in the end.
fn run(test: impl FnOnce(&Lwp<'_>)) {
    sim::reset(1);
    host::reset();
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
    drop(kernel);
    assert_eq!(host(|host| host.open.len()), 0);
}

fn get(lwp: &Lwp<'_>, path: &str) -> Result<Vec<u8>, Errno> {
    let fd = Fd(open(lwp, path.into(), O_RDONLY, 0)?.0);
    let mut bytes = vec![0; 64];
    let count = base::syscalls::read(lwp, fd, bytes[..].as_mut().into());
    base::syscalls::close(lwp, fd)?;
    bytes.truncate(count?);
    Ok(bytes)
}

#[test]
fn handles_are_few_and_found_again_by_names() {
    run(|lwp| {
        let mut fds = Vec::new();
        for at in 0..1000 {
            let path = format!("/d{}/f{at}", at % 10);
            host(|host| host.put(&path[1..]));
            fds.push(Fd(open(lwp, path.as_str().into(), O_RDONLY, 0).unwrap().0));
        }
        assert!(host(|host| host.most) <= 260);
        let mut bytes = [0; 64];
        let mut read = |at: usize| base::syscalls::read(lwp, fds[at], bytes[..].as_mut().into());
        assert!(read(3).unwrap() > 0);
        // What has the name now is another file; where there is none, and where it is back.
        host(|host| host.put("d4/f4"));
        assert_eq!(read(4), Err(Errno::ESTALE));
        host(|host| host.hide("d5/f5", true));
        assert_eq!(read(5), Err(Errno::ESTALE));
        host(|host| host.hide("d5/f5", false));
        assert!(read(5).unwrap() > 0);
    });
}

#[test]
fn what_the_host_says_is_not_believed() {
    run(|lwp| {
        host(|host| host.put("file"));
        for odd in [-1, i64::MIN, i64::MAX, 1 << 40, -4096, 17] {
            host(|host| host.odd = Some(odd));
            let _ = get(lwp, "/file");
            let fd = open(lwp, "/".into(), O_RDONLY, 0).map(|fd| Fd(fd.0));
            if let Ok(fd) = fd {
                let mut take = |_: &Dirent<'_>| Some(1);
                let _ = getdents64(lwp, fd, DirentsOut::new(&mut take));
                let _ = base::syscalls::close(lwp, fd);
            }
            let _ = mkdir(lwp, "/new".into(), 0o755);
            let _ = rename(lwp, "/file".into(), "/other".into());
            let _ = unlink(lwp, "/file".into());
            host(|host| host.odd = None);
        }
        let text: Result<String, _> =
            get(lwp, "/file").map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(text.as_deref(), Ok("file"));
    });
}
