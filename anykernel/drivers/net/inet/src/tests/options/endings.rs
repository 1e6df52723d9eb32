//! Ends of connections, and patience with silent peers.

use super::*;

#[test]
fn lingering_for_no_time_resets() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, other) = connected(&client, &server, address);
        let watch = Watch::new(&client);
        one.send(b"words").unwrap();
        one.linger(0);
        let here = port(one.local());
        one.close();
        sim::advance(SECOND);
        let sent: Vec<Seen> = watch
            .seen()
            .into_iter()
            .filter(|seen| seen.ports[0] == here)
            .collect();
        let resets = sent.iter().filter(|seen| seen.segment.rst).count();
        assert_eq!(
            (resets, sent.iter().any(|seen| seen.segment.fin)),
            (1, false),
            "{sent:?}"
        );
        other.close();
    }
}

/// Who lingers waits for the end of hanging up: until the peer has everything.
#[test]
fn lingering_waits_until_all_is_confirmed() {
    let [client, server] = pair("a?latency=50ms");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.linger(5);
    sim::advance(SECOND);
    let watch = Watch::new(&client);
    one.send(b"words").unwrap();
    let (socket, began) = (one.socket.clone(), hypercall::clock::wall());
    one.close();
    let confirmed = || socket.readiness().level().contains(Events::HUP);
    while !confirmed() {
        sim::advance(1_000_000);
    }
    let waited = (hypercall::clock::wall() - began) / 1_000_000;
    let seen = watch.seen();
    let last = seen.last().unwrap();
    assert!((100..120).contains(&waited), "{waited} ms");
    assert_eq!((last.at - began) / 5_000_000, waited / 5);
    assert_eq!(seen.iter().filter(|seen| seen.segment.rst).count(), 0);
    assert_eq!(other.receive_all().unwrap(), b"words");
}

#[test]
fn closing_without_lingering_says_goodbye() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let watch = Watch::new(&client);
    one.send(b"words").unwrap();
    one.close();
    assert_eq!(other.receive_all().unwrap(), b"words");
    other.close();
    sim::advance(SECOND);
    let seen = watch.seen();
    let fins = seen.iter().filter(|seen| seen.segment.fin).count();
    assert_eq!((fins, seen.iter().any(|seen| seen.segment.rst)), (2, false));
}

/// An idle peer is asked after `TCP_KEEPIDLE`, then every `TCP_KEEPINTVL`, and given up after `TCP_KEEPCNT` of them.
#[test]
fn keep_alive_asks_at_its_times() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, _other) = connected(&client, &server, address);
        sim::advance(SECOND);
        let watch = Watch::new(&client);
        let began = hypercall::clock::wall();
        one.set(IPPROTO_TCP, TCP_KEEPIDLE, 10).unwrap();
        one.set(IPPROTO_TCP, TCP_KEEPINTVL, 2).unwrap();
        one.set(IPPROTO_TCP, TCP_KEEPCNT, 3).unwrap();
        one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
        // Each is answered, and the peer is idle again.
        sim::advance(35 * SECOND);
        let probes = watch.sent_by(&one);
        let after = (probes[0].at - began) / 1_000_000_000;
        // A second of idleness went by before the option was set.
        assert!((8..=9).contains(&after), "{after} s");
        assert_eq!(milliseconds(&probes), [0, 10_000, 20_000]);
        for probe in &probes {
            assert!(probe.data <= 1 && !probe.segment.fin);
        }
        // One before the next: nothing new is sent by it.
        let next = probes[0].segment.seq.wrapping_add(1);
        one.send(b"x").unwrap();
        let sent = watch.sent_by(&one);
        assert_eq!((sent[0].segment.seq, sent[0].data), (next, 1));
        one.set(SOL_SOCKET, SO_KEEPALIVE, 0).unwrap();
        sim::advance(SECOND);
        watch.sent_by(&one);
        sim::advance(100 * SECOND);
        assert_eq!(watch.sent_by(&one).len(), 0);
    }
}

#[test]
fn keep_alive_gives_up_after_as_many_questions_as_it_may_ask() {
    let [client, server] = pair(CABLE);
    let (one, _other) = connected(&client, &server, "10.0.0.2:0");
    sim::advance(SECOND);
    one.set(IPPROTO_TCP, TCP_KEEPIDLE, 5).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPINTVL, 2).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPCNT, 4).unwrap();
    one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
    let watch = Watch::new(&client);
    server.kernel.shutdown();
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
    let ended = hypercall::clock::wall();
    let probes: Vec<Seen> = watch
        .seen()
        .into_iter()
        .filter(|seen| seen.data == 1)
        .collect();
    assert_eq!(milliseconds(&probes), [0, 2000, 4000, 6000]);
    let after = ended - probes[3].at;
    assert!((SECOND..=3 * SECOND).contains(&after), "{after} ns");
}

#[test]
fn a_user_timeout_says_how_long_data_is_repeated() {
    let [client, server] = pair(CABLE);
    let (one, _other) = connected(&client, &server, "10.0.0.2:0");
    one.set(IPPROTO_TCP, TCP_USER_TIMEOUT, 7500).unwrap();
    server.kernel.shutdown();
    let watch = Watch::new(&client);
    one.send(b"hello?").unwrap();
    assert_eq!(one.receive(1), Err(Errno::ETIMEDOUT));
    let ended = hypercall::clock::wall();
    let sent: Vec<Seen> = watch
        .seen()
        .into_iter()
        .filter(|seen| seen.data == 6)
        .collect();
    assert!(sent.len() >= 3, "{sent:?}");
    assert!(
        sent.iter()
            .all(|seen| seen.segment.seq == sent[0].segment.seq)
    );
    let took = (ended - sent[0].at) / 1_000_000;
    assert!((7500..7600).contains(&took), "{took} ms");
}

#[test]
fn syns_are_repeated_as_often_as_is_asked_for() {
    let [client, server] = pair(CABLE);
    // So that the address is known; and then nobody is there any more.
    let _met = connected(&client, &server, "10.0.0.2:0");
    server.kernel.shutdown();
    for (count, times, limit) in [(1, &[0, 1000][..], 3), (3, &[0, 1000, 3000, 7000][..], 15)] {
        let one = client.tcp();
        one.set(IPPROTO_TCP, TCP_SYNCNT, count).unwrap();
        let watch = Watch::new(&client);
        let began = sim::now();
        // The neighbour is asked again meanwhile, and says nothing either.
        let refused = one.connect(at("10.0.0.2", 80)).unwrap_err();
        let syns: Vec<Seen> = watch
            .seen()
            .into_iter()
            .filter(|seen| seen.segment.syn)
            .collect();
        if refused == Errno::ETIMEDOUT {
            assert_eq!(milliseconds(&syns), times);
            assert_eq!((sim::now() - began + SECOND / 2) / SECOND, limit);
        } else {
            assert_eq!(refused, Errno::EHOSTUNREACH);
        }
    }
}
