//! What closing does with data that has not arrived.

use alloc::sync::Arc;
use core::cell::OnceCell;

use base::Process;

use super::*;

/// The values of `SO_LINGER` that the host heard of.
fn heard() -> Vec<Vec<u8>> {
    let options = host(|host| core::mem::take(&mut host.options));
    options.into_iter().map(|(_, _, value)| value).collect()
}

#[test]
fn closing_lingers_here_and_not_on_the_host() {
    run(|lwp| {
        let never = [[0; 4], [0; 4]].concat();
        let linger = |fd| set(lwp, fd, SOL_SOCKET, SO_LINGER, &[1, 2]).unwrap();
        // Until its data has arrived.
        let fd = make(lwp, SOCK_STREAM);
        linger(fd);
        host(|host| host.unsent = 10);
        later(lwp, 30 * MS, || say(1, OUT));
        later(lwp, 60 * MS, || {
            host(|host| host.unsent = 0);
            say(1, OUT);
        });
        let begin = lwp.now();
        close(lwp, fd);
        let took = lwp.now() - begin;
        assert!((60 * MS..100 * MS).contains(&took), "{took}");
        assert_eq!(host(|host| host.closed.clone()), [1]);
        // Until its time is up.
        let fd = make(lwp, SOCK_STREAM);
        linger(fd);
        host(|host| host.unsent = 10);
        let begin = lwp.now();
        close(lwp, fd);
        assert!(lwp.now() - begin >= 2000 * MS);
        later(lwp, 5 * MS, || {});
        poll(lwp, Fd(-1), 0);
        assert_eq!(host(|host| host.closed.clone()), [1, 2]);
        // Nothing to wait for.
        let fd = make(lwp, SOCK_STREAM);
        linger(fd);
        host(|host| host.unsent = 0);
        let begin = lwp.now();
        close(lwp, fd);
        assert_eq!(lwp.now(), begin);
        assert_eq!(heard(), vec![never; 3]);
        assert_eq!(host(|host| host.closed.clone()), [1, 2, 3]);
    });
    assert_eq!(host(|host| host.closed.len()), 3);
}

#[test]
fn a_reset_is_the_hosts_to_make() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        set(lwp, fd, SOL_SOCKET, SO_LINGER, &[1, 0]).unwrap();
        assert_eq!(heard(), [[1, 0].map(i32::to_ne_bytes).concat()]);
        assert_eq!(
            option(lwp, fd, SOL_SOCKET, SO_LINGER).unwrap(),
            [1, 0].map(i32::to_ne_bytes).concat()
        );
        assert_eq!(
            set(lwp, fd, SOL_SOCKET, SO_LINGER, &[1]),
            Err(Errno::EINVAL)
        );
        close(lwp, fd);
        assert_eq!(count("shutdown"), 0);
        // What is accepted has what its listener has.
        let listener = make(lwp, SOCK_STREAM);
        set(lwp, listener, SOL_SOCKET, SO_LINGER, &[1, 9]).unwrap();
        let accepted = Fd(accept(lwp, listener, SockAddrOut::new(None)).unwrap().0);
        assert_eq!(
            option(lwp, accepted, SOL_SOCKET, SO_LINGER).unwrap(),
            [1, 9].map(i32::to_ne_bytes).concat()
        );
    });
}

#[test]
fn what_lingers_at_the_end_is_closed() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        set(lwp, fd, SOL_SOCKET, SO_LINGER, &[1, 60]).unwrap();
        host(|host| host.unsent = 10);
        // It stays on this thread.
        std::thread_local! {
            static PROCESS: OnceCell<Arc<Process>> = const { OnceCell::new() };
        }
        PROCESS.with(|place| place.set(lwp.process().clone()).ok().unwrap());
        later(lwp, 5 * MS, || {
            PROCESS.with(|process| process.get().unwrap().interrupt());
        });
        close(lwp, fd);
        assert_eq!(host(|host| host.closed.clone()), []);
    });
    assert_eq!(host(|host| host.closed.clone()), [1]);
}
