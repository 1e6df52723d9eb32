//! What the files say, under the system calls, on the simulated platform.

use alloc::string::String;
use alloc::vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use syscall::Fd;
use syscall::consts::*;
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

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &vfs::COMPONENT,
        &tmpfs::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[
        text("root", "tmpfs"),
        text("mount", "/with space=tmpfs:some thing:size=1m"),
        ParamSpec {
            kind: ParamKind::Bytes,
            ..text("page-cache", "1MiB")
        },
    ],
};

fn get(lwp: &Lwp<'_>, path: &str) -> Result<String, Errno> {
    let fd = Fd(open(lwp, path.into(), O_RDONLY, 0)?.0);
    let mut bytes = vec![0; 4096];
    let count = base::syscalls::read(lwp, fd, bytes[..].as_mut().into())?;
    bytes.truncate(count);
    Ok(String::from_utf8(bytes).unwrap())
}

#[test]
fn the_kernel_says_how_it_is() {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        assert_eq!(get(lwp, "/kern/name")?, "test\n");
        assert_eq!(get(lwp, "/kern/filesystems")?, "tmpfs\nkernfs\n");
        let mounts = "none tmpfs rw\nsome\\040thing tmpfs rw\nkernfs kernfs ro\n";
        assert_eq!(get(lwp, "/kern/mounts")?, mounts);
        assert!(get(lwp, "/kern/memory")?.starts_with("used "));
        assert_eq!(get(lwp, "/kern/nothing"), Err(Errno::ENOENT));
        let made = open(lwp, "/kern/new".into(), O_CREAT | O_WRONLY, 0o600);
        assert_eq!(made.err(), Some(Errno::EROFS));
        Ok(())
    })
    .unwrap();
}
