use base::enter;
use syscall::Fd;

use super::*;
use crate::testing::{Host, boot, ip};

fn call<R>(host: &Host, f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
    enter(host.kernel.process(), f)
}

#[test]
fn configures_by_name() {
    let host = boot();
    let _link = host.ethernet("virt", &[]);
    let virt0 = || Str::from("virt0");
    call(&host, |lwp| ifup(lwp, virt0())).unwrap();
    call(&host, |lwp| {
        ipv4_ifaddr(lwp, virt0(), "10.1.2.3".into(), "255.255.0.0".into())
    })
    .unwrap();
    call(&host, |lwp| {
        ipv4_ifaddr_cidr(lwp, virt0(), "10.9.0.1".into(), 16)
    })
    .unwrap();
    call(&host, |lwp| ipv6_ifaddr(lwp, virt0(), "fd00::3".into(), 64)).unwrap();
    call(&host, |lwp| ipv4_gw(lwp, "10.1.0.1".into())).unwrap();
    call(&host, |lwp| ipv6_gw(lwp, "fd00::1".into())).unwrap();
    host.in_kernel(|lwp, net| {
        assert_eq!(net.source_for(lwp, ip("8.8.8.8")), Ok(ip("10.1.2.3")));
        assert_eq!(net.source_for(lwp, ip("2001:db8::1")), Ok(ip("fd00::3")));
    });
    call(&host, |lwp| ifaddr_remove(lwp, virt0(), "10.9.0.1".into())).unwrap();
    host.in_kernel(|lwp, net| assert!(!net.is_local(lwp, ip("10.9.0.1"))));
}

#[test]
fn wrong_arguments_get_their_errors() {
    let host = boot();
    let _link = host.ethernet("virt", &["10.0.0.2/24"]);
    let address = |name: &str, address: &str, bits| {
        call(&host, |lwp| {
            ipv4_ifaddr_cidr(lwp, name.into(), address.into(), bits)
        })
    };
    assert_eq!(address("virt7", "10.0.0.3", 24), Err(Errno::ENXIO));
    assert_eq!(address("virt0", "10.0.0", 24), Err(Errno::EINVAL));
    assert_eq!(address("virt0", "fd00::1", 24), Err(Errno::EINVAL));
    assert_eq!(address("virt0", "10.0.0.3", 33), Err(Errno::EINVAL));
    assert_eq!(address("virt0", "10.0.0.3", -1), Err(Errno::EINVAL));
    assert_eq!(address("virt0", "10.0.0.2", 24), Err(Errno::EEXIST));
    assert_eq!(address("virt0", "224.0.0.5", 24), Err(Errno::EADDRNOTAVAIL));
    let gateway = |gateway: &str| call(&host, |lwp| ipv4_gw(lwp, gateway.into()));
    assert_eq!(gateway("192.168.0.1"), Err(Errno::ENETUNREACH));
    assert_eq!(gateway("10.0.0.2"), Err(Errno::EINVAL));
    let bad = call(&host, |lwp| ifup(lwp, Str::new(Err(Errno::EFAULT))));
    assert_eq!(bad, Err(Errno::EFAULT));
}

#[test]
fn statistics_are_a_line_of_text() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    host.feed(&link, b"short");
    let mut text = [0xffu8; 256];
    call(&host, |lwp| {
        ifstats(lwp, "virt0".into(), UserOut::from(&mut text[..]))
    })
    .unwrap();
    let end = text.iter().position(|byte| *byte == 0).unwrap();
    let line = core::str::from_utf8(&text[..end]).unwrap();
    assert_eq!(
        line,
        "virt0: rx 1 frames 5 bytes, tx 2 frames 128 bytes, dropped 1, malformed 1\n"
    );
    let short = call(&host, |lwp| {
        ifstats(lwp, "virt0".into(), UserOut::from(&mut text[..10]))
    });
    assert_eq!(short, Err(Errno::ENOSPC));
}

#[test]
fn a_capture_is_a_descriptor_that_ends_with_its_close() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    let fd = call(&host, |lwp| ifcapture(lwp, "virt0".into())).unwrap();
    let mut bytes = [0; 64];
    let read = call(&host, |lwp| {
        base::syscalls::read(lwp, Fd(fd.0), UserOut::from(&mut bytes[..]))
    });
    assert_eq!(read, Ok(24));
    call(&host, |lwp| base::syscalls::close(lwp, Fd(fd.0))).unwrap();
    host.feed(&link, b"short");
    assert_eq!(
        call(&host, |lwp| ifcapture(lwp, "lo9".into())),
        Err(Errno::ENXIO)
    );
}
