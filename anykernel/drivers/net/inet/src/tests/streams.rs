//! Connections from their beginning to their end.

use super::*;

#[test]
fn a_kernel_talks_to_itself() {
    let host = alone();
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (one, other) = connected(&host, &host, address);
        assert_eq!(one.send(b"hello"), Ok(5));
        assert_eq!(other.receive(100).unwrap(), b"hello");
        assert_eq!(other.send(b"you"), Ok(3));
        assert_eq!(one.receive(100).unwrap(), b"you");
        assert_eq!(one.peer(), Ok(other.local()));
        assert_eq!(other.peer(), Ok(one.local()));
    }
}

#[test]
fn two_kernels_talk_over_a_cable_that_loses_frames() {
    let [client, server] = pair("a?latency=2ms&loss=5%");
    for address in ["10.0.0.2:0", "[fd00::2]:0"] {
        let (one, other) = connected(&client, &server, address);
        let text: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let mut got = Vec::new();
        let mut sent = 0;
        while got.len() < text.len() {
            if sent < text.len()
                && let Ok(len) = one.try_send(&text[sent..])
            {
                sent += len;
            }
            got.extend(other.receive(7000).unwrap());
        }
        assert_eq!(got, text);
        one.close();
        assert_eq!(other.receive(1).unwrap(), b"");
        other.close();
    }
}

#[test]
fn both_directions_end_one_after_the_other() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    one.send(b"last words").unwrap();
    one.shutdown(SHUT_WR).unwrap();
    assert_eq!(one.try_send(b"x"), Err(Errno::EPIPE));
    assert_eq!(other.receive_all().unwrap(), b"last words");
    other.send(b"answer").unwrap();
    other.close();
    assert_eq!(one.receive_all().unwrap(), b"answer");
    assert_eq!(one.error(), 0);
    one.close();
}

#[test]
fn nobody_at_a_port_refuses() {
    let host = alone();
    let (listener, nobody) = host.listener("127.0.0.1:0", 1);
    listener.close();
    let socket = host.tcp();
    assert_eq!(socket.connect(nobody), Err(Errno::ECONNREFUSED));
    // Blocking, the call itself told of it; the socket is as before.
    assert_eq!(socket.error(), 0);
    assert_eq!(socket.peer(), Err(Errno::ENOTCONN));
    let (_listener, somebody) = host.listener("127.0.0.1:0", 1);
    assert_eq!(socket.connect(somebody), Ok(()));
    assert_eq!(socket.connect(somebody), Err(Errno::EISCONN));
}

#[test]
fn a_reset_is_told_once_and_then_is_an_end() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    one.send(b"data").unwrap();
    one.reset();
    // What came before it is still there.
    assert_eq!(other.receive(10).unwrap(), b"data");
    assert_eq!(other.receive(10), Err(Errno::ECONNRESET));
    assert_eq!(other.receive(10).unwrap(), b"");
    assert_eq!(other.try_send(b"x"), Err(Errno::EPIPE));
    assert_eq!(other.peer(), Err(Errno::ENOTCONN));
}

#[test]
fn closing_with_data_unread_resets() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    one.send(b"never read").unwrap();
    other.close();
    assert_eq!(one.receive(10), Err(Errno::ECONNRESET));
}

#[test]
fn writing_to_who_closed_resets() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    other.close();
    assert_eq!(one.receive(10).unwrap(), b"");
    one.send(b"anyone there?").unwrap();
    assert_eq!(one.error(), Errno::EPIPE.number());
    assert_eq!(one.try_send(b"x"), Err(Errno::EPIPE));
}

#[test]
fn silence_ends_an_attempt_to_connect() {
    let [client, _] = pair("a");
    let socket = client.tcp();
    let before = sim::now();
    // Nobody has the address: the neighbour does not answer.
    assert_eq!(
        socket.connect(at("10.0.0.99", 80)),
        Err(Errno::EHOSTUNREACH)
    );
    assert!(sim::now() - before < 10_000_000_000);
    assert_eq!(
        client.tcp().connect(at("192.0.2.1", 80)),
        Err(Errno::ENETUNREACH)
    );
    assert_eq!(
        client.tcp().connect(at("224.0.0.1", 80)),
        Err(Errno::ENETUNREACH)
    );
}

#[test]
fn a_peer_that_vanishes_is_given_up() {
    let [client, server] = pair("a");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    server.kernel.shutdown();
    one.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 5000).unwrap();
    one.send(b"hello?").unwrap();
    let before = sim::now();
    let error = one.receive(1).unwrap_err();
    assert!(matches!(error, Errno::ETIMEDOUT), "{error:?}");
    assert!(sim::now() - before < 7_000_000_000);
    drop(other);
}

#[test]
fn keep_alive_finds_out() {
    let [client, server] = pair("a");
    let (one, _other) = connected(&client, &server, "10.0.0.2:0");
    one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPIDLE, 10).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPINTVL, 2).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPCNT, 3).unwrap();
    sim::advance(100_000_000_000);
    assert_eq!(one.try_receive(1), Err(Errno::EAGAIN));
    server.kernel.shutdown();
    let before = sim::now();
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
    let took = (sim::now() - before) / 1_000_000_000;
    assert!((5..=17).contains(&took), "{took} s");
}

#[test]
fn a_full_backlog_lets_callers_wait() {
    let host = alone();
    let (listener, address) = host.listener("127.0.0.1:0", 1);
    let callers: Vec<Sock> = (0..3).map(|_| host.tcp()).collect();
    for caller in &callers {
        assert_eq!(caller.try_connect(address), Err(Errno::EAGAIN));
    }
    // As Linux has it, one more than was asked for.
    let there: Vec<bool> = callers.iter().map(|one| one.peer().is_ok()).collect();
    assert_eq!(there, [true, true, false]);
    listener.accept().unwrap();
    assert_eq!(callers[2].connect(address), Ok(()));
    listener.accept().unwrap();
    let (_late, peer) = listener.accept().unwrap();
    assert_eq!(peer, callers[2].local());
    assert_eq!(listener.try_accept().err(), Some(Errno::EAGAIN));
}

#[test]
fn a_listener_that_closes_resets_those_who_wait() {
    let host = alone();
    let (listener, address) = host.listener("127.0.0.1:0", 5);
    let caller = host.tcp();
    caller.connect(address).unwrap();
    listener.close();
    assert_eq!(caller.receive(1), Err(Errno::ECONNRESET));
    let late = host.tcp();
    assert_eq!(late.connect(address), Err(Errno::ECONNREFUSED));
}

#[test]
fn ports_are_kept_in_time_wait_and_can_be_had_all_the_same() {
    let host = alone();
    let (listener, address) = host.listener("127.0.0.1:0", 5);
    let again = |reuse: i32| {
        let socket = host.tcp();
        socket.set(SOL_SOCKET, SO_REUSEADDR, reuse).unwrap();
        socket.bind(address).map(|()| socket.close())
    };
    listener.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
    assert_eq!(again(1), Err(Errno::EADDRINUSE));
    let caller = host.tcp();
    caller.connect(address).unwrap();
    let (served, _) = listener.accept().unwrap();
    listener.close();
    // Whoever closes first waits.
    served.close();
    caller.close();
    assert_eq!(again(0), Err(Errno::EADDRINUSE));
    assert_eq!(again(1), Ok(()));
    sim::advance(11_000_000_000);
    assert_eq!(again(0), Ok(()));
}

#[test]
fn a_new_connection_between_the_same_ends_is_not_held_up() {
    let [client, server] = pair("a");
    let (listener, address) = server.listener("10.0.0.2:80", 5);
    for round in 0..20 {
        let caller = client.tcp();
        caller.set(SOL_SOCKET, SO_REUSEADDR, 1).unwrap();
        caller.bind(at("10.0.0.1", 4000)).unwrap();
        let before = sim::now();
        caller.connect(address).unwrap();
        let (served, _) = listener.accept().unwrap();
        served.send(&[round; 10_000]).unwrap();
        // The server waits in TIME-WAIT.
        served.close();
        assert_eq!(caller.receive_all().unwrap(), [round; 10_000]);
        caller.close();
        assert!(sim::now() - before < 100_000_000);
        sim::advance(10_000_000);
    }
}

#[test]
fn connections_give_their_memory_back() {
    let host = alone();
    let before = host.memory_used();
    for _ in 0..5 {
        let (one, other) = connected(&host, &host, "127.0.0.1:0");
        one.send(&[1; 1000]).unwrap();
        assert_eq!(other.receive(2000).unwrap().len(), 1000);
        one.close();
        other.close();
    }
    // Buffers go before TIME-WAIT ends; what is pooled of frames stays.
    let left = host.memory_used() - before;
    assert!(left < 100_000, "{left} bytes");
}

#[test]
fn a_memory_limit_refuses_connections_and_nothing_else() {
    let host = alone_with(&[("memory-limit", "3MiB")]);
    let (listener, address) = host.listener("127.0.0.1:0", 50);
    let mut held = Vec::new();
    let errno = loop {
        let caller = host.tcp();
        match caller.try_connect(address) {
            Err(Errno::EAGAIN) if caller.peer().is_ok() => held.push(caller),
            Err(errno) => break errno,
            Ok(()) => unreachable!(),
        }
    };
    assert!(matches!(errno, Errno::ENOMEM | Errno::EAGAIN));
    assert!(held.len() >= 2);
    // There is some left for descriptors: else nobody could be accepted, and nothing ever came back.
    let descriptors = |lwp: &Lwp<'_>| lwp.instance().memory().charge(64 << 10);
    assert!(host.enter(descriptors).is_ok());
    let (served, _) = listener.accept().unwrap();
    served.send(b"still here").unwrap();
    assert_eq!(held[0].receive(100).unwrap(), b"still here");
}

#[test]
fn an_ipv6_listener_serves_ipv4_unless_told_otherwise() {
    let host = alone();
    let (dual, address) = host.listener("[::]:0", 5);
    let port = port(address);
    let caller = host.tcp();
    caller.connect(at("127.0.0.1", port)).unwrap();
    let (served, peer) = dual.accept().unwrap();
    assert_eq!(peer, at("::ffff:127.0.0.1", super::port(caller.local())));
    assert_eq!(served.local(), at("::ffff:127.0.0.1", port));
    // A socket for IPv6 calls the same way.
    let six = host.socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    six.connect(at("::ffff:127.0.0.1", port)).unwrap();
    assert_eq!(six.peer(), Ok(at("::ffff:127.0.0.1", port)));

    let only = host.socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    only.set(IPPROTO_IPV6, IPV6_V6ONLY, 1).unwrap();
    assert_eq!(only.bind(at("::", port)), Err(Errno::EADDRINUSE));
    only.bind(at("::", 5000)).unwrap();
    only.listen(5).unwrap();
    let four = host.tcp();
    four.bind(at("0.0.0.0", 5000)).unwrap();
    assert_eq!(
        host.tcp().connect(at("127.0.0.1", 5000)),
        Err(Errno::ECONNREFUSED)
    );
    four.listen(5).unwrap();
    assert_eq!(host.tcp().connect(at("127.0.0.1", 5000)), Ok(()));
    assert_eq!(only.set(IPPROTO_IPV6, IPV6_V6ONLY, 0), Err(Errno::EINVAL));
}

#[test]
fn what_cannot_be_is_an_error() {
    let host = alone();
    let socket = host.tcp();
    assert_eq!(socket.bind(at("::1", 80)), Err(Errno::EAFNOSUPPORT));
    assert_eq!(socket.bind(at("192.0.2.1", 80)), Err(Errno::EADDRNOTAVAIL));
    assert_eq!(socket.connect(at("::1", 80)), Err(Errno::EAFNOSUPPORT));
    assert_eq!(socket.try_accept().err(), Some(Errno::EINVAL));
    assert_eq!(socket.try_receive(1), Err(Errno::ENOTCONN));
    assert_eq!(socket.try_send(b"x"), Err(Errno::EPIPE));
    assert_eq!(socket.shutdown(SHUT_WR), Err(Errno::ENOTCONN));
    assert_eq!(socket.bind(at("127.0.0.1", 0)), Ok(()));
    assert_eq!(socket.bind(at("127.0.0.1", 0)), Err(Errno::EINVAL));
    socket.listen(1).unwrap();
    assert_eq!(socket.connect(at("127.0.0.1", 80)), Err(Errno::EISCONN));
    assert_eq!(socket.try_receive(1), Err(Errno::ENOTCONN));
    let none = host.socket(AF_INET, 7, 0).err();
    assert_eq!(none, Some(Errno::ESOCKTNOSUPPORT));
    let none = host.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP).err();
    assert_eq!(none, Some(Errno::EPROTONOSUPPORT));
}

#[test]
fn a_third_party_s_connection_is_not_disturbed_by_a_dead_kernel() {
    let [client, server] = pair("a");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let lost = connected(&client, &client, "127.0.0.1:0");
    drop(lost);
    one.send(b"x").unwrap();
    assert_eq!(other.receive(1).unwrap(), b"x");
    server.kernel.shutdown();
    client.kernel.shutdown();
    assert_eq!(one.try_send(b"x"), Err(Errno::EIO));
}

/// How long a message of so many bytes and an answer of as many take, in nanoseconds, on a connection that has
/// carried some.
fn round_trip(cable: &str, len: usize) -> u64 {
    let [client, server] = pair(cable);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let message = alloc::vec![7; len];
    let mut took = 0;
    for _ in 0..20 {
        let start = sim::now();
        for (from, to) in [(&one, &other), (&other, &one)] {
            from.send(&message).unwrap();
            let mut got = 0;
            while got < len {
                got += to.receive(len - got).unwrap().len();
            }
        }
        took = sim::now() - start;
    }
    took
}

#[test]
fn who_sent_something_hears_of_the_end_next_time() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    other.close();
    let more_than_fits = alloc::vec![0; 1 << 20];
    let sent = one.try_send(&more_than_fits).unwrap();
    assert!(0 < sent && sent < more_than_fits.len(), "{sent}");
    assert_eq!(one.try_send(b"x"), Err(Errno::EPIPE));
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    other.close();
    one.try_send(&more_than_fits).unwrap();
    assert_eq!(one.error(), Errno::EPIPE.number());
}

#[test]
fn a_message_waits_for_no_confirmation() {
    // A confirmation that waits for data to go with takes ten milliseconds.
    const DELAYED: u64 = 10_000_000;
    for len in [100, 2000, 20_000, 60_000] {
        for cable in ["a?latency=10us", "a?latency=10us&offloads=all"] {
            let took = round_trip(cable, len);
            assert!(took < DELAYED, "{len} bytes over {cable}: {took} ns");
        }
    }
}

#[test]
fn both_ends_repeat_at_once_and_hear_each_other() {
    let [client, server] = pair("a?latency=100us&loss=3%");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let took = super::bulk::exchange(&one, &other, 200_000, 20_000);
    assert!(took < 20_000_000_000, "{took} ns");
}
