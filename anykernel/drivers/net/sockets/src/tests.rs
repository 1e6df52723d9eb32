//! The layer over a protocol that does what a test says, on the simulated platform: what comes later
//! comes from callouts, and waiting moves the clock.

mod fake;

use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};

use base::{Config, Errno, Events, Kernel, Lwp, System, enter};
use syscall::consts::*;
use syscall::{Fd, OptIn, OptOut, SockAddr, SockAddrIn, SockAddrOut, UserIn, UserOut};

use crate::syscalls::*;
use fake::{FAMILY, Fake, Fakes};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &crate::COMPONENT, &fake::COMPONENT],
    params: &[],
};

const MS: u64 = 1_000_000;

fn run(test: impl FnOnce(&Lwp<'_>)) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
}

fn make(lwp: &Lwp<'_>, kind: u32) -> (Fd, alloc::sync::Arc<Fake>) {
    let fd = socket(lwp, FAMILY.into(), kind as i32, 0).unwrap();
    (Fd(fd.0), lwp.state::<Fakes>().unwrap().last())
}

fn address() -> SockAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 80)).into()
}

fn set(lwp: &Lwp<'_>, fd: Fd, name: u32, value: &[u8]) -> Result<(), Errno> {
    let value = OptIn::new(Ok(UserIn::from(value)));
    setsockopt(lwp, fd, SOL_SOCKET as i32, name as i32, value)
}

fn get(lwp: &Lwp<'_>, fd: Fd, name: u32, room: usize) -> Result<Vec<u8>, Errno> {
    let (mut value, mut len) = (vec![0; room], 0);
    let place = OptOut::new(Ok(UserOut::from(&mut value[..])), &mut len);
    getsockopt(lwp, fd, SOL_SOCKET as i32, name as i32, place)?;
    value.truncate(len);
    Ok(value)
}

fn timeval(seconds: i64, micros: i64) -> Vec<u8> {
    [seconds.to_ne_bytes(), micros.to_ne_bytes()].concat()
}

fn receive(lwp: &Lwp<'_>, fd: Fd, len: usize, flags: u32) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; len];
    let count = recv(lwp, fd, UserOut::from(&mut buffer[..]), flags as i32)?;
    buffer.truncate(count);
    Ok(buffer)
}

#[test]
fn a_socket_that_cannot_be_says_why() {
    run(|lwp| {
        let family = i32::from(FAMILY);
        let why = |domain, kind, protocol| socket(lwp, domain, kind, protocol).unwrap_err();
        assert_eq!(why(-1, 1, 0), Errno::EAFNOSUPPORT);
        assert_eq!(why(46, 1, 0), Errno::EAFNOSUPPORT);
        assert_eq!(why(3, 1, 0), Errno::EAFNOSUPPORT);
        assert_eq!(why(3, 11, 0), Errno::EINVAL);
        assert_eq!(why(99, 11, 0), Errno::EAFNOSUPPORT);
        assert_eq!(why(-1, 0x101, 0), Errno::EINVAL);
        assert_eq!(why(family, 5, 0), Errno::ESOCKTNOSUPPORT);
        assert_eq!(why(family, 1, 17), Errno::EPROTONOSUPPORT);
        assert!(
            socket(
                lwp,
                family,
                (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK) as i32,
                0
            )
            .is_ok()
        );
    });
}

#[test]
fn what_is_no_socket_is_told_from_what_is_nothing() {
    run(|lwp| {
        let file = Fd(base::syscalls::epoll_create1(lwp, 0).unwrap().0);
        for (fd, errno) in [
            (file, Errno::ENOTSOCK),
            (Fd(-1), Errno::EBADF),
            (Fd(9), Errno::EBADF),
        ] {
            let is = |result: Result<(), Errno>| assert_eq!(result, Err(errno));
            // An address that is bad besides: the descriptor comes first.
            let bad = SockAddrIn::new(Err(Errno::EINVAL));
            is(bind(lwp, fd, bad));
            is(connect(lwp, fd, address().into()));
            is(listen(lwp, fd, 1));
            is(accept(lwp, fd, SockAddrOut::new(None)).map(drop));
            is(shutdown(lwp, fd, 9));
            is(send(lwp, fd, UserIn::from(&b"x"[..]), 0).map(drop));
            is(sendto(lwp, fd, UserIn::from(&b"x"[..]), 0, bad).map(drop));
            is(receive(lwp, fd, 1, 0).map(drop));
            is(set(lwp, fd, SO_TYPE, &[]));
            is(get(lwp, fd, SO_TYPE, 4).map(drop));
            is(getsockname(lwp, fd, SockAddrOut::new(None)));
            is(getpeername(lwp, fd, SockAddrOut::new(None)));
        }
        // Linux looks at the address before it looks whether there is a socket.
        let bad = SockAddrIn::new(Err(Errno::EFAULT));
        assert_eq!(connect(lwp, file, bad), Err(Errno::EFAULT));
    });
}

#[test]
fn receiving_waits_as_long_as_it_is_told_to() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_STREAM);
        assert_eq!(receive(lwp, fd, 9, MSG_DONTWAIT), Err(Errno::EAGAIN));
        set(lwp, fd, SO_RCVTIMEO, &timeval(0, 50_000)).unwrap();
        let start = lwp.now();
        assert_eq!(receive(lwp, fd, 9, 0), Err(Errno::EAGAIN));
        assert_eq!(lwp.now() - start, 50 * MS);
        fake.later(lwp, 20 * MS, |fake, lwp| fake.arrive(lwp, b"news"));
        assert_eq!(receive(lwp, fd, 9, 0).unwrap(), b"news");
        let waited = lwp.now() - start - 50 * MS;
        assert!((20 * MS..25 * MS).contains(&waited), "{waited}");
        fake.later(lwp, MS, |fake, lwp| fake.end(lwp));
        assert_eq!(receive(lwp, fd, 9, 0).unwrap(), b"");
    });
}

#[test]
fn waitall_waits_for_all_that_comes_in_time() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_STREAM);
        fake.arrive(lwp, b"ab");
        fake.later(lwp, 5 * MS, |fake, lwp| fake.arrive(lwp, b"cd"));
        assert_eq!(receive(lwp, fd, 4, MSG_WAITALL).unwrap(), b"abcd");
        fake.arrive(lwp, b"ab");
        let flags = MSG_WAITALL | MSG_DONTWAIT;
        assert_eq!(receive(lwp, fd, 4, flags).unwrap(), b"ab");
        fake.arrive(lwp, b"ef");
        set(lwp, fd, SO_RCVTIMEO, &timeval(0, 10_000)).unwrap();
        assert_eq!(receive(lwp, fd, 4, MSG_WAITALL).unwrap(), b"ef");
        fake.arrive(lwp, b"gh");
        fake.later(lwp, 5 * MS, |fake, lwp| fake.end(lwp));
        assert_eq!(receive(lwp, fd, 4, MSG_WAITALL).unwrap(), b"gh");
    });
}

#[test]
fn a_stream_that_may_wait_sends_everything() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_STREAM);
        fake.make_room(lwp, 3);
        fake.later(lwp, 5 * MS, |fake, lwp| fake.make_room(lwp, 4));
        fake.later(lwp, 9 * MS, |fake, lwp| fake.make_room(lwp, 40));
        let data = || UserIn::from(&b"0123456789"[..]);
        assert_eq!(send(lwp, fd, data(), 0), Ok(10));
        assert_eq!(fake.sent(), b"0123456789");
        fake.make_room(lwp, 3);
        assert_eq!(send(lwp, fd, data(), MSG_DONTWAIT as i32), Ok(3));
        assert_eq!(
            send(lwp, fd, data(), MSG_DONTWAIT as i32),
            Err(Errno::EAGAIN)
        );
        // What was sent before the time was over counts.
        fake.make_room(lwp, 3);
        set(lwp, fd, SO_SNDTIMEO, &timeval(0, 10_000)).unwrap();
        assert_eq!(send(lwp, fd, data(), 0), Ok(3));
        assert_eq!(send(lwp, fd, data(), 0), Err(Errno::EAGAIN));
        assert_eq!(base::syscalls::write(lwp, fd, data()), Err(Errno::EAGAIN));
    });
}

#[test]
fn a_datagram_is_sent_at_once() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_DGRAM);
        fake.make_room(lwp, 3);
        let data = UserIn::from(&b"0123456789"[..]);
        assert_eq!(sendto(lwp, fd, data, 0, address().into()), Ok(3));
        let bad = SockAddrIn::new(Err(Errno::EINVAL));
        assert_eq!(sendto(lwp, fd, data, 0, bad), Err(Errno::EINVAL));
    });
}

#[test]
fn connecting_is_under_way_until_it_ended() {
    run(|lwp| {
        let to = || SockAddrIn::from(address());
        let (fd, fake) = make(lwp, SOCK_STREAM | SOCK_NONBLOCK);
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EINPROGRESS));
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EALREADY));
        fake.connected(lwp, Ok(()));
        assert_eq!(connect(lwp, fd, to()), Ok(()));
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EISCONN));

        let (fd, fake) = make(lwp, SOCK_STREAM);
        set(lwp, fd, SO_SNDTIMEO, &timeval(0, 10_000)).unwrap();
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EINPROGRESS));
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EALREADY));
        fake.later(lwp, 5 * MS, |fake, lwp| {
            fake.connected(lwp, Err(Errno::ECONNREFUSED))
        });
        assert_eq!(connect(lwp, fd, to()), Err(Errno::ECONNREFUSED));
        // And anew.
        assert_eq!(connect(lwp, fd, to()), Err(Errno::EINPROGRESS));
    });
}

#[test]
fn accepting_gives_what_the_listener_has() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_STREAM);
        set(lwp, fd, SO_RCVTIMEO, &timeval(0, 10_000)).unwrap();
        listen(lwp, fd, 1).unwrap();
        let nowhere = || SockAddrOut::new(None);
        assert_eq!(accept(lwp, fd, nowhere()), Err(Errno::EAGAIN));
        assert_eq!(accept4(lwp, fd, nowhere(), 0x100), Err(Errno::EINVAL));
        fake.later(lwp, 5 * MS, |fake, lwp| fake.arrive(lwp, b"connection"));
        let mut peer = None;
        let flags = (SOCK_NONBLOCK | SOCK_CLOEXEC) as i32;
        let new = accept4(lwp, fd, SockAddrOut::new(Some(&mut peer)), flags).unwrap();
        assert_eq!(peer, Some(address()));
        let new = Fd(new.0);
        assert_eq!(get(lwp, new, SO_RCVTIMEO, 16).unwrap(), timeval(0, 10_000));
        assert_eq!(receive(lwp, new, 1, 0), Err(Errno::EAGAIN));
    });
}

#[test]
fn options_that_hold_for_all() {
    run(|lwp| {
        let (fd, _) = make(lwp, SOCK_DGRAM);
        let number = |name| get(lwp, fd, name, 99).unwrap();
        assert_eq!(number(SO_TYPE), 2u32.to_ne_bytes());
        assert_eq!(number(SO_DOMAIN), u32::from(FAMILY).to_ne_bytes());
        assert_eq!(number(SO_PROTOCOL), 17u32.to_ne_bytes());
        assert_eq!(get(lwp, fd, SO_TYPE, 2).unwrap().len(), 2);
        assert_eq!(get(lwp, fd, 9999, 4), Err(Errno::ENOPROTOOPT));
        for name in [SO_TYPE, SO_DOMAIN, SO_PROTOCOL, 9999] {
            assert_eq!(set(lwp, fd, name, &[0; 4]), Err(Errno::ENOPROTOOPT));
            assert_eq!(set(lwp, fd, name, &[0; 3]), Err(Errno::EINVAL));
        }
        let mut len = 0;
        let bad = OptOut::new(Err(Errno::EFAULT), &mut len);
        assert_eq!(getsockopt(lwp, fd, 1, 9999, bad), Err(Errno::EFAULT));
    });
}

#[test]
fn times_are_those_that_were_set() {
    run(|lwp| {
        let (fd, _) = make(lwp, SOCK_DGRAM);
        for name in [SO_RCVTIMEO, SO_SNDTIMEO] {
            let time = |seconds, micros| {
                set(lwp, fd, name, &timeval(seconds, micros))?;
                get(lwp, fd, name, 16)
            };
            assert_eq!(get(lwp, fd, name, 16).unwrap(), timeval(0, 0));
            assert_eq!(time(3, 500_000).unwrap(), timeval(3, 500_000));
            assert_eq!(time(0, 0).unwrap(), timeval(0, 0));
            let edom = Err(Errno::from_number(33));
            assert_eq!(time(0, 1_000_000), edom);
            assert_eq!(time(0, -1), edom);
            assert!(time(i64::MAX, 999_999).is_ok());
            assert_eq!(set(lwp, fd, name, &[0; 15]), Err(Errno::EINVAL));
        }
        // Less than nothing is not to wait.
        set(lwp, fd, SO_RCVTIMEO, &timeval(-1, 5)).unwrap();
        let start = lwp.now();
        assert_eq!(receive(lwp, fd, 1, 0), Err(Errno::EAGAIN));
        assert_eq!(lwp.now(), start);
    });
}

#[test]
fn closing_waits_for_the_last_data_if_it_is_to() {
    run(|lwp| {
        let close = |fd| {
            let start = lwp.now();
            base::syscalls::close(lwp, fd).unwrap();
            lwp.now() - start
        };
        let linger = |on: i32, seconds: i32| [on.to_ne_bytes(), seconds.to_ne_bytes()].concat();
        let (fd, fake) = make(lwp, SOCK_STREAM);
        assert_eq!(close(fd), 0);
        assert!(fake.is_closed());
        for (on, seconds, least, most) in [(1, 2, 30 * MS, 35 * MS), (0, 2, 0, 0), (1, 0, 0, 0)] {
            let (fd, fake) = make(lwp, SOCK_STREAM);
            set(lwp, fd, SO_LINGER, &linger(on, seconds)).unwrap();
            fake.later(lwp, 30 * MS, |fake, lwp| fake.say(lwp, Events::HUP));
            let took = close(fd);
            assert!((least..=most).contains(&took), "{took}");
        }
        let (fd, fake) = make(lwp, SOCK_STREAM);
        set(lwp, fd, SO_LINGER, &linger(1, 2)).unwrap();
        assert_eq!(close(fd), 2000 * MS);
        assert!(fake.is_closed());
        // What is still open when the kernel ends does not hold it up.
        let (fd, _) = make(lwp, SOCK_STREAM);
        set(lwp, fd, SO_LINGER, &linger(1, 2)).unwrap();
    });
}

#[test]
fn asking_for_an_address_takes_a_place_for_it() {
    run(|lwp| {
        let (fd, _) = make(lwp, SOCK_STREAM);
        let mut place = None;
        assert_eq!(
            getsockname(lwp, fd, SockAddrOut::new(Some(&mut place))),
            Ok(())
        );
        assert_eq!(place, Some(address()));
        assert_eq!(
            getsockname(lwp, fd, SockAddrOut::new(None)),
            Err(Errno::EFAULT)
        );
        assert_eq!(
            getpeername(lwp, fd, SockAddrOut::new(None)),
            Err(Errno::ENOTCONN)
        );
    });
}

#[test]
fn shutdown_knows_three_ways() {
    run(|lwp| {
        let (fd, _) = make(lwp, SOCK_STREAM);
        for how in 0..3 {
            assert_eq!(shutdown(lwp, fd, how), Ok(()));
        }
        for how in [-1, 3] {
            assert_eq!(shutdown(lwp, fd, how), Err(Errno::EINVAL));
        }
    });
}

#[test]
fn fionread_says_how_much_there_is() {
    run(|lwp| {
        let (fd, fake) = make(lwp, SOCK_STREAM);
        fake.arrive(lwp, b"abc");
        let mut count = [0u8; 4];
        let output = UserOut::from(&mut count[..]);
        let nothing: &[u8] = &[];
        let argument = syscall::IoctlArg::new(FIONREAD, nothing.into(), output);
        base::syscalls::ioctl(lwp, fd, argument).unwrap();
        assert_eq!(u32::from_ne_bytes(count), 3);
    });
}
