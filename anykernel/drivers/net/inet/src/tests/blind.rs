//! Somebody on the cable who forges segments of a connection, and does not know its numbers or guesses them nearly (RFC
//! 5961): the connection goes on, and says no more about it than it must.

use super::hostile::{Random, fix_checksums};
use super::*;

use smoltcp::wire::{TcpPacket, TcpSeqNumber};

const CABLE: &str = "a?latency=10us";
const SECOND: u64 = 1_000_000_000;

/// A connection, of which all that was said has arrived, and a forger who sees it.
struct Scene {
    hosts: [Host; 2],
    ends: [Sock; 2],
    wire: sim::Wire,
    /// The last frame that each end sent, and the number it goes on with.
    last: [Vec<u8>; 2],
    next: [TcpSeqNumber; 2],
    header: usize,
}

/// What the forger says.
#[derive(Clone, Copy, Debug)]
struct Forged {
    seq: TcpSeqNumber,
    ack: TcpSeqNumber,
    /// FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    flags: u8,
    len: usize,
}

impl Scene {
    fn new(address: &str) -> Self {
        let hosts = pair(CABLE);
        let wire = sim::Wire::open(CABLE);
        let (one, other) = connected(&hosts[0], &hosts[1], address);
        let header = if address.contains('[') { 40 } else { 20 };
        let mut scene = Scene {
            hosts,
            ends: [one, other],
            wire,
            last: Default::default(),
            next: [TcpSeqNumber(0); 2],
            header,
        };
        scene.talk();
        scene
    }

    fn segment<'a>(&self, frame: &'a [u8]) -> TcpPacket<&'a [u8]> {
        TcpPacket::new_unchecked(&frame[14 + self.header..])
    }

    /// What was on the cable since, but what is not of the connection.
    fn heard(&self) -> Vec<Vec<u8>> {
        let all = core::iter::from_fn(|| self.wire.receive());
        let mine = |frame: &Vec<u8>| {
            let protocol = if self.header == 20 { 23 } else { 20 };
            frame[12..14] != [8, 6] && frame[protocol] == 6
        };
        all.filter(mine).collect()
    }

    /// Some words each way, which arrive; the forger learns the numbers.
    fn talk(&mut self) {
        let [one, other] = &self.ends;
        for (from, to) in [(one, other), (other, one)] {
            from.send(b"so many words").unwrap();
            assert_eq!(to.receive(100).unwrap(), b"so many words");
        }
        sim::advance(SECOND);
        let here = port(self.ends[0].local());
        for frame in self.heard() {
            let segment = self.segment(&frame);
            let from = usize::from(segment.src_port() != here);
            self.next[from] = segment.seq_number() + segment.segment_len();
            self.last[from] = frame;
        }
    }

    /// Sends a segment to one end as if it came from the other.
    fn forge(&self, to: usize, forged: Forged) {
        let mut frame = self.last[1 - to].clone();
        let header = 14 + self.header;
        let tcp = header + usize::from(self.segment(&frame).header_len());
        frame.truncate(tcp);
        frame.resize(tcp + forged.len, 0x66);
        let len = frame.len() - 14;
        match self.header {
            20 => frame[16..18].copy_from_slice(&(len as u16).to_be_bytes()),
            _ => frame[18..20].copy_from_slice(&(len as u16 - 40).to_be_bytes()),
        }
        let mut segment = TcpPacket::new_unchecked(&mut frame[header..]);
        segment.set_seq_number(forged.seq);
        segment.set_ack_number(forged.ack);
        frame[header + 13] = forged.flags;
        fix_checksums(&mut frame);
        self.wire.send(&frame);
    }

    /// The number that an end goes on with, from its peer and itself.
    fn numbers(&self, end: usize) -> (TcpSeqNumber, TcpSeqNumber) {
        (self.next[1 - end], self.next[end])
    }

    fn is_whole(&self) -> bool {
        self.ends.iter().all(|end| end.peer().is_ok())
    }
}

fn random_scenes() -> impl Iterator<Item = (Scene, Random)> {
    ["10.0.0.2:0", "[fd00::2]:0"]
        .into_iter()
        .flat_map(|address| {
            (1..=3).map(move |seed| (Scene::new(address), Random(seed * 0x9e37_79b9)))
        })
}

#[test]
fn a_reset_in_the_window_is_doubted_and_one_that_is_right_believed() {
    for (mut scene, mut random) in random_scenes() {
        for _ in 0..100 {
            let to = random.next() as usize % 2;
            let (expected, own) = scene.numbers(to);
            scene.heard();
            let forged = Forged {
                seq: expected + (1 + random.next() as usize % 200_000),
                ack: TcpSeqNumber(random.next() as i32),
                flags: 4 | (random.next() as u8 & 16),
                len: random.next() as usize % 3 * 50,
            };
            scene.forge(to, forged);
            sim::advance(2 * SECOND);
            assert!(scene.is_whole(), "{forged:?}");
            // The forged one, and who we are: what the peer confirms no further.
            let heard = scene.heard();
            let answers: Vec<_> = heard
                .iter()
                .map(|frame| scene.segment(frame))
                .filter(|it| !it.rst())
                .collect();
            assert!(answers.len() == 1, "{forged:?}: {}", answers.len());
            assert_eq!(
                (answers[0].seq_number(), answers[0].ack_number()),
                (own, expected)
            );
            assert_eq!(answers[0].payload().len(), 0);
        }
        scene.talk();
        // Behind the window, or far ahead of it: not a word.
        for distance in [-1, -1000, 300_000, i32::MAX, i32::MIN] {
            let (expected, _) = scene.numbers(1);
            scene.heard();
            let seq = TcpSeqNumber(expected.0.wrapping_add(distance));
            scene.forge(
                1,
                Forged {
                    seq,
                    ack: seq,
                    flags: 4,
                    len: 0,
                },
            );
            sim::advance(2 * SECOND);
            let answers = scene.heard().len();
            assert_eq!((answers, scene.is_whole()), (0, true), "{distance}");
        }
        let (expected, own) = scene.numbers(1);
        scene.forge(
            1,
            Forged {
                seq: expected,
                ack: own,
                flags: 4,
                len: 0,
            },
        );
        sim::advance(SECOND);
        assert_eq!(scene.ends[1].try_receive(1), Err(Errno::ECONNRESET));
    }
}

#[test]
fn a_syn_is_answered_with_where_we_are() {
    for (mut scene, mut random) in random_scenes() {
        for round in 0..100 {
            let to = random.next() as usize % 2;
            let (expected, own) = scene.numbers(to);
            let near = random.next() as i32 % 100_000;
            let seq = match round % 3 {
                0 => expected,
                1 => TcpSeqNumber(expected.0.wrapping_add(near)),
                _ => TcpSeqNumber(random.next() as i32),
            };
            scene.heard();
            let forged = Forged {
                seq,
                ack: if round % 2 == 0 { own } else { seq },
                flags: 2 | (random.next() as u8 & 16),
                len: 0,
            };
            scene.forge(to, forged);
            sim::advance(2 * SECOND);
            assert!(scene.is_whole(), "{forged:?}");
            let heard = scene.heard();
            let answers: Vec<_> = heard
                .iter()
                .map(|frame| scene.segment(frame))
                .filter(|it| !it.syn())
                .collect();
            assert!(
                answers.len() == 1 && !answers[0].rst(),
                "{forged:?}: {}",
                answers.len()
            );
            assert_eq!(
                (answers[0].seq_number(), answers[0].ack_number()),
                (own, expected)
            );
        }
        scene.talk();
    }
}

/// Whoever confirms what was not sent, or writes into the window but does not know what was sent, has no effect: also
/// while there is something to be sent that the peer's window has no room for.
#[test]
fn what_was_not_sent_cannot_be_confirmed() {
    for (mut scene, mut random) in random_scenes() {
        // One end fills the other's window, and more waits.
        let filled = [7; 100_000];
        let mut waiting = 0;
        while let Ok(sent) = scene.ends[0].try_send(&filled) {
            waiting += sent;
            sim::advance(SECOND);
        }
        sim::advance(SECOND);
        let here = port(scene.ends[0].local());
        for frame in scene.heard() {
            let segment = scene.segment(&frame);
            if segment.src_port() == here && segment.payload().len() > 1 {
                scene.next[0] = segment.seq_number() + segment.segment_len();
            }
        }
        for _ in 0..300 {
            let (expected, own) = scene.numbers(0);
            let beyond = 2 + random.next() as usize % 200_000;
            scene.forge(
                0,
                Forged {
                    seq: expected + random.next() as usize % 1000,
                    ack: own + beyond,
                    flags: 16 | (random.next() as u8 & 9),
                    len: random.next() as usize % 3 * 100,
                },
            );
            sim::advance(1_000_000);
        }
        let mut got = 0;
        while got < waiting {
            let data = scene.ends[1].receive(100_000).unwrap();
            assert!(data.iter().all(|byte| *byte == 7));
            got += data.len();
        }
        scene.heard();
        scene.talk();
    }
}

/// Anything at all, but what has the right numbers by chance or by knowledge.
#[test]
fn random_segments_change_nothing() {
    for (mut scene, mut random) in random_scenes() {
        let used = scene.hosts.each_ref().map(Host::memory_used);
        for _ in 0..20 {
            for _ in 0..100 {
                let to = random.next() as usize % 2;
                let (expected, own) = scene.numbers(to);
                let mut near = |number: TcpSeqNumber| {
                    let away = match random.next() % 3 {
                        0 => 1 + random.next() as i32 % 2000,
                        1 => -1 - random.next() as i32 % 2000,
                        _ => random.next() as i32,
                    };
                    TcpSeqNumber(number.0.wrapping_add(away))
                };
                // In the window, as it may be; but about something else than what was sent.
                let (seq, ack) = (near(expected), near(own));
                let flags = random.next() as u8 & 0x3f;
                let reset = flags & 4 != 0 && seq == expected;
                if reset || ack == own {
                    continue;
                }
                let len = random.next() as usize % 1400;
                let forged = Forged {
                    seq,
                    ack,
                    flags,
                    len,
                };
                scene.forge(to, forged);
                sim::advance(1_000_000);
                assert!(scene.is_whole(), "{forged:?} to {to} at {expected}, {own}");
            }
            sim::advance(SECOND);
            assert!(scene.is_whole());
            // Who is disturbed says no more than who disturbs.
            assert!(scene.heard().len() <= 2 * 100 + 20);
            scene.talk();
        }
        let Scene { hosts, ends, .. } = scene;
        ends.into_iter().for_each(Sock::close);
        sim::advance(100 * SECOND);
        for (host, used) in hosts.iter().zip(used) {
            let inet = host.enter(|lwp| lwp.state::<crate::inet::Inet>()).unwrap();
            let left = inet
                .tables
                .write(|tables| (tables.connections.len(), tables.time_waits.len()));
            assert_eq!(left, (0, 0));
            // A connection's buffers less; what is pooled of frames stays.
            let now = host.memory_used() + (400 << 10);
            assert!(now <= used + (1 << 20), "{used} bytes, then {now}");
        }
    }
}

#[test]
fn forged_errors_of_the_network_change_nothing() {
    let mut scene = Scene::new("10.0.0.2:0");
    let mut random = Random(77);
    let attacker = scene.hosts[1]
        .socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
        .unwrap();
    for _ in 0..20 {
        for kind in [
            (3, 0),
            (3, 1),
            (3, 2),
            (3, 3),
            (3, 4),
            (3, 13),
            (4, 0),
            (5, 1),
            (11, 0),
            (12, 0),
        ] {
            let mut error = alloc::vec![kind.0, kind.1, 0, 0, 0, 0, 0, 68];
            error.extend(&scene.last[0][14..14 + 28]);
            let at = error.len() - 4;
            let (_, own) = scene.numbers(0);
            // Of a segment that was confirmed long ago, or that was never sent.
            let number = match random.next() % 2 {
                0 => own.0,
                _ => own.0.wrapping_add(1 + random.next() as i32 % 100_000),
            };
            error[at..].copy_from_slice(&number.to_be_bytes());
            let sum: u32 = error
                .chunks(2)
                .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
                .sum();
            let sum = (sum & 0xffff) + (sum >> 16);
            let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
            error[2..4].copy_from_slice(&sum.to_be_bytes());
            attacker.send_to(&error, at_address("10.0.0.1")).unwrap();
        }
        sim::advance(SECOND);
        assert!(scene.is_whole());
        assert_eq!(scene.ends[0].error(), 0);
        assert_eq!(scene.ends[0].get(IPPROTO_IP, IP_MTU), Ok(1500));
        while attacker.try_receive(2000).is_ok() {}
        scene.talk();
    }
}

fn at_address(address: &str) -> SockAddr {
    at(address, 0)
}
