//! Streams over wires that lose packets and have them overtake each other, in virtual time.

use super::*;

const MILLISECOND: u64 = 1_000_000;

/// The milliseconds that a MiB takes over a cable, which has no other limits than these.
fn millis(cable: &str) -> u64 {
    const TOTAL: usize = 1 << 20;
    let [client, server] = pair(cable);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let data: Vec<u8> = (0..TOTAL).map(|at| (at % 251) as u8).collect();
    let start = sim::now();
    let (mut sent, mut got) = (0, 0);
    while got < TOTAL {
        sent += one.try_send(&data[sent..]).unwrap_or(0);
        while let Ok(more) = other.try_receive(TOTAL) {
            assert!(more == data[got..got + more.len()]);
            got += more.len();
        }
        sim::advance(MILLISECOND / 10);
        assert!(sim::now() - start < PATIENCE, "{got} of {TOTAL}");
    }
    (sim::now() - start) / MILLISECOND
}

#[test]
fn what_is_sent_doubles_with_each_round_trip() {
    // Ten segments at first, and then up to what the buffer holds: eight times there, and seven back.
    let took = millis("a?latency=50ms");
    assert!(took <= 800, "{took} ms");
}

#[test]
fn what_is_lost_is_sent_again_in_a_few_round_trips() {
    // Of some 720 segments, so many hundredths are lost, and acknowledgements, too.
    for (cable, limit) in [
        ("a?latency=1ms&loss=1%", 500),
        ("a?latency=300us&loss=5%", 1500),
        ("a?latency=300us&loss=10%", 5000),
        ("a?latency=10ms&loss=5%&offloads=all", 5000),
    ] {
        let took = millis(cable);
        assert!(took < limit, "{cable}: {took} ms");
    }
}

#[test]
fn what_was_overtaken_is_not_taken_for_lost() {
    for cable in [
        "a?latency=10ms&reorder=25%",
        "a?latency=10ms&reorder=50%&offloads=all",
        "a?latency=10ms&reorder=1%",
    ] {
        let took = millis(cable);
        assert!(took < 400, "{cable}: {took} ms");
    }
}

#[test]
fn a_wire_bad_in_each_way_is_got_over() {
    let took = millis("a?latency=50ms&reorder=25%&loss=5%");
    assert!(took < 20_000, "{took} ms");
}

/// A connection that knows how long an answer takes, and its cable.
fn warm() -> ([Host; 2], (Sock, Sock), sim::Wire) {
    let hosts = pair("a?latency=1ms");
    let (one, other) = connected(&hosts[0], &hosts[1], "10.0.0.2:80");
    for _ in 0..5 {
        one.send(b"ping").unwrap();
        assert_eq!(other.receive(9).unwrap(), b"ping");
        other.send(b"pong").unwrap();
        assert_eq!(one.receive(9).unwrap(), b"pong");
    }
    (hosts, (one, other), sim::Wire::open("a"))
}

/// Nothing comes behind it that would tell of the loss, and a second would be long.
#[test]
fn what_is_lost_last_is_asked_for_soon() {
    let (_hosts, (one, other), cable) = warm();
    cable.cut();
    one.send(b"alone").unwrap();
    sim::advance(100 * MILLISECOND);
    cable.mend();
    let start = sim::now();
    assert_eq!(other.receive(9).unwrap(), b"alone");
    assert!(sim::now() - start < 150 * MILLISECOND);

    let (_hosts, (one, other), cable) = warm();
    cable.cut();
    one.shutdown(SHUT_WR).unwrap();
    sim::advance(100 * MILLISECOND);
    cable.mend();
    let start = sim::now();
    assert_eq!(other.receive(9).unwrap(), b"");
    assert!(sim::now() - start < 150 * MILLISECOND);
}

#[test]
fn the_end_of_many_segments_is_asked_for_sooner() {
    let (_hosts, (one, other), cable) = warm();
    cable.cut();
    one.send(&[7; 10_000]).unwrap();
    sim::advance(5 * MILLISECOND);
    cable.mend();
    let start = sim::now();
    let mut got = 0;
    while got < 10_000 {
        got += other.receive(10_000).unwrap().len();
    }
    assert!(sim::now() - start < 30 * MILLISECOND);
}

/// A window that is closed is probed, and what the probes were goes on being part of the stream.
#[test]
fn a_window_that_was_closed_for_long_opens_again() {
    const TOTAL: usize = 300_000;
    let hosts = pair("a?latency=1ms&loss=10%");
    let (one, other) = connected_with(&hosts[0], &hosts[1], "10.0.0.2:80", |socket| {
        socket.set(SOL_SOCKET, SO_RCVBUF, 20_000).unwrap();
    });
    let data: Vec<u8> = (0..TOTAL).map(|at| (at % 251) as u8).collect();
    let (mut sent, mut got) = (0, 0);
    while got < TOTAL {
        sent += one.try_send(&data[sent..]).unwrap_or(0);
        sim::advance(10_000 * MILLISECOND);
        while let Ok(more) = other.try_receive(TOTAL) {
            assert!(more == data[got..got + more.len()]);
            got += more.len();
        }
    }
}

/// What an overtaken segment acknowledges is old, and what it carries is not.
#[test]
fn both_ways_at_once_what_was_overtaken_is_taken() {
    let [client, server] = pair("a?latency=10ms&reorder=25%");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let took = super::bulk::exchange(&one, &other, 1 << 20, 100_000) / MILLISECOND;
    assert!(took < 2000, "{took} ms");
}
