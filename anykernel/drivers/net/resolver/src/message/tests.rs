use alloc::string::{String, ToString};

use super::*;
use crate::tests::server::{Section, answer_to, name_bytes};
use net::testing::{Numbers, ip};

const A: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn asked() -> Vec<u8> {
    question(7, &name("www.example.org"), Kind::V4)
}

fn read_it(bytes: &[u8]) -> Option<Reply> {
    read(bytes, 7, &name("www.example.org"), Kind::V4)
}

fn addresses(reply: Option<Reply>) -> (Vec<IpAddr>, String, u32) {
    match reply {
        Some(Reply::Answer(answer)) => {
            let name = answer.name.to_string();
            (answer.addresses.unwrap(), name, answer.ttl)
        }
        other => panic!("{other:?}"),
    }
}

fn soa(minimum: u32) -> Vec<u8> {
    let mut data = b"\0\0".to_vec();
    data.extend([0; 16]);
    data.extend(minimum.to_be_bytes());
    data
}

#[test]
fn the_question_is_what_servers_expect() {
    assert_eq!(
        asked(),
        b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x01\0\x01"
    );
}

#[test]
fn aliases_are_followed_and_the_shortest_time_counts() {
    let bytes = answer_to(&asked(), 0)
        .record(Section::Answer, "cdn.example.net", A, 60, &[10, 0, 0, 1])
        .record(
            Section::Answer,
            "WWW.example.org",
            CNAME,
            50,
            &name_bytes("other.example.net"),
        )
        .record(
            Section::Answer,
            "other.example.net",
            CNAME,
            70,
            &name_bytes("cdn.example.net"),
        )
        .record(Section::Answer, "cdn.example.net", A, 60, &[10, 0, 0, 2])
        .record(Section::Answer, "somebody.else", A, 1, &[10, 0, 0, 3])
        .bytes();
    let wanted = ["10.0.0.1", "10.0.0.2"].map(ip);
    let found = addresses(read_it(&bytes));
    assert_eq!(found, (wanted.into(), "cdn.example.net".into(), 50));
}

#[test]
fn aliases_without_end_and_of_strange_names_end() {
    let circle = answer_to(&asked(), 0)
        .record(
            Section::Answer,
            "www.example.org",
            CNAME,
            50,
            &name_bytes("b.example.org"),
        )
        .record(
            Section::Answer,
            "b.example.org",
            CNAME,
            50,
            &name_bytes("www.example.org"),
        )
        .bytes();
    assert_eq!(read_it(&circle), Some(Reply::Failed(Errno::ELOOP)));
    let strange = answer_to(&asked(), 0)
        .record(Section::Answer, "www.example.org", CNAME, 50, b"\x02a\n\0")
        .bytes();
    assert_eq!(read_it(&strange), Some(Reply::Failed(Errno::EPROTO)));
    // A name that points at itself.
    let pointer = answer_to(&asked(), 0)
        .record(Section::Answer, "www.example.org", CNAME, 50, b"\xc0\x3d")
        .bytes();
    assert_eq!(read_it(&pointer), Some(Reply::Failed(Errno::EPROTO)));
}

#[test]
fn what_is_not_there_is_told_apart_and_has_its_time() {
    let nothing = |code, minimum: Option<u32>| {
        let mut message = answer_to(&asked(), code);
        if let Some(minimum) = minimum {
            message = message.record(Section::Authority, "example.org", SOA, 900, &soa(minimum));
        }
        match read_it(&message.bytes()) {
            Some(Reply::Answer(answer)) => (answer.addresses.unwrap_err(), answer.ttl),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(nothing(3, Some(300)), (Errno::ENOENT, 300));
    assert_eq!(nothing(0, Some(3000)), (Errno::ENODATA, 900));
    assert_eq!(nothing(0, Some(u32::MAX)), (Errno::ENODATA, 0));
    assert_eq!(nothing(3, None), (Errno::ENOENT, 0));
    let failed = |code| read_it(&answer_to(&asked(), code).bytes());
    assert_eq!(failed(2), Some(Reply::Failed(Errno::EAGAIN)));
    assert_eq!(failed(5), Some(Reply::Failed(Errno::EPROTO)));
}

#[test]
fn only_an_answer_to_the_question_is_one() {
    let good = answer_to(&asked(), 0)
        .record(Section::Answer, "www.example.org", A, 60, &[10, 0, 0, 1])
        .bytes();
    assert!(read_it(&good).is_some());
    let name = name("www.example.org");
    assert_eq!(read(&good, 8, &name, Kind::V4), None);
    assert_eq!(read(&good, 7, &name, Kind::V6), None);
    assert_eq!(
        read(&good, 7, &Name::parse("w.example.org").unwrap(), Kind::V4),
        None
    );
    assert_eq!(read_it(&asked()), None);
    for len in 0..good.len() {
        assert_eq!(read_it(&good[..len]), None, "{len}");
    }
}

/// Whatever comes, it is read in bounded time, nothing is out of bounds, and what is believed is well formed.
#[test]
fn mutated_messages_do_no_harm() {
    let good = answer_to(&asked(), 0)
        .record(
            Section::Answer,
            "www.example.org",
            CNAME,
            50,
            b"\x03cdn\xc0\x10",
        )
        .record(Section::Answer, "cdn.example.org", A, 60, &[10, 0, 0, 1])
        .record(Section::Answer, "cdn.example.org", A, 60, &[10, 0, 0, 2])
        .record(Section::Authority, "example.org", SOA, 900, &soa(300))
        .bytes();
    let mut numbers = Numbers(5);
    let (mut believed, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let mut bytes = good.clone();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] = numbers.draw() as u8,
                1 => bytes[at] ^= 1 << numbers.below(8),
                2 => bytes[at] = 0xc0,
                _ => bytes.truncate(at.max(1)),
            }
        }
        match read_it(&bytes) {
            Some(Reply::Answer(answer)) => {
                believed += 1;
                assert!(answer.ttl <= LONGEST);
                assert!(answer.addresses.is_err() || answer.addresses != Ok(Vec::new()));
                assert_eq!(
                    Name::parse(&answer.name.to_string()).ok(),
                    Some(answer.name)
                );
            }
            _ => refused += 1,
        }
    }
    assert!(
        believed > 10_000 && refused > 10_000,
        "{believed} {refused}"
    );
}

/// The most work a message can make: names that are nothing but pointers, in as many records as fit.
#[test]
fn names_of_pointers_take_bounded_time() {
    let mut bytes = answer_to(&asked(), 0).bytes();
    // A record whose data are the pointers, each to the one before.
    bytes.extend([0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 60]);
    let data = 0x3ff1 - bytes.len() - 2;
    bytes.extend((data as u16).to_be_bytes());
    bytes.extend([0xc0, 12]);
    let mut last = [0; 2];
    while bytes.len() < 0x3ff1 {
        last = ((bytes.len() - 2) as u16 | 0xc000).to_be_bytes();
        bytes.extend(last);
    }
    let mut count: u16 = 1;
    while bytes.len() < 65_000 {
        bytes.extend(last);
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
        count += 1;
    }
    bytes[6..8].copy_from_slice(&count.to_be_bytes());
    // All of them are names of the host, after eight thousand pointers; some are taken.
    let (found, ..) = addresses(read_it(&bytes));
    assert_eq!(found.len(), MOST_ADDRESSES);
}
