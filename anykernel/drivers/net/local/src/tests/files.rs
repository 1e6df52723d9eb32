//! Open files that travel.

use super::*;
use crate::local::Local;

fn in_flight(lwp: &Lwp<'_>) -> usize {
    let local = lwp.state::<Local>().unwrap();
    local.in_flight.lock(lwp).count()
}

fn fds(result: &MsgResult) -> Vec<Fd> {
    result.descriptors.iter().map(|fd| Fd(fd.0)).collect()
}

#[test]
fn a_file_arrives_in_another_process() {
    run(|lwp, kernel| {
        for kind in [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM] {
            let [a, b] = pair(lwp, kind);
            let [mine, sent] = pair(lwp, SOCK_STREAM);
            let other = fork(kernel);
            other.copy_files(lwp, lwp.process()).unwrap();
            put_files(lwp, a, "file", &[sent]).unwrap();
            close(lwp, sent);
            enter(&other, |lwp| {
                for fd in [mine, sent] {
                    close(lwp, fd);
                }
                assert_eq!(in_flight(lwp), 1);
                let flags = MSG_CMSG_CLOEXEC;
                let (data, result) = get_message(lwp, b, 99, 5, flags).unwrap();
                assert_eq!((&data[..], result.flags), (&b"file"[..], flags));
                let [got] = fds(&result)[..] else {
                    panic!("{result:?}")
                };
                let closes = base::syscalls::fcntl(lwp, got, F_GETFD, syscall::FcntlArg::number(0));
                assert_eq!((closes, in_flight(lwp)), (Ok(1), 0));
                put(lwp, got, "hello").unwrap();
                other.exit(lwp);
                Ok(())
            })
            .unwrap();
            assert_eq!(get(lwp, mine, 9, 0).unwrap(), b"hello");
            assert_eq!(get(lwp, mine, 9, 0).unwrap(), b"");
        }
    });
}

#[test]
fn what_is_not_wanted_is_closed() {
    run(|lwp, _| {
        for kind in [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM] {
            let ended = |mine| get(lwp, mine, 1, 0) == Ok(Vec::new());
            let send_one = |to| {
                let [mine, sent] = pair(lwp, SOCK_STREAM);
                put_files(lwp, to, "file", &[sent]).unwrap();
                close(lwp, sent);
                assert!(!ended(mine));
                mine
            };
            let [a, b] = pair(lwp, kind);
            // By a plain read, by no room, and by the end of the socket it waits at.
            let mine = send_one(a);
            get(lwp, b, 99, 0).unwrap();
            assert!(ended(mine));
            let mine = send_one(a);
            let (_, result) = get_message(lwp, b, 99, 0, 0).unwrap();
            assert_eq!(result.flags, MSG_CTRUNC);
            assert!(ended(mine));
            let mine = send_one(a);
            close(lwp, b);
            assert!(ended(mine));
            assert_eq!(in_flight(lwp), 0);
        }
    });
}

#[test]
fn a_look_gets_files_of_its_own() {
    run(|lwp, _| {
        for kind in [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM] {
            let [a, b] = pair(lwp, kind);
            put_files(lwp, a, "x", &[a, b]).unwrap();
            let (_, first) = get_message(lwp, b, 1, 5, MSG_PEEK).unwrap();
            let (_, second) = get_message(lwp, b, 1, 5, 0).unwrap();
            assert_eq!((fds(&first).len(), fds(&second).len()), (2, 2));
            assert_eq!(in_flight(lwp), 0);
        }
    });
}

#[test]
fn of_a_stream_a_read_ends_behind_files() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        put(lwp, a, "be").unwrap();
        put_files(lwp, a, "files", &[a]).unwrap();
        put(lwp, a, "after").unwrap();
        put_files(lwp, a, "", &[a]).unwrap();
        let (data, result) = get_message(lwp, b, 4, 5, 0).unwrap();
        assert_eq!((&data[..], fds(&result).len()), (&b"befi"[..], 1));
        let (data, result) = get_message(lwp, b, 99, 5, 0).unwrap();
        assert_eq!((&data[..], fds(&result).len()), (&b"lesafter"[..], 0));
        put_files(lwp, a, "files", &[a]).unwrap();
        put(lwp, a, "after").unwrap();
        assert_eq!(get_message(lwp, b, 99, 5, 0).unwrap().0, b"files");
    });
}

#[test]
fn control_data_that_is_wrong() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        assert_eq!(put_files(lwp, a, "x", &[a, Fd(99)]), Err(Errno::EBADF));
        assert_eq!(put_files(lwp, a, "x", &[a; 254]), Err(Errno::EINVAL));
        put_files(lwp, a, "x", &[a; 253]).unwrap();
        let (_, result) = get_message(lwp, b, 9, 253, 0).unwrap();
        assert_eq!(result.descriptors.len(), 253);
        let say = |pid: i32, kind| {
            let words = [pid, 0, 0].map(i32::to_ne_bytes);
            let control = [Control {
                level: SOL_SOCKET,
                kind,
                data: words.as_flattened().to_vec(),
            }];
            let data = UserIn::from(&b"x"[..]).into();
            let message = MsgIn::new(Ok((SockAddrIn::new(Ok(None)), data, &control[..])));
            sendmsg(lwp, a, message, DONTWAIT)
        };
        assert_eq!(say(lwp.process().pid(), SCM_CREDENTIALS), Ok(1));
        assert_eq!(say(99, SCM_CREDENTIALS), Err(Errno::EPERM));
        assert_eq!(say(1, 77), Err(Errno::EINVAL));
    });
}

#[test]
fn sockets_that_hold_each_other_are_found() {
    run(|lwp, _| {
        for kind in [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM] {
            let [mine, sent] = pair(lwp, SOCK_STREAM);
            // In itself, and in one another; with something that does no wrong.
            let [a, b] = pair(lwp, kind);
            put_files(lwp, a, "x", &[b, sent]).unwrap();
            close(lwp, sent);
            close(lwp, a);
            close(lwp, b);
            // The next socket that is closed has them found.
            let [c, d] = pair(lwp, kind);
            put_files(lwp, c, "x", &[c]).unwrap();
            put_files(lwp, d, "x", &[d]).unwrap();
            for fd in [c, d] {
                close(lwp, fd);
            }
            assert_eq!(get(lwp, mine, 1, 0), Err(Errno::EAGAIN));
            assert_eq!(in_flight(lwp), 4);
            let other = make(lwp, kind);
            close(lwp, other);
            assert_eq!(get(lwp, mine, 1, 0).unwrap(), b"");
            assert_eq!(in_flight(lwp), 0);
        }
    });
}

#[test]
fn what_can_be_received_is_left() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        let [c, d] = pair(lwp, SOCK_STREAM);
        // d waits at b and a at d: who has b gets d, and then a. No other descriptor is left.
        put_files(lwp, c, "inner", &[a]).unwrap();
        put_files(lwp, a, "outer", &[d]).unwrap();
        for fd in [a, c, d] {
            close(lwp, fd);
        }
        lwp.state::<Local>().unwrap().tidy(lwp, Vec::new());
        assert_eq!(in_flight(lwp), 2);
        let (data, result) = get_message(lwp, b, 99, 1, 0).unwrap();
        assert_eq!(data, b"outer");
        let (data, result) = get_message(lwp, fds(&result)[0], 99, 1, 0).unwrap();
        assert_eq!(data, b"inner");
        put(lwp, fds(&result)[0], "back").unwrap();
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"back");
    });
}

#[test]
fn what_nobody_accepted_is_looked_through() {
    run(|lwp, _| {
        let server = listener(lwp, SOCK_STREAM, "\0lost", 5);
        let client = make(lwp, SOCK_STREAM);
        connect_to(lwp, client, "\0lost").unwrap();
        put_files(lwp, client, "x", &[server, client]).unwrap();
        close(lwp, server);
        close(lwp, client);
        assert_eq!(in_flight(lwp), 2);
        let other = make(lwp, SOCK_STREAM);
        close(lwp, other);
        assert_eq!(in_flight(lwp), 0);
        let other = make(lwp, SOCK_STREAM);
        assert_eq!(connect_to(lwp, other, "\0lost"), Err(Errno::ECONNREFUSED));
    });
}

#[test]
fn only_so_many_are_on_their_way() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_STREAM);
        let mut sent = 0;
        let refused = loop {
            match put_files(lwp, a, "x", &[a; 128]) {
                Ok(_) => sent += 128,
                Err(errno) => break errno,
            }
        };
        assert_eq!((sent, refused), (4096, Errno::ETOOMANYREFS));
        get(lwp, b, 1, 0).unwrap();
        put_files(lwp, a, "x", &[a; 128]).unwrap();
        // Lost ones make room before anybody is refused.
        close(lwp, a);
        close(lwp, b);
        let [c, _d] = pair(lwp, SOCK_STREAM);
        put_files(lwp, c, "x", &[c]).unwrap();
    });
}

/// However deep sockets are in one another, closing them takes no stack.
#[test]
fn a_long_chain_is_closed() {
    run(|lwp, _| {
        let [mut inner, mut outer] = pair(lwp, SOCK_STREAM);
        close(lwp, outer);
        for _ in 0..1000 {
            let [a, b] = pair(lwp, SOCK_STREAM);
            put_files(lwp, a, "x", &[inner]).unwrap();
            close(lwp, inner);
            close(lwp, a);
            (inner, outer) = (b, a);
        }
        let _ = outer;
        assert_eq!(in_flight(lwp), 1000);
        close(lwp, inner);
        assert_eq!(in_flight(lwp), 0);
    });
}
