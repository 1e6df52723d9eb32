//! Streams.

use super::*;

const IN: Events = Events::IN;
const OUT: Events = Events::OUT;

#[test]
fn bytes_go_both_ways_and_have_no_borders() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        assert_eq!(get(lwp, a, 1, 0), Err(Errno::EAGAIN));
        put(lwp, a, "hel").unwrap();
        put(lwp, a, "lo").unwrap();
        put(lwp, b, "x").unwrap();
        assert_eq!(get(lwp, b, 4, MSG_PEEK).unwrap(), b"hell");
        assert_eq!(get(lwp, b, 4, 0).unwrap(), b"hell");
        assert_eq!(get(lwp, b, 4, 0).unwrap(), b"o");
        assert_eq!(get(lwp, a, 4, 0).unwrap(), b"x");
        assert_eq!(put(lwp, a, ""), Ok(0));
        assert_eq!(get(lwp, b, 4, 0), Err(Errno::EAGAIN));
    });
}

#[test]
fn a_ring_that_grows_and_wraps_keeps_the_order() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        let (mut sent, mut got) = (0u32, 0u32);
        for round in 1..200 {
            let bytes: Vec<u8> = (0..round * 37)
                .map(|_| {
                    sent = sent.wrapping_mul(5).wrapping_add(1);
                    (sent >> 16) as u8
                })
                .collect();
            assert_eq!(send(lwp, a, UserIn::from(&bytes[..]), 0), Ok(bytes.len()));
            let part = round * if round % 50 == 0 { 3000 } else { 31 };
            for byte in get(lwp, b, part, 0).unwrap() {
                got = got.wrapping_mul(5).wrapping_add(1);
                assert_eq!(byte, (got >> 16) as u8);
            }
        }
    });
}

#[test]
fn a_full_buffer_takes_no_more_until_a_quarter_is_left() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        set(lwp, a, SO_SNDBUF, 4096).unwrap();
        assert_eq!(option(lwp, a, SO_SNDBUF).unwrap(), [8192]);
        nonblocking(lwp, a);
        let data = vec![7; 10_000];
        let write = || base::syscalls::write(lwp, a, UserIn::from(&data[..]));
        assert_eq!(ready(lwp, a), OUT);
        assert_eq!(write(), Ok(8192));
        assert_eq!(write(), Err(Errno::EAGAIN));
        assert_eq!(ready(lwp, a), Events::NONE);
        get(lwp, b, 6143, 0).unwrap();
        assert_eq!(ready(lwp, a), Events::NONE);
        get(lwp, b, 1, 0).unwrap();
        assert_eq!(ready(lwp, a), OUT);
        // A little room is room for who tries.
        assert_eq!(write(), Ok(6144));
    });
}

#[test]
fn directions_end_one_by_one() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        put(lwp, a, "last").unwrap();
        shutdown(lwp, a, SHUT_WR as i32).unwrap();
        assert_eq!(put(lwp, a, "x"), Err(Errno::EPIPE));
        assert_eq!(
            (ready(lwp, a), ready(lwp, b)),
            (OUT, IN | OUT | Events::RDHUP)
        );
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"last");
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"");
        put(lwp, b, "still").unwrap();
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"still");
        shutdown(lwp, a, SHUT_RD as i32).unwrap();
        assert_eq!(put(lwp, b, "x"), Err(Errno::EPIPE));
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"");
        let all = IN | OUT | Events::RDHUP | Events::HUP;
        assert_eq!((ready(lwp, a), ready(lwp, b)), (all, all));
    });
}

#[test]
fn who_closes_with_data_unread_resets() {
    run(|lwp, _| {
        let all = IN | OUT | Events::RDHUP | Events::HUP;
        let [a, b] = pair(lwp, SOCK_STREAM);
        put(lwp, b, "read").unwrap();
        close(lwp, b);
        assert_eq!(ready(lwp, a), all);
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"read");
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"");
        assert_eq!(put(lwp, a, "x"), Err(Errno::EPIPE));

        let [a, b] = pair(lwp, SOCK_STREAM);
        put(lwp, a, "unread").unwrap();
        put(lwp, b, "before").unwrap();
        close(lwp, b);
        assert_eq!(ready(lwp, a), all | Events::ERR);
        assert_eq!(put(lwp, a, "x"), Err(Errno::EPIPE));
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"before");
        assert_eq!(get(lwp, a, 9, 0), Err(Errno::ECONNRESET));
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"");
        assert_eq!(ready(lwp, a), all);
        assert_eq!(option(lwp, a, SO_ERROR).unwrap(), [0]);
    });
}

#[test]
fn a_server_and_its_client() {
    run(|lwp, kernel| {
        let server = listener(lwp, SOCK_STREAM, "/run/server", 1);
        assert_eq!(ready(lwp, server), Events::NONE);
        assert_eq!(option(lwp, server, SO_ACCEPTCONN).unwrap(), [1]);
        nonblocking(lwp, server);
        assert_eq!(accept_from(lwp, server).err(), Some(Errno::EAGAIN));
        let other = fork(kernel);
        let client = enter(&other, |lwp| {
            let client = make(lwp, SOCK_STREAM);
            assert_eq!(ready(lwp, client), OUT | Events::HUP);
            assert_eq!(put(lwp, client, "x"), Err(Errno::ENOTCONN));
            assert_eq!(get(lwp, client, 1, 0), Err(Errno::EINVAL));
            assert_eq!(option(lwp, client, SO_PEERCRED).unwrap(), [0, -1, -1]);
            connect_to(lwp, client, "/run/server").unwrap();
            assert_eq!(connect_to(lwp, client, "/run/server"), Err(Errno::EISCONN));
            assert_eq!(put_to(lwp, client, "x", "/run"), Err(Errno::EISCONN));
            // It need not be accepted to send.
            put(lwp, client, "hello").unwrap();
            assert_eq!(option(lwp, client, SO_PEERCRED).unwrap(), [1, 0, 0]);
            Ok(client)
        })
        .unwrap();
        assert_eq!(ready(lwp, server), IN);
        let (accepted, from) = accept_from(lwp, server).unwrap();
        assert_eq!(from, named(""));
        assert_eq!(local(lwp, accepted), named("/run/server\0"));
        assert_eq!(option(lwp, accepted, SO_PEERCRED).unwrap()[0], other.pid());
        assert_eq!(get(lwp, accepted, 9, 0).unwrap(), b"hello");
        // The name is the server's: closing what it accepted leaves it.
        close(lwp, accepted);
        let second = make(lwp, SOCK_STREAM);
        connect_to(lwp, second, "/run/server").unwrap();
        enter(&other, |lwp| {
            assert_eq!(peer(lwp, client).unwrap(), named("/run/server\0"));
            other.exit(lwp);
            Ok(())
        })
        .unwrap();
        // Nobody accepts it any more.
        close(lwp, server);
        assert_eq!(get(lwp, second, 1, 0), Err(Errno::ECONNRESET));
        let third = make(lwp, SOCK_STREAM);
        assert_eq!(connect_to(lwp, third, "/run/server"), Err(Errno::ENOENT));
    });
}

#[test]
fn a_full_backlog_makes_wait() {
    run(|lwp, _| {
        let server = listener(lwp, SOCK_STREAM, "\0full", 0);
        let clients: Vec<Fd> = (0..3).map(|_| make(lwp, SOCK_STREAM)).collect();
        connect_to(lwp, clients[0], "\0full").unwrap();
        nonblocking(lwp, clients[1]);
        assert_eq!(connect_to(lwp, clients[1], "\0full"), Err(Errno::EAGAIN));
        assert_eq!(connect_to(lwp, clients[1], "\0full"), Err(Errno::EAGAIN));
        accept_from(lwp, server).unwrap();
        connect_to(lwp, clients[1], "\0full").unwrap();
        accept_from(lwp, server).unwrap();
        shutdown(lwp, server, SHUT_RD as i32).unwrap();
        assert_eq!(
            connect_to(lwp, clients[2], "\0full"),
            Err(Errno::ECONNREFUSED)
        );
        assert_eq!(accept_from(lwp, server).err(), Some(Errno::EINVAL));
        assert_eq!(ready(lwp, server), IN | Events::RDHUP);
    });
}

#[test]
fn credentials_of_a_message_end_a_read() {
    run(|lwp, kernel| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        set(lwp, b, SO_PASSCRED, 1).unwrap();
        put(lwp, a, "mine").unwrap();
        let other = fork(kernel);
        other.copy_files(lwp, lwp.process()).unwrap();
        enter(&other, |lwp| {
            put(lwp, a, "other").unwrap();
            other.exit(lwp);
            Ok(())
        })
        .unwrap();
        let (data, result) = get_message(lwp, b, 99, 0, 0).unwrap();
        assert_eq!(
            (&data[..], result.credentials.unwrap().pid),
            (&b"mine"[..], 1)
        );
        let (data, result) = get_message(lwp, b, 99, 0, 0).unwrap();
        assert_eq!(data, b"other");
        assert_eq!(result.credentials.unwrap().pid, other.pid());
        let (_, result) = {
            set(lwp, b, SO_PASSCRED, 0).unwrap();
            put(lwp, a, "x").unwrap();
            get_message(lwp, b, 1, 0, 0).unwrap()
        };
        assert_eq!(result.credentials, None);
    });
}

#[test]
fn options_that_are_known() {
    run(|lwp, _| {
        let fd = make(lwp, SOCK_STREAM);
        assert_eq!(option(lwp, fd, SO_SNDBUF).unwrap(), [212_992]);
        set(lwp, fd, SO_RCVBUF, 1).unwrap();
        assert_eq!(option(lwp, fd, SO_RCVBUF).unwrap(), [2304]);
        set(lwp, fd, SO_BROADCAST, 1).unwrap();
        assert_eq!(option(lwp, fd, SO_BROADCAST).unwrap(), [1]);
        assert_eq!(option(lwp, fd, SO_KEEPALIVE).unwrap(), [0]);
        assert_eq!(set(lwp, fd, 999, 1), Err(Errno::ENOPROTOOPT));
        assert_eq!(option(lwp, fd, 999), Err(Errno::ENOPROTOOPT));
        let value = 1i32.to_ne_bytes();
        let value = OptIn::new(Ok(UserIn::from(&value[..])));
        let nodelay = setsockopt(lwp, fd, IPPROTO_TCP as i32, TCP_NODELAY as i32, value);
        assert_eq!(nodelay, Err(Errno::EOPNOTSUPP));
    });
}
