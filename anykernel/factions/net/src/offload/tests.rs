//! What a link does not do is done here, and comes out as if computed from scratch; what is said of a frame
//! and cannot be true does no harm.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::testing::{Attached, Host, Numbers, boot, checksum, ethernet, fold, ip};
use crate::{Checksum, HEADROOM};

const ALL: Offloads = Offloads {
    checksum: true,
    tcp4: 65535,
    tcp6: 65535,
};
const CHECKSUM: Offloads = Offloads {
    checksum: true,
    tcp4: 0,
    tcp6: 0,
};
const ADDRESSES: &[&str] = &["10.0.0.2/24", "fd00::2/64"];
const FIN: u8 = 1;
const PSH: u8 = 8;
const CWR: u8 = 0x80;

/// A TCP segment in an IP packet to everybody, so that nobody has to be asked for.
struct Segment {
    packet: Vec<u8>,
    /// Where the TCP header and its payload begin.
    start: usize,
    headers: usize,
    size: u16,
}

impl Segment {
    fn random(numbers: &mut Numbers, ipv4: bool) -> Segment {
        let options = numbers.below(11) * 4;
        let mut tcp = vec![0; 20 + options];
        tcp.iter_mut().for_each(|byte| *byte = numbers.draw() as u8);
        tcp[12] = ((tcp.len() / 4) as u8) << 4;
        tcp[16..18].fill(0);
        let most = [5_000, 5_000, 60_000][numbers.below(3)];
        let len = 1 + numbers.below(most);
        let headers = tcp.len();
        tcp.extend((0..len).map(|_| numbers.draw() as u8));
        let mut packet = Vec::new();
        if ipv4 {
            let words = 5 + numbers.below(11);
            packet.resize(words * 4, 1);
            packet[..12].copy_from_slice(&[
                0x40 | words as u8,
                0,
                0,
                0,
                9,
                9,
                0x40,
                0,
                64,
                6,
                0,
                0,
            ]);
            let total = packet.len() + tcp.len();
            packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            packet[12..20].copy_from_slice(&[10, 0, 0, 2, 10, 0, 0, 255]);
            let sum = fold(checksum(0, &packet)).to_be_bytes();
            packet[10..12].copy_from_slice(&sum);
        } else {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend((tcp.len() as u16).to_be_bytes());
            packet.extend([6, 64]);
            for address in ["fd00::2", "ff02::1"] {
                let core::net::IpAddr::V6(address) = ip(address) else {
                    unreachable!()
                };
                packet.extend(address.octets());
            }
        }
        let start = packet.len();
        packet.extend(tcp);
        Segment {
            packet,
            start,
            headers: start + headers,
            size: 1 + numbers.below(3000) as u16,
        }
    }

    fn is_ipv4(&self) -> bool {
        self.packet[0] >> 4 == 4
    }

    fn frame(&self, pool: &FramePool) -> Frame {
        let mut frame = pool.copy_of(&self.packet).unwrap();
        let (src, dst, kind) = match self.is_ipv4() {
            true => ("10.0.0.2", "10.0.0.255", SegmentKind::Tcp4),
            false => ("fd00::2", "ff02::1", SegmentKind::Tcp6),
        };
        frame.leave_checksum(self.start, 16, ip(src), ip(dst), 6);
        frame.set_segments(Some(Segments {
            kind,
            size: NonZeroU16::new(self.size).unwrap(),
        }));
        frame
    }

    fn send(&self, host: &Host) {
        host.in_kernel(|lwp, net| {
            let via = net.interface("virt0").unwrap();
            let frame = self.frame(net.pool());
            net.output(lwp, frame, Some(&via)).unwrap();
            net.flush(lwp);
        });
    }

    fn pieces(&self) -> usize {
        (self.packet.len() - self.headers).div_ceil(usize::from(self.size))
    }

    /// The packet of this piece as it has to be, from the definition of each field.
    fn piece(&self, index: usize) -> Vec<u8> {
        let data = &self.packet[self.headers..];
        let size = usize::from(self.size);
        let last = index == (data.len() - 1) / size;
        let data = &data[index * size..data.len().min((index + 1) * size)];
        let mut packet = [&self.packet[..self.headers], data].concat();
        let len = packet.len();
        let pseudo = if self.is_ipv4() {
            packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            packet[10..12].fill(0);
            let sum = fold(checksum(0, &packet[..self.start])).to_be_bytes();
            packet[10..12].copy_from_slice(&sum);
            checksum(0, &packet[12..20])
        } else {
            packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
            checksum(0, &packet[8..40])
        };
        let tcp = &mut packet[self.start..];
        let sequence = u32::from_be_bytes(tcp[4..8].try_into().unwrap());
        let sequence = sequence.wrapping_add((index * size) as u32);
        tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
        if !last {
            tcp[13] &= !(FIN | PSH);
        }
        if index > 0 {
            tcp[13] &= !CWR;
        }
        let sum = fold(checksum(pseudo + 6 + tcp.len() as u32, tcp));
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        packet
    }
}

fn check(sent: Vec<Vec<u8>>, segment: &Segment) {
    assert_eq!(sent.len(), segment.pieces());
    for (index, frame) in sent.iter().enumerate() {
        assert_eq!(frame[14..], segment.piece(index), "piece {index}");
    }
}

fn segments() -> impl Iterator<Item = Segment> {
    let mut numbers = Numbers(7);
    (0..200).map(move |round| Segment::random(&mut numbers, round % 2 == 0))
}

#[test]
fn a_plain_link_gets_segments_of_its_size_with_good_checksums() {
    let host = boot();
    let link = host.ethernet("virt", ADDRESSES);
    for segment in segments() {
        segment.send(&host);
        check(link.sent(), &segment);
    }
}

#[test]
fn a_link_that_computes_checksums_is_left_them() {
    let host = boot();
    let link = host.ethernet_with("virt", CHECKSUM, ADDRESSES);
    for segment in segments() {
        segment.send(&host);
        let complete = |(mut frame, said): (Vec<u8>, Offload)| {
            assert_eq!(
                (said.flags, said.segment_kind),
                (Offload::NEEDS_CHECKSUM, 0)
            );
            let start = usize::from(said.checksum_start);
            let sum = fold(checksum(0, &frame[start..]));
            let place = start + usize::from(said.checksum_offset);
            frame[place..place + 2].copy_from_slice(&sum.to_be_bytes());
            frame
        };
        check(
            link.sent_with().into_iter().map(complete).collect(),
            &segment,
        );
    }
}

#[test]
fn a_link_that_cuts_up_segments_is_left_that() {
    let host = boot();
    let link = host.ethernet_with("virt", ALL, ADDRESSES);
    for segment in segments() {
        segment.send(&host);
        let sent = link.sent_with();
        let [(frame, said)] = &sent[..] else {
            panic!("{} frames", sent.len());
        };
        assert_eq!(
            frame[14..][..segment.start],
            segment.packet[..segment.start]
        );
        assert_eq!(
            frame[14 + segment.headers..],
            segment.packet[segment.headers..]
        );
        let expected = Offload {
            flags: Offload::NEEDS_CHECKSUM,
            segment_kind: if segment.is_ipv4() {
                Offload::TCP4
            } else {
                Offload::TCP6
            },
            header_len: (14 + segment.headers) as u16,
            segment_size: segment.size,
            checksum_start: (14 + segment.start) as u16,
            checksum_offset: 16,
        };
        assert_eq!(*said, expected);
    }
}

#[test]
fn what_is_longer_than_the_link_takes_is_cut_up_for_it() {
    let host = boot();
    let some = Offloads {
        tcp4: 2000,
        tcp6: 2000,
        ..ALL
    };
    let link = host.ethernet_with("virt", some, ADDRESSES);
    for segment in segments() {
        segment.send(&host);
        match segment.packet.len() {
            ..=2000 => assert_eq!(link.sent().len(), 1),
            _ => assert_eq!(link.sent().len(), segment.pieces()),
        }
    }
}

#[test]
fn a_checksum_that_is_zero_says_so_as_udp_has_it() {
    let host = boot();
    host.in_kernel(|_, net| {
        // The sum of the pseudo-header is such that all together is 0xffff.
        let mut frame = net.pool().copy_of(&[0, 1, 0, 2, 0, 8, 0xff, 0xf4]).unwrap();
        frame.set_checksum(Checksum::Partial {
            start: 0,
            offset: 6,
        });
        frame.complete_checksum();
        assert_eq!(frame.payload()[6..], [0xff, 0xff]);
        assert_eq!(frame.checksum(), Checksum::Present);
    });
}

#[test]
fn fragments_have_the_checksum_of_the_whole() {
    let host = boot();
    let link = host.ethernet_with("virt", ALL, ADDRESSES);
    host.in_kernel(|lwp, net| {
        let data = [7; 3000];
        let packet = crate::testing::packet("10.0.0.2", "10.0.0.255", 17, &data);
        let mut frame = net.pool().copy_of(&packet).unwrap();
        frame.leave_checksum(20, 6, ip("10.0.0.2"), ip("10.0.0.255"), 17);
        net.output(lwp, frame, None).unwrap();
        net.flush(lwp);
    });
    let sent = link.sent_with();
    assert!(sent.iter().all(|(_, said)| *said == Offload::default()));
    let data: Vec<u8> = sent
        .iter()
        .flat_map(|(frame, _)| frame[34..].to_vec())
        .collect();
    let pseudo = checksum(17 + 3000, &[10, 0, 0, 2, 10, 0, 0, 255]);
    assert_eq!(fold(checksum(pseudo, &data)), 0);
}

// ---- what links say ----

fn good() -> Offload {
    Offload {
        flags: Offload::NEEDS_CHECKSUM,
        segment_kind: Offload::TCP4 | Offload::ECN,
        header_len: 54,
        segment_size: 1000,
        checksum_start: 34,
        checksum_offset: 16,
    }
}

#[test]
fn what_cannot_be_true_of_a_frame_is_refused() {
    let host = boot();
    host.in_kernel(|_, net| {
        let mut frame = net.pool().get(100).unwrap();
        let mut accepts = |change: &dyn Fn(&mut Offload)| {
            let mut offload = good();
            change(&mut offload);
            frame.set_offload(&offload).is_ok()
        };
        assert!(accepts(&|_| ()));
        assert!(accepts(&|offload| offload.checksum_start = 100 - 18));
        assert!(!accepts(&|offload| offload.checksum_start = 100 - 17));
        assert!(!accepts(&|offload| offload.checksum_start = u16::MAX));
        assert!(!accepts(&|offload| offload.checksum_offset = u16::MAX));
        assert!(!accepts(&|offload| offload.segment_size = 0));
        assert!(accepts(&|offload| offload.header_len = 100));
        assert!(!accepts(&|offload| offload.header_len = 101));
        for kind in [2, 3, 5, 0x7f] {
            assert!(!accepts(&|offload| offload.segment_kind = kind), "{kind}");
        }
        assert!(accepts(&|offload| *offload = Offload::default()));
        frame
            .set_offload(&Offload {
                flags: Offload::CHECKSUM_GOOD,
                ..Offload::default()
            })
            .unwrap();
        assert_eq!(frame.checksum(), Checksum::Verified);
    });
}

#[test]
fn what_a_link_said_is_said_again_after_headers_came_and_went() {
    let host = boot();
    host.in_kernel(|_, net| {
        let mut frame = net.pool().get(100).unwrap();
        frame.payload_mut().fill(0x50);
        let said = Offload {
            segment_kind: Offload::TCP4,
            ..good()
        };
        frame.set_offload(&said).unwrap();
        assert_eq!(frame.offload(), said);
        frame.trim_front(14);
        assert_eq!(
            frame.checksum(),
            Checksum::Partial {
                start: 20,
                offset: 16
            }
        );
        frame.prepend(14);
        assert_eq!(frame.offload(), said);
        frame.trim_front(100);
        frame.complete_checksum();
        assert!(frame.is_empty());
    });
}

/// Whatever is said of whatever frame, nothing panics and nothing is written outside of it.
#[test]
fn random_words_about_random_frames_do_no_harm() {
    let host = boot();
    let link = host.ethernet("virt", ADDRESSES);
    let lo = host.loopback();
    let mut numbers = Numbers(11);
    for round in 0..5000 {
        let segment = Segment::random(&mut numbers, round % 2 == 0);
        let mut bytes = ethernet([0xff; 6], [2, 0, 0, 0, 0, 9], 0x0800, &segment.packet);
        bytes.truncate(numbers.below(200));
        let small = |numbers: &mut Numbers| match numbers.below(4) {
            0 => numbers.draw() as u16,
            _ => numbers.below(120) as u16,
        };
        let offload = Offload {
            flags: numbers.below(4) as u8,
            segment_kind: [0, 1, 4, 0x81][numbers.below(4)],
            header_len: small(&mut numbers),
            segment_size: small(&mut numbers),
            checksum_start: small(&mut numbers),
            checksum_offset: small(&mut numbers),
        };
        feed(&host, &link, &bytes, &offload);
        feed(&host, &lo, &bytes, &offload);
        host.in_kernel(|_, net| work_on(net.pool(), &bytes, &offload, &mut numbers));
    }
    assert!(!host.kernel.is_dead());
}

fn feed(host: &Host, attached: &Attached, bytes: &[u8], offload: &Offload) {
    host.in_kernel(|lwp, net| {
        let mut frame = net.pool().copy_of(bytes).unwrap();
        if frame.set_offload(offload).is_ok() {
            net.receive(lwp, &attached.interface, &mut vec![frame]);
            net.settle(lwp);
        }
    });
}

fn work_on(pool: &FramePool, bytes: &[u8], offload: &Offload, numbers: &mut Numbers) {
    let frame = || {
        let mut frame = pool.copy_of(bytes).unwrap();
        frame.set_offload(offload).ok().map(|()| frame)
    };
    let Some(mut completed) = frame() else {
        return;
    };
    completed.trim_front(numbers.below(HEADROOM));
    completed.complete_checksum();
    let offloads = [Offloads::default(), CHECKSUM, ALL][numbers.below(3)];
    for link_header in [0, 14] {
        let mut batch: Batch = frame().into_iter().collect();
        offloads.prepare(pool, link_header, &mut batch);
        let most = bytes.len() + bytes.len() * bytes.len();
        assert!(batch.iter().map(Frame::len).sum::<usize>() <= most);
        pool.recycle_all(&mut batch);
    }
}
