//! What is in a segment, and when it leaves.

use super::*;

/// The lengths of the segments that leave when these pieces are written at once.
fn pieces_leave_as(prepare: impl Fn(&Sock), pieces: &[(usize, u32)]) -> Vec<usize> {
    let [client, server] = pair(CABLE);
    let (one, other) = connected_with(&client, &server, "10.0.0.2:0", prepare);
    let watch = Watch::new(&client);
    let mut total = 0;
    for (len, flags) in pieces {
        assert_eq!(one.send_with(&alloc::vec![7; *len], *flags), Ok(*len));
        total += len;
    }
    let mut got = 0;
    while got < total {
        got += other.receive(total).unwrap().len();
    }
    data(&watch.sent_by(&one))
}

#[test]
fn without_delay_each_write_is_a_segment() {
    let pieces = [(10, 0), (20, 0), (30, 0), (40, 0)];
    let delayed = pieces_leave_as(|_| (), &pieces);
    assert_eq!(delayed, [10, 90]);
    let at_once = pieces_leave_as(|it| it.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap(), &pieces);
    assert_eq!(at_once, [10, 20, 30, 40]);
}

#[test]
fn more_to_come_is_waited_for() {
    let pieces = [(10, MSG_MORE), (20, MSG_MORE), (30, 0)];
    assert_eq!(pieces_leave_as(|_| (), &pieces), [60]);
    // Without delay, too: that is what it is for.
    let at_once = |it: &Sock| it.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap();
    assert_eq!(pieces_leave_as(at_once, &pieces), [60]);
    // What makes a full segment leaves.
    let pieces = [(1000, MSG_MORE), (600, MSG_MORE), (400, 0)];
    assert_eq!(pieces_leave_as(at_once, &pieces), [1460, 540]);
}

#[test]
fn a_corked_stream_leaves_in_full_segments_until_it_is_uncorked() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let (one, other) = connected(&client, &server, address);
        let full = if address.contains('[') { 1440 } else { 1460 };
        let watch = Watch::new(&client);
        one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
        for _ in 0..4 {
            one.send(&[1; 500]).unwrap();
            sim::advance(1_000_000);
        }
        assert_eq!(data(&watch.sent_by(&one)), [full]);
        one.set(IPPROTO_TCP, TCP_CORK, 0).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [2000 - full]);
        // No longer than a fifth of a second.
        one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
        sim::advance(SECOND);
        let began = hypercall::clock::wall();
        one.send(b"end").unwrap();
        sim::advance(SECOND);
        let sent = watch.sent_by(&one);
        assert_eq!(data(&sent), [3]);
        assert_eq!((sent[0].at - began) / 1_000_000, 200);
        // Unless who wrote it will have no delay; and an end is an end.
        one.send(b"now").unwrap();
        one.set(IPPROTO_TCP, TCP_NODELAY, 1).unwrap();
        assert_eq!(data(&watch.sent_by(&one)), [3]);
        sim::advance(SECOND);
        one.send(b"last").unwrap();
        one.shutdown(SHUT_WR).unwrap();
        let sent = watch.sent_by(&one);
        assert_eq!(
            (data(&sent), sent.last().unwrap().segment.fin),
            (alloc::vec![4], true)
        );
        assert_eq!(other.receive_all().unwrap().len(), 2000 + 3 + 3 + 4);
    }
}

#[test]
fn a_corked_stream_confirms_what_it_gets_in_time() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.set(IPPROTO_TCP, TCP_CORK, 1).unwrap();
    let took = super::bulk::exchange(&one, &other, 300_000, 20_000);
    assert!(took < SECOND, "{took} ns");
}

#[test]
fn the_largest_segment_is_offered_and_kept_to() {
    let [client, server] = pair(CABLE);
    for address in ADDRESSES {
        let watch = Watch::new(&client);
        let (one, other) = connected_with(&client, &server, address, |socket| {
            socket.set(IPPROTO_TCP, TCP_MAXSEG, 600).unwrap();
        });
        one.send(&[1; 1500]).unwrap();
        other.send(&[1; 1500]).unwrap();
        sim::advance(SECOND);
        let seen = watch.seen();
        let offered = seen.iter().filter_map(|seen| seen.segment.max_segment);
        assert_eq!(offered.collect::<Vec<_>>(), [600, 600]);
        assert_eq!(data(&seen).iter().max(), Some(&600));
        assert_eq!(one.get(IPPROTO_TCP, TCP_MAXSEG), Ok(600));
    }
}

/// The buffer's size is what a SYN offers and scales, and what a peer that is not read from fills.
#[test]
fn the_receive_buffer_is_the_window() {
    for (buffer, scale) in [(20_000, 0), (65_535, 0), (200_000, 2), (1_000_000, 4)] {
        let [client, server] = pair(CABLE);
        let watch = Watch::new(&client);
        let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket.set(SOL_SOCKET, SO_RCVBUF, buffer).unwrap();
            socket.set(SOL_SOCKET, SO_SNDBUF, 4_000_000).unwrap();
        });
        let seen = watch.seen();
        let syn = &seen.iter().find(|seen| seen.segment.syn).unwrap().segment;
        assert_eq!(syn.window_scale, Some(scale));
        assert_eq!(i32::from(syn.window), buffer.min(65_535));
        // Nobody reads.
        other.try_send(&alloc::vec![7; 2_000_000]).unwrap();
        // A capture holds a MiB of packets that nobody reads.
        let mut sent = Vec::new();
        for _ in 0..2000 {
            sim::advance(SECOND / 100);
            sent.extend(watch.sent_by(&one));
        }
        let last = &sent.pop().unwrap().segment;
        let held = one.enter(|lwp| one.socket.readable(lwp)).unwrap();
        assert!(
            held <= buffer as usize && held + 3000 > buffer as usize,
            "{held} of {buffer}"
        );
        assert!((usize::from(last.window) << scale) < 3000);
    }
}

#[test]
fn the_send_buffer_bounds_what_is_taken() {
    let [client, server] = pair(CABLE);
    for buffer in [4096, 50_000] {
        let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket.set(SOL_SOCKET, SO_SNDBUF, buffer).unwrap();
            socket.set(SOL_SOCKET, SO_RCVBUF, 2048).unwrap();
        });
        let mut taken = 0;
        while let Ok(sent) = one.try_send(&[7; 1000]) {
            taken += sent;
            sim::advance(SECOND / 10);
        }
        let held = other.enter(|lwp| other.socket.readable(lwp)).unwrap();
        assert_eq!(taken - held, buffer as usize);
    }
}

/// When the peer hears that data arrived.
#[test]
fn quick_acknowledgements_wait_for_nothing() {
    let [client, server] = pair(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    for (quick, delay) in [(1, 0), (0, 10)] {
        one.set(IPPROTO_TCP, TCP_QUICKACK, quick).unwrap();
        assert_eq!(one.get(IPPROTO_TCP, TCP_QUICKACK), Ok(quick));
        sim::advance(SECOND);
        let watch = Watch::new(&client);
        other.send(b"data").unwrap();
        sim::advance(SECOND);
        let seen = watch.seen();
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!((seen[1].at - seen[0].at) / 1_000_000, delay);
        one.receive(10).unwrap();
    }
}
