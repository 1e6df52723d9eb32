//! Packets over a connection.

use super::*;

#[test]
fn packets_keep_their_borders() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_SEQPACKET);
        put(lwp, a, "first").unwrap();
        put(lwp, a, "").unwrap();
        put(lwp, a, "second").unwrap();
        assert_eq!(get(lwp, b, 9, MSG_PEEK).unwrap(), b"first");
        let (data, result) = get_message(lwp, b, 3, 0, MSG_TRUNC).unwrap();
        assert_eq!((data.len(), result.flags), (3, MSG_TRUNC));
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"");
        assert_eq!(get(lwp, b, 9, 0).unwrap(), b"second");
        assert_eq!(get(lwp, b, 9, 0), Err(Errno::EAGAIN));
        let mut buffer = [0; 2];
        put(lwp, a, "long").unwrap();
        let place = UserOut::from(&mut buffer[..]);
        assert_eq!(recv(lwp, b, place, MSG_TRUNC as i32), Ok(4));
    });
}

#[test]
fn a_packet_is_sent_whole_or_not() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_SEQPACKET);
        set(lwp, a, SO_SNDBUF, 4096).unwrap();
        let data = vec![1; 9000];
        let sent = |len: usize| send(lwp, a, UserIn::from(&data[..len]), DONTWAIT);
        assert_eq!(sent(8192), Err(Errno::EMSGSIZE));
        assert_eq!(sent(5000), Ok(5000));
        assert_eq!(sent(5000), Ok(5000));
        assert_eq!(sent(1), Err(Errno::EAGAIN));
        assert_eq!(get(lwp, b, 9000, 0).unwrap().len(), 5000);
        assert_eq!(sent(1), Ok(1));
    });
}

#[test]
fn empty_packets_fill_a_buffer_too() {
    run(|lwp, _| {
        let [a, _b] = pair(lwp, SOCK_SEQPACKET);
        let mut count = 0;
        while put(lwp, a, "").is_ok() {
            count += 1;
        }
        assert!((100..10_000).contains(&count), "{count}");
    });
}

#[test]
fn a_reset_comes_before_what_was_sent() {
    run(|lwp, _| {
        let [a, b] = pair(lwp, SOCK_SEQPACKET);
        put(lwp, a, "unread").unwrap();
        put(lwp, b, "before").unwrap();
        close(lwp, b);
        assert_eq!(put(lwp, a, "x"), Err(Errno::ECONNRESET));
        assert_eq!(put(lwp, a, "x"), Err(Errno::EPIPE));
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"before");
        assert_eq!(get(lwp, a, 9, 0).unwrap(), b"");
    });
}

#[test]
fn packets_have_servers_as_well() {
    run(|lwp, _| {
        let server = listener(lwp, SOCK_SEQPACKET, "/packets", 5);
        let client = make(lwp, SOCK_SEQPACKET);
        assert_eq!(get(lwp, client, 1, 0), Err(Errno::ENOTCONN));
        let stream = make(lwp, SOCK_STREAM);
        assert_eq!(connect_to(lwp, stream, "/packets"), Err(Errno::EPROTOTYPE));
        connect_to(lwp, client, "/packets").unwrap();
        let (accepted, _) = accept_from(lwp, server).unwrap();
        // A destination means nothing.
        put_to(lwp, client, "packet", "/nowhere").unwrap();
        assert_eq!(get(lwp, accepted, 99, 0).unwrap(), b"packet");
    });
}
