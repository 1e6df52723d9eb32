//! Datagrams.

use super::*;

fn bound(lwp: &Lwp<'_>, name: &str) -> Fd {
    let fd = make(lwp, SOCK_DGRAM);
    bind(lwp, fd, named(name).into()).unwrap();
    fd
}

fn get_from(lwp: &Lwp<'_>, fd: Fd) -> Result<(Vec<u8>, Option<SockAddr>), Errno> {
    let mut buffer = vec![0; 99];
    let mut from = None;
    let place = SockAddrOut::new(Some(&mut from));
    let count = recvfrom(lwp, fd, UserOut::from(&mut buffer[..]), DONTWAIT, place)?;
    buffer.truncate(count);
    Ok((buffer, from))
}

#[test]
fn datagrams_say_who_sent_them() {
    run(|lwp, _| {
        let (a, b) = (bound(lwp, "\0a"), make(lwp, SOCK_DGRAM));
        assert_eq!(put(lwp, b, "x"), Err(Errno::ENOTCONN));
        assert_eq!(put_to(lwp, b, "x", "\0none"), Err(Errno::ECONNREFUSED));
        put_to(lwp, b, "one", "\0a").unwrap();
        assert_eq!(get_from(lwp, a), Ok((b"one".to_vec(), None)));
        bind(lwp, b, named("\0b").into()).unwrap();
        put_to(lwp, b, "two", "\0a").unwrap();
        assert_eq!(get(lwp, a, 1, MSG_PEEK).unwrap(), b"t");
        assert_eq!(get_from(lwp, a), Ok((b"two".to_vec(), Some(named("\0b")))));
        assert_eq!(get_from(lwp, a), Err(Errno::EAGAIN));
        put_to(lwp, b, "three", "\0a").unwrap();
        let (data, result) = get_message(lwp, a, 2, 0, 0).unwrap();
        assert_eq!((&data[..], result.flags), (&b"th"[..], MSG_TRUNC));
    });
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    run(|lwp, _| {
        let (a, b, c) = (bound(lwp, "\0a"), bound(lwp, "\0b"), bound(lwp, "\0c"));
        connect_to(lwp, a, "\0b").unwrap();
        assert_eq!(peer(lwp, a).unwrap(), named("\0b"));
        assert_eq!(put_to(lwp, c, "x", "\0a"), Err(Errno::EPERM));
        assert_eq!(connect_to(lwp, c, "\0a"), Err(Errno::EPERM));
        connect_to(lwp, b, "\0a").unwrap();
        put(lwp, a, "to b").unwrap();
        put(lwp, b, "to a").unwrap();
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"to b");
        // Who disconnects loses what came, and the other side hears it.
        connect(lwp, a, SockAddr::Unspec.into()).unwrap();
        assert_eq!(get(lwp, a, 9, 0), Err(Errno::EAGAIN));
        assert_eq!(ready(lwp, b), Events::ERR | Events::OUT);
        assert_eq!(get(lwp, b, 9, 0), Err(Errno::ECONNRESET));
        assert_eq!(peer(lwp, a), Err(Errno::ENOTCONN));
        put_to(lwp, c, "free", "\0a").unwrap();
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"free");
    });
}

#[test]
fn a_peer_that_is_gone_refuses_once() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_DGRAM);
        put(lwp, b, "last").unwrap();
        close(lwp, b);
        assert_eq!(ready(lwp, a), Events::IN | Events::OUT);
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"last");
        assert_eq!(put(lwp, a, "x"), Err(Errno::ECONNREFUSED));
        assert_eq!(put(lwp, a, "x"), Err(Errno::ENOTCONN));
    });
}

#[test]
fn senders_wait_for_room() {
    run(|lwp, _| {
        let (full, sender) = (bound(lwp, "\0full"), make(lwp, SOCK_DGRAM));
        let other = make(lwp, SOCK_DGRAM);
        set(lwp, sender, SO_SNDBUF, 1 << 20).unwrap();
        connect_to(lwp, sender, "\0full").unwrap();
        let mut count = 0;
        while put(lwp, sender, "x").is_ok() {
            count += 1;
        }
        assert_eq!(count, 512);
        // Its own buffer has room, but not its peer.
        assert_eq!(ready(lwp, sender), Events::NONE);
        assert_eq!(put_to(lwp, other, "x", "\0full"), Err(Errno::EAGAIN));
        assert_eq!(ready(lwp, other), Events::OUT);
        get(lwp, full, 1, 0).unwrap();
        assert_eq!(ready(lwp, sender), Events::OUT);
        put_to(lwp, other, "x", "\0full").unwrap();

        // Of a pair, only the sender's buffer counts.
        let [a, b] = pair(lwp, SOCK_DGRAM);
        let mut count = 0;
        while put(lwp, a, "x").is_ok() {
            count += 1;
        }
        assert!(count < 512 && ready(lwp, a) == Events::NONE, "{count}");
        while get(lwp, b, 1, 0).is_ok() {}
        assert_eq!(ready(lwp, a), Events::OUT);
        let long = vec![0; 213_000];
        let sent = send(lwp, a, UserIn::from(&long[..]), DONTWAIT);
        assert_eq!(sent, Err(Errno::EMSGSIZE));
    });
}

#[test]
fn shut_directions() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_DGRAM);
        shutdown(lwp, a, SHUT_RD as i32).unwrap();
        assert_eq!(put(lwp, b, "x"), Err(Errno::EPIPE));
        let mut buffer = [0; 1];
        let waiting = recv(lwp, a, UserOut::from(&mut buffer[..]), 0);
        assert_eq!((waiting, get(lwp, a, 1, 0)), (Ok(0), Err(Errno::EAGAIN)));
        shutdown(lwp, a, SHUT_WR as i32).unwrap();
        assert_eq!(put(lwp, a, "x"), Err(Errno::EPIPE));
        let all = Events::IN | Events::OUT | Events::RDHUP | Events::HUP;
        assert_eq!((ready(lwp, a), ready(lwp, b)), (all, Events::OUT));
    });
}

#[test]
fn what_datagrams_do_not_do() {
    run(|lwp, _| {
        let fd = make(lwp, SOCK_DGRAM);
        assert_eq!(listen(lwp, fd, 1), Err(Errno::EOPNOTSUPP));
        assert_eq!(accept_from(lwp, fd).err(), Some(Errno::EOPNOTSUPP));
        // BSD's raw sockets of this family are the same.
        let raw = make(lwp, SOCK_RAW);
        assert_eq!(option(lwp, raw, SO_TYPE).unwrap(), [SOCK_DGRAM as i32]);
    });
}

#[test]
fn a_socket_may_send_to_itself() {
    run(|lwp, _| {
        let fd = bound(lwp, "\0self");
        connect_to(lwp, fd, "\0self").unwrap();
        put(lwp, fd, "echo").unwrap();
        assert_eq!(ready(lwp, fd), Events::IN | Events::OUT);
        assert_eq!(get(lwp, fd, 9, 0).unwrap(), b"echo");
    });
}
