//! Datagrams that are lost, repeated, forged, made up, or too many.

use alloc::vec::Vec;

use net::Reason;
use net::testing::Numbers;

use super::pair::*;
use crate::mac::MacKeys;
use crate::message::INITIATION;
use crate::time::{KEEPALIVE, REKEY_TIMEOUT};

#[test]
fn what_is_repeated_is_taken_once() {
    let mut pair = pair();
    for number in 0..20 {
        pair.send(A, &numbered(A, number));
        pair.settle();
        pair.send(B, &numbered(B, number));
        pair.settle();
    }
    pair.now += SECOND;
    let all = pair.sent.clone();
    for datagram in &all {
        pair.arrive(datagram);
    }
    pair.settle();
    assert_eq!((pair.received[A].len(), pair.received[B].len()), (20, 20));
    // The first message, and the packets.
    assert_eq!(pair.dropped(B, Reason::Replayed), 1 + 20);
    assert_eq!(pair.count(2), 1);
    pair.send(A, &numbered(A, 20));
    pair.settle();
    assert_eq!(pair.received[B].len(), 21);
}

#[test]
fn over_a_bad_wire_packets_come_whole_and_once() {
    let mut numbers = Numbers(11);
    let mut pair = pair();
    let mut held: Vec<Datagram> = Vec::new();
    let mut sent = 0;
    for _ in 0..400 {
        for _ in 0..numbers.below(6) {
            pair.send(A, &numbered(A, sent));
            pair.send(B, &numbered(B, sent));
            sent += 1;
        }
        pair.work();
        // A third is lost, some are repeated, some held back.
        while let Some(datagram) = pair.wire.pop_front() {
            match numbers.below(10) {
                0..=2 => continue,
                3 => held.push(datagram.clone()),
                _ => {}
            }
            if numbers.below(10) == 0 {
                held.push(datagram);
            } else {
                pair.arrive(&datagram);
            }
        }
        for _ in 0..numbers.below(3) {
            if !held.is_empty() {
                let datagram = held.swap_remove(numbers.below(held.len()));
                pair.arrive(&datagram);
            }
        }
        // As long as it takes for some handshakes.
        let span = numbers.below(2000) as u64 * (SECOND / 1000);
        pair.pass_with(span, |_| numbers.below(3) == 0);
    }
    for end in [A, B] {
        let mut got: Vec<usize> = Vec::new();
        for packet in &pair.received[end] {
            let number = usize::from_le_bytes(packet[20..28].try_into().unwrap());
            assert_eq!(*packet, numbered(1 - end, number));
            got.push(number);
        }
        let total = got.len();
        got.sort_unstable();
        got.dedup();
        assert_eq!(got.len(), total);
        assert!(total > sent / 2, "{total} of {sent}");
    }
    pair.received[B].clear();
    pair.pass(REKEY_TIMEOUT + KEEPALIVE);
    pair.send(A, &numbered(A, 0));
    pair.pass(REKEY_TIMEOUT + SECOND);
    assert_eq!(pair.received[B].last(), Some(&numbered(A, 0)));
}

#[test]
fn nonsense_is_refused_and_counted() {
    let mut numbers = Numbers(3);
    let mut pair = pair();
    pair.send(A, &numbered(A, 1));
    pair.settle();
    let good = pair.sent.clone();
    for round in 0..3000 {
        let mut datagram = good[numbers.below(good.len())].clone();
        let bytes = &mut datagram.bytes;
        match round % 3 {
            0 => bytes.truncate(numbers.below(bytes.len())),
            1 => {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << numbers.below(8);
            }
            _ => {
                *bytes = (0..numbers.below(200))
                    .map(|_| numbers.draw() as u8)
                    .collect();
                if let Some(first) = bytes.get_mut(..4) {
                    first.copy_from_slice(&[1 + numbers.below(4) as u8, 0, 0, 0]);
                }
            }
        }
        pair.arrive(&datagram);
        pair.now += SECOND / 1000;
        pair.settle();
    }
    assert_eq!((pair.received[A].len(), pair.received[B].len()), (0, 1));
    let dropped = |reason| pair.dropped(A, reason) + pair.dropped(B, reason);
    let (malformed, forged) = (dropped(Reason::Malformed), dropped(Reason::Unauthentic));
    let repeated = dropped(Reason::Replayed);
    assert!(
        malformed > 500 && forged > 500,
        "{malformed} {forged} {repeated}"
    );
    assert_eq!(malformed + forged + repeated, 3000);
    pair.send(A, &numbered(A, 2));
    pair.settle();
    assert_eq!(pair.received[B].last(), Some(&numbered(A, 2)));
}

/// First messages that look right from outside, from many places.
fn flood(pair: &mut Pair, numbers: &mut Numbers, count: usize) {
    let keys = MacKeys::new(&public(B));
    for _ in 0..count {
        let mut bytes: Vec<u8> = (0..INITIATION).map(|_| numbers.draw() as u8).collect();
        bytes[..4].copy_from_slice(&[1, 0, 0, 0]);
        keys.sign(&mut bytes, None);
        let place = [198, 51, 100, numbers.below(256) as u8];
        let from = (place, 1 + numbers.below(60000) as u16).into();
        pair.arrive_from(from, &Datagram { from: A, bytes });
    }
}

#[test]
fn under_load_who_shows_where_it_is_gets_through() {
    let mut numbers = Numbers(5);
    let mut pair = pair();
    flood(&mut pair, &mut numbers, 2000);
    assert_eq!(pair.dropped(B, Reason::QueueFull), 2000 - 256);
    pair.work();
    // Cookies, but no answers, and less than was asked with.
    let replies = pair.wire.len();
    assert!((200..=256).contains(&replies), "{replies}");
    assert!(
        pair.wire
            .iter()
            .all(|it| it.kind() == 3 && it.bytes.len() == 64)
    );
    pair.wire.clear();

    pair.send(A, &numbered(A, 0));
    let mut cookies = 0;
    for _ in 0..20 {
        flood(&mut pair, &mut numbers, 100);
        pair.pass_with(SECOND / 2, |it| {
            cookies += usize::from(it.kind() == 3 && it.bytes.len() == 64);
            false
        });
    }
    assert!(cookies > 0);
    assert_eq!(pair.received[B], [numbered(A, 0)]);
    // With a cookie, the second was enough.
    let first = pair.sent.iter().filter(|it| it.from == A && it.kind() == 1);
    assert_eq!(first.count(), 2);
}

#[test]
fn of_two_first_messages_at_once_one_is_answered() {
    let mut pair = pair();
    pair.send(A, &numbered(A, 0));
    pair.pass_with(2 * REKEY_TIMEOUT, |_| true);
    let firsts: Vec<Datagram> = pair.sent.clone();
    assert_eq!((firsts.len(), pair.count(1)), (2, 2));
    for first in &firsts {
        pair.arrive(first);
    }
    pair.work();
    assert_eq!((pair.count(2), pair.dropped(B, Reason::QueueFull)), (1, 1));
}
