//! Sessions as they should be: begun, kept, renewed and forgotten.

use super::pair::*;
use crate::time::{KEEPALIVE, REJECT_AFTER, REKEY_AFTER, REKEY_ATTEMPT, REKEY_TIMEOUT};
use net::Reason;
use net::testing::packet;

#[test]
fn packets_wait_for_a_session_and_pass_both_ways() {
    let mut pair = pair();
    for number in 0..5 {
        pair.send(A, &numbered(A, number));
    }
    pair.settle();
    pair.send(B, &numbered(B, 7));
    pair.settle();
    let expected: [_; 5] = core::array::from_fn(|number| numbered(A, number));
    assert_eq!(pair.received[B], expected);
    assert_eq!(pair.received[A], [numbered(B, 7)]);
    assert_eq!((pair.count(1), pair.count(2), pair.count(4)), (1, 1, 6));
    // What is sealed has a length that tells little.
    let mut sealed = pair.sent.iter().filter(|it| it.kind() == 4);
    assert!(sealed.all(|it| it.bytes.len() % 16 == 0));
    let longest = packet("10.0.0.1", "10.0.0.2", 17, &[1; 1400]);
    pair.send(A, &longest);
    assert_eq!(pair.sent.last().unwrap().bytes.len(), 1420 + 32);
    pair.settle();
    assert_eq!(pair.received[B].last(), Some(&longest));
}

#[test]
fn more_packets_than_may_wait_give_way_to_later_ones() {
    let mut pair = pair();
    for number in 0..200 {
        pair.send(A, &numbered(A, number));
    }
    pair.settle();
    assert_eq!(pair.dropped(A, Reason::QueueFull), 200 - 128);
    assert_eq!(pair.received[B][0], numbered(A, 200 - 128));
    assert_eq!(pair.received[B].len(), 128);
}

#[test]
fn keys_that_differ_make_no_session() {
    let mut pair = strangers();
    let b = pair.places[B];
    pair.introduce(A, &["10.0.0.2/32"], Some(b), 0);
    pair.send(A, &numbered(A, 0));
    pair.settle();
    // B does not know A.
    assert_eq!(pair.dropped(B, Reason::Unauthentic), 1);
    assert_eq!((pair.count(2), pair.received[B].len()), (0, 0));
}

#[test]
fn a_handshake_is_repeated_and_given_up() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    // The first two are lost.
    let mut lost = 0;
    pair.pass_with(3 * REKEY_TIMEOUT, |_| {
        lost += 1;
        lost <= 2
    });
    assert_eq!(pair.count(1), 3);
    assert_eq!(pair.received[B], [numbered(A, 0)]);

    let mut pair = super::pair::pair();
    pair.send(A, &numbered(A, 0));
    pair.pass_with(REKEY_ATTEMPT + 3 * REKEY_TIMEOUT, |_| true);
    assert_eq!(pair.dropped(A, Reason::Unresolved), 1);
    let tries = pair.count(1);
    assert!((18..=20).contains(&tries), "{tries}");
    // And then nobody is woken but to forget.
    let woken = pair.woken;
    pair.pass_with(3600 * SECOND, |_| true);
    assert!(pair.woken <= woken + 2);
    assert_eq!(pair.count(1), tries);
    pair.send(A, &numbered(A, 1));
    pair.settle();
    assert_eq!(pair.received[B], [numbered(A, 1)]);
}

#[test]
fn keys_are_renewed_without_losing_a_packet() {
    let mut pair = pair();
    for number in 0..1200 {
        pair.send(A, &numbered(A, number));
        pair.settle();
        pair.send(B, &numbered(B, number));
        pair.pass(SECOND / 2);
    }
    assert_eq!(
        (pair.received[A].len(), pair.received[B].len()),
        (1200, 1200)
    );
    // Ten minutes: one session every two of them.
    assert_eq!((pair.count(1), pair.count(2)), (5, 5));
}

#[test]
fn who_began_a_session_renews_it_also_if_only_the_other_speaks() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    while pair.count(1) == 1 {
        pair.send(B, &numbered(B, 0));
        pair.pass(5 * SECOND);
        assert!(pair.now < 1000 * SECOND + REJECT_AFTER);
    }
    assert!(pair.now >= 1000 * SECOND + REKEY_AFTER);
    let begun = pair.sent.iter().rfind(|it| it.kind() == 1);
    assert_eq!(begun.unwrap().from, A);

    // Of a long silence, too, the first packet shows that it is time.
    let mut pair = super::pair::pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    pair.now += REJECT_AFTER - REKEY_TIMEOUT;
    pair.send(B, &numbered(B, 0));
    pair.settle();
    assert_eq!((pair.count(1), pair.received[A].len()), (2, 1));
}

#[test]
fn a_session_that_is_too_old_is_good_for_nothing() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    pair.send(A, &numbered(A, 1));
    let late = pair.wire.pop_front().unwrap();
    pair.now += REJECT_AFTER;
    pair.arrive(&late);
    assert_eq!(pair.dropped(B, Reason::Replayed), 1);
    assert_eq!(pair.received[B].len(), 1);
    // B needs a new one to answer.
    pair.send(B, &numbered(B, 0));
    pair.settle();
    assert_eq!((pair.count(1), pair.received[A].len()), (2, 1));
}

#[test]
fn an_idle_tunnel_forgets_its_keys_and_wakes_nobody() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.pass(3 * REJECT_AFTER + SECOND);
    assert!(pair.woken < 12, "{}", pair.woken);
    let woken = pair.woken;
    pair.pass(24 * 3600 * SECOND);
    assert_eq!(pair.woken, woken);
    pair.send(A, &numbered(A, 1));
    pair.settle();
    assert_eq!((pair.count(1), pair.received[B].len()), (2, 2));
}

#[test]
fn who_only_receives_shows_that_it_is_there() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    let before = pair.count(4);
    pair.pass(KEEPALIVE + SECOND);
    assert_eq!(pair.count(4), before + 1);
    let last = pair.sent.last().unwrap();
    assert_eq!((last.from, last.bytes.len()), (B, 32));
    assert!(pair.received[A].is_empty());
    // So A does not think that it is gone.
    pair.pass(60 * SECOND);
    assert_eq!(pair.count(1), 1);
}

#[test]
fn a_peer_that_falls_silent_is_asked_again() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    pair.pass(REKEY_TIMEOUT);
    pair.send(A, &numbered(A, 1));
    // The first packet was answered with nothing but the handshake.
    pair.pass_with(KEEPALIVE + SECOND, |it| it.from == B);
    assert_eq!(pair.count(1), 2);
}

#[test]
fn a_peer_hears_of_us_as_often_as_it_is_to() {
    let mut pair = strangers();
    let b = pair.places[B];
    pair.introduce(B, &["10.0.0.1/32"], None, 0);
    pair.introduce(A, &["10.0.0.2/32"], Some(b), 25 * SECOND);
    pair.pass(SECOND);
    assert_eq!((pair.count(1), pair.count(4)), (1, 1));
    pair.pass(100 * SECOND);
    assert_eq!(pair.count(4), 5);
    // B can speak first now.
    pair.send(B, &numbered(B, 0));
    pair.settle();
    assert_eq!(pair.received[A], [numbered(B, 0)]);
}

#[test]
fn a_peer_is_where_it_was_last_heard_from() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    pair.send(B, &numbered(B, 0));
    assert_eq!(pair.to[B], Some(pair.places[A]));
    pair.settle();
    let elsewhere = "198.51.100.9:4".parse().unwrap();
    pair.places[A] = elsewhere;
    pair.send(A, &numbered(A, 1));
    pair.settle();
    pair.send(B, &numbered(B, 1));
    assert_eq!(pair.to[B], Some(elsewhere));
    // What is forged or repeated moves nobody.
    let mut forged = pair.sent.iter().rfind(|it| it.from == A).unwrap().clone();
    pair.arrive_from("203.0.113.1:1".parse().unwrap(), &forged);
    *forged.bytes.last_mut().unwrap() ^= 1;
    forged.bytes[8] += 1;
    pair.arrive_from("203.0.113.1:1".parse().unwrap(), &forged);
    pair.send(B, &numbered(B, 2));
    assert_eq!(pair.to[B], Some(elsewhere));
}

#[test]
fn addresses_inside_are_held_to_their_peers() {
    let mut pair = pair();
    let send = |pair: &mut Pair, end, src, dst| {
        pair.send(end, &packet(src, dst, 17, b"x"));
        pair.settle();
    };
    send(&mut pair, A, "10.7.3.4", "10.0.0.2");
    assert_eq!(pair.received[B].len(), 1);
    send(&mut pair, A, "10.8.0.1", "10.0.0.2");
    assert_eq!(
        (pair.received[B].len(), pair.dropped(B, Reason::Martian)),
        (1, 1)
    );
    send(&mut pair, A, "10.0.0.1", "10.0.0.3");
    send(&mut pair, A, "fd00::1", "fd00::2");
    assert_eq!(pair.nowhere[A], 2);
    // What is no packet is told apart from what may not be.
    pair.send(A, b"what is this");
    assert_eq!(pair.dropped(A, Reason::Malformed), 1);
}

#[test]
fn a_peer_can_be_forgotten() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.settle();
    let key = public(B);
    pair.step(A, |tunnel, out| tunnel.remove_peer(&key, out))
        .unwrap();
    let again = pair.step(A, |tunnel, out| tunnel.remove_peer(&key, out));
    assert_eq!(again, Err(base::Errno::ENOENT));
    pair.send(A, &numbered(A, 1));
    pair.send(B, &numbered(B, 0));
    pair.settle();
    assert_eq!((pair.nowhere[A], pair.received[A].len()), (1, 0));
    assert_eq!(pair.dropped(A, Reason::Unauthentic), 1);
    assert!(pair.tunnels[A].is_empty());
}

#[test]
fn who_both_begin_at_once_agree() {
    let mut pair = pair();
    let a = pair.places[A];
    pair.introduce(B, &["10.0.0.1/32"], Some(a), 0);
    pair.send(A, &numbered(A, 0));
    pair.send(B, &numbered(B, 0));
    pair.settle();
    for number in 1..10 {
        pair.send(A, &numbered(A, number));
        pair.send(B, &numbered(B, number));
        pair.settle();
    }
    assert_eq!((pair.received[A].len(), pair.received[B].len()), (10, 10));
}
