//! Names.

use super::*;

#[test]
fn a_name_has_one_socket() {
    run(|lwp, _| {
        let (a, b) = (make(lwp, SOCK_STREAM), make(lwp, SOCK_STREAM));
        assert_eq!(local(lwp, a), named(""));
        bind(lwp, a, named("/tmp/x\0rest").into()).unwrap();
        // What is behind the end of a path does not count; the end does.
        assert_eq!(local(lwp, a), named("/tmp/x\0"));
        assert_eq!(bind(lwp, a, named("/tmp/y").into()), Err(Errno::EINVAL));
        assert_eq!(bind(lwp, b, named("/tmp/x").into()), Err(Errno::EADDRINUSE));
        close(lwp, a);
        bind(lwp, b, named("/tmp/x").into()).unwrap();
        let datagram = make(lwp, SOCK_DGRAM);
        assert_eq!(connect_to(lwp, datagram, "/tmp/x"), Err(Errno::EPROTOTYPE));
        // It does not listen.
        let c = make(lwp, SOCK_STREAM);
        assert_eq!(connect_to(lwp, c, "/tmp/x"), Err(Errno::ECONNREFUSED));
    });
}

#[test]
fn abstract_names_are_apart_for_each_type() {
    run(|lwp, _| {
        for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] {
            let fd = make(lwp, kind);
            bind(lwp, fd, named("\0same\0bytes").into()).unwrap();
            assert_eq!(local(lwp, fd), named("\0same\0bytes"));
            let other = make(lwp, kind);
            assert_eq!(
                bind(lwp, other, named("\0same\0bytes").into()),
                Err(Errno::EADDRINUSE)
            );
            bind(lwp, other, named("\0same").into()).unwrap();
        }
    });
}

#[test]
fn the_kernel_gives_names() {
    run(|lwp, _| {
        let names: Vec<SockAddr> = [SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM]
            .into_iter()
            .map(|kind| {
                let fd = make(lwp, kind);
                bind(lwp, fd, named("").into()).unwrap();
                let name = local(lwp, fd);
                // Once more is none more.
                bind(lwp, fd, named("").into()).unwrap();
                assert_eq!(local(lwp, fd), name);
                name
            })
            .collect();
        assert_ne!(names[0], names[1]);
        for name in names {
            let SockAddr::Other { data, len, .. } = name else {
                panic!("{name:?}");
            };
            let digits = &data[1..usize::from(len)];
            assert_eq!((data[0], digits.len()), (0, 5));
            assert!(digits.iter().all(u8::is_ascii_hexdigit));
        }
    });
}

#[test]
fn addresses_that_are_none() {
    run(|lwp, _| {
        let fd = make(lwp, SOCK_STREAM);
        let long = "/".repeat(109);
        let inet = SockAddr::from((core::net::Ipv4Addr::LOCALHOST.into(), 80));
        for bad in [named(&long), inet, SockAddr::Unspec] {
            assert_eq!(bind(lwp, fd, bad.into()), Err(Errno::EINVAL));
            assert_eq!(connect(lwp, fd, bad.into()), Err(Errno::EINVAL));
        }
        assert_eq!(connect_to(lwp, fd, ""), Err(Errno::EINVAL));
        assert_eq!(listen(lwp, fd, 1), Err(Errno::EINVAL));
        let longest = "/".repeat(108);
        bind(lwp, fd, named(&longest).into()).unwrap();
        assert_eq!(local(lwp, fd), named(&(longest + "\0")));
        assert_eq!(peer(lwp, fd), Err(Errno::ENOTCONN));
    });
}
