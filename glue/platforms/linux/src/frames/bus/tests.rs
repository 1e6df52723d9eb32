//! Members of a segment, told of what arrives through channels.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hypercall::{Errno, Frames, LinkInfo, Offload, Segment, Upcall};

use crate::Platform;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const ALL: [u8; 6] = [0xff; 6];

extern "C-unwind" fn tell(cookie: usize) {
    // SAFETY: the address of the sender in the member below, which closes before that goes.
    let sender: &Sender<()> = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    sender.send(()).unwrap();
}

/// A member with the hardware address `2:0:0:0:0:NUMBER`.
pub(super) struct Member {
    link: u64,
    address: [u8; 6],
    arrived: Receiver<()>,
    _sender: Box<Sender<()>>,
}

impl Member {
    pub(super) fn try_open(url: &str, number: u8) -> Result<Member, Errno> {
        let (sender, arrived) = channel();
        let sender = Box::new(sender);
        let cookie = (&raw const *sender).expose_provenance();
        let mut info = LinkInfo::default();
        let answer = Platform::open(url.into(), &mut info, Upcall::new(tell, cookie));
        let link = Errno::check(answer)?;
        assert_eq!(info, super::INFO);
        Ok(Member {
            link,
            address: [2, 0, 0, 0, 0, number],
            arrived,
            _sender: sender,
        })
    }

    pub(super) fn open(url: &str, number: u8) -> Member {
        Member::try_open(url, number).unwrap()
    }

    /// Sends frames with these contents, and says how many were taken.
    pub(super) fn send(&self, to: [u8; 6], contents: &[&[u8]]) -> usize {
        self.send_with(to, contents, Offload::default())
    }

    pub(super) fn send_with(&self, to: [u8; 6], contents: &[&[u8]], offload: Offload) -> usize {
        let frames = contents.iter();
        let mut frames: Vec<Vec<u8>> = frames
            .map(|content| [&to[..], &self.address, &[0x88, 0xb5], content].concat())
            .collect();
        let segments = frames.iter_mut().map(|frame| {
            let mut segment = Segment::full(frame);
            segment.set_offload(offload);
            segment
        });
        let segments: Vec<Segment<'_>> = segments.collect();
        Platform::transmit(self.link, segments.as_slice().into())
    }

    /// The contents of what waits, and what was said of them.
    pub(super) fn take(&self) -> Vec<(Vec<u8>, Offload)> {
        let mut rooms: [Vec<u8>; 8] = std::array::from_fn(|_| vec![0; 66_000]);
        let mut buffers = rooms.each_mut().map(|room| Segment::empty(room));
        let count = Platform::receive(self.link, buffers.as_mut_slice().into());
        let taken = buffers[..count].iter();
        taken
            .map(|buffer| {
                let content = buffer.as_slice().get(14..).unwrap_or_default();
                (content.to_vec(), buffer.offload())
            })
            .collect()
    }

    /// The contents of the next frames, of which there are `count`.
    pub(super) fn expect(&self, count: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let taken = self.take();
            if taken.is_empty() {
                self.arrived.recv_timeout(PATIENCE).unwrap();
            }
            frames.extend(taken.into_iter().map(|(content, _)| content));
        }
        assert_eq!(frames.len(), count);
        frames
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        Platform::close(self.link);
    }
}

/// What every kind of segment does.
pub(super) fn frames_go_where_they_belong(url: &str) {
    let [a, b, c] = [1, 2, 3].map(|number| Member::open(url, number));
    // Nobody has heard of anybody.
    assert_eq!(a.send(b.address, &[b"where are you?"]), 1);
    assert_eq!(b.expect(1), [b"where are you?"]);
    assert_eq!(c.expect(1), [b"where are you?"]);
    assert_eq!(b.send(a.address, &[b"here", b"I am"]), 2);
    assert_eq!(a.expect(2), [b"here".as_slice(), b"I am"]);
    assert_eq!(a.send(b.address, &[b"good"]), 1);
    assert_eq!(b.expect(1), [b"good"]);
    assert_eq!(c.send(ALL, &[b"hear, hear"]), 1);
    assert_eq!(c.send([1, 0, 0x5e, 0, 0, 1], &[b"some of you"]), 1);
    for member in [&a, &b] {
        assert_eq!(member.expect(2), [b"hear, hear".as_slice(), b"some of you"]);
    }
    assert!(c.take().is_empty());
    // Who moves is found where they speak from.
    drop(b);
    let b = Member::open(url, 2);
    assert_eq!(b.send(ALL, &[b"here now"]), 1);
    assert_eq!(a.expect(1), [b"here now"]);
    assert_eq!(a.send(b.address, &[b"fine"]), 1);
    assert_eq!(b.expect(1), [b"fine"]);
    assert_eq!(c.expect(1), [b"here now"]);
    assert!(c.take().is_empty());
    // No frame at all.
    let mut short = [0; 13];
    let frames: &[Segment<'_>] = &[Segment::full(&mut short)];
    assert_eq!(Platform::transmit(a.link, frames.into()), 0);
}

pub(super) fn long_segments_stay_whole(url: &str) {
    let [a, b] = [1, 2].map(|number| Member::open(url, number));
    let content: Vec<u8> = (0..65_000u32).map(|n| (n / 7) as u8).collect();
    let offload = Offload {
        flags: Offload::NEEDS_CHECKSUM,
        segment_kind: Offload::TCP4,
        header_len: 54,
        segment_size: 1460,
        checksum_start: 34,
        checksum_offset: 16,
    };
    assert_eq!(a.send_with(ALL, &[&content], offload), 1);
    b.arrived.recv_timeout(PATIENCE).unwrap();
    assert_eq!(b.take(), [(content, offload)]);
}

pub(super) fn one_that_does_not_take_its_frames_holds_nobody_up(url: &str) {
    let [a, slow, b] = [1, 2, 3].map(|number| Member::open(url, number));
    assert_eq!(slow.send(a.address, &[b"hello"]), 1);
    assert_eq!(b.send(a.address, &[b"hello"]), 1);
    assert_eq!(a.expect(2).len(), 2);
    let content = [5; 10_000];
    let taken = (0..10_000)
        .take_while(|_| a.send(slow.address, &[&content]) == 1)
        .count();
    assert!((10..1000).contains(&taken), "{taken}");
    b.take();
    // What is refused is counted, and what is not goes on.
    for number in 0..100 {
        assert_eq!(a.send(slow.address, &[&content]), 0);
        assert_eq!(a.send(b.address, &[&[number; 100]]), 1);
        assert_eq!(b.expect(1), [[number; 100]]);
        assert_eq!(a.send(ALL, &[&content]), 1);
        assert_eq!(b.expect(1), [content]);
    }
    let left = slow.expect(taken + 1);
    let whole = left.iter().filter(|frame| **frame == content);
    assert_eq!(whole.count(), taken);
    assert_eq!(a.send(slow.address, &[b"again"]), 1);
    assert_eq!(slow.expect(1), [b"again"]);
}

#[test]
fn inside_the_process_frames_go_where_they_belong() {
    let _alone = crate::work::tests::alone();
    frames_go_where_they_belong("bus:a");
}

#[test]
fn inside_the_process_long_segments_stay_whole() {
    let _alone = crate::work::tests::alone();
    long_segments_stay_whole("bus:a");
}

#[test]
fn inside_the_process_one_that_does_not_take_its_frames_holds_nobody_up() {
    let _alone = crate::work::tests::alone();
    one_that_does_not_take_its_frames_holds_nobody_up("bus:a");
}

#[test]
fn segments_of_other_names_do_not_meet_and_leave_nothing() {
    let _alone = crate::work::tests::alone();
    let members = ["bus:a", "bus:a", "bus:b"].map(|url| Member::open(url, 1));
    assert_eq!(members[0].send(ALL, &[b"anybody?"]), 1);
    assert_eq!(members[1].expect(1), [b"anybody?"]);
    assert!(members[2].take().is_empty());
    assert_eq!(super::local::segments(), ["a", "b"]);
    drop(members);
    assert!(super::local::segments().is_empty());
}

#[test]
fn refuses_what_is_no_segment() {
    assert_eq!(Member::try_open("bus:", 1).err(), Some(Errno::EINVAL));
    assert_eq!(Member::try_open("bus:./a/b", 1).err(), Some(Errno::ENOENT));
}
