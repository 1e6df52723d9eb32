//! A peer in the test itself: it speaks, falls silent, lies and goes away.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hypercall::{Errno, Frames, LinkInfo, Segment, Upcall};

use crate::Platform;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

extern "C-unwind" fn tell(cookie: usize) {
    // SAFETY: the address of the sender in the link below, which closes before that goes.
    let sender: &Sender<()> = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    sender.send(()).unwrap();
}

/// A link to a listening socket.
struct Linked {
    link: u64,
    listener: UnixListener,
    arrived: Receiver<()>,
    path: std::path::PathBuf,
    _sender: Box<Sender<()>>,
    _alone: std::sync::MutexGuard<'static, ()>,
}

impl Linked {
    fn new(name: &str) -> (Linked, UnixStream) {
        let alone = crate::work::tests::alone();
        let path = std::env::temp_dir().join(format!("rump-{}-{name}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let (sender, arrived) = channel();
        let sender = Box::new(sender);
        let cookie = (&raw const *sender).expose_provenance();
        let mut info = LinkInfo::default();
        let url = format!("unix:{}", path.display());
        let answer = Platform::open(url.as_str().into(), &mut info, Upcall::new(tell, cookie));
        let link = Errno::check(answer).unwrap();
        assert_eq!((info.mtu, info.offloads), (1500, 0));
        let (peer, _) = listener.accept().unwrap();
        let linked = Linked {
            link,
            listener,
            arrived,
            path,
            _sender: sender,
            _alone: alone,
        };
        (linked, peer)
    }

    /// What waits, in rooms for frames of 1514 bytes.
    fn take(&self) -> Vec<Vec<u8>> {
        let mut rooms = [[0u8; 1514]; 8];
        let mut buffers = rooms.each_mut().map(|room| Segment::empty(room));
        let count = Platform::receive(self.link, buffers.as_mut_slice().into());
        let taken = buffers[..count].iter();
        taken.map(|buffer| buffer.as_slice().to_vec()).collect()
    }

    /// The next frames, of which there are `count`.
    fn expect(&self, count: usize) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let taken = self.take();
            if taken.is_empty() {
                self.arrived.recv_timeout(PATIENCE).unwrap();
            }
            frames.extend(taken);
        }
        assert_eq!(frames.len(), count);
        frames
    }

    /// Waits, as the kernel does, until the link is said to have a carrier, or none.
    fn expect_carrier(&self, carrier: bool) {
        while self.take().is_empty() && Platform::carrier(self.link) != carrier {
            self.arrived.recv_timeout(PATIENCE).unwrap();
        }
    }

    /// Nobody is found at the socket's path, until it is told again.
    fn hide(&self) {
        std::fs::rename(&self.path, self.path.with_extension("away")).unwrap();
    }

    fn show(&self) {
        std::fs::rename(self.path.with_extension("away"), &self.path).unwrap();
    }

    fn send(&self, frame: &[u8]) -> usize {
        let mut frame = frame.to_vec();
        let frames: &[Segment<'_>] = &[Segment::full(&mut frame)];
        Platform::transmit(self.link, frames.into())
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        Platform::close(self.link);
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(self.path.with_extension("away"));
    }
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [&(frame.len() as u32).to_be_bytes(), frame].concat()
}

fn read_frame(peer: &mut UnixStream) -> Vec<u8> {
    let mut header = [0; 4];
    peer.read_exact(&mut header).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(header) as usize];
    peer.read_exact(&mut frame).unwrap();
    frame
}

#[test]
fn frames_come_whole_however_they_are_cut() {
    let (linked, mut peer) = Linked::new("cut");
    let mut frames: Vec<Vec<u8>> = (0..40u8)
        .map(|n| vec![n; 14 + usize::from(n) * 30])
        .collect();
    let bytes = frames.iter().flat_map(|frame| framed(frame));
    let bytes: Vec<u8> = bytes.collect();
    let sending = std::thread::spawn(move || {
        for piece in bytes.chunks(777) {
            peer.write_all(piece).unwrap();
        }
        // A byte at a time, too.
        for byte in framed(b"slowly but surely") {
            peer.write_all(&[byte]).unwrap();
        }
        peer
    });
    frames.push(b"slowly but surely".to_vec());
    assert_eq!(linked.expect(41), frames);
    let mut peer = sending.join().unwrap();
    // The kernel is told once for each time that it found nothing.
    assert!(linked.take().is_empty());
    for n in 0..3 {
        peer.write_all(&framed(&[n; 60])).unwrap();
    }
    linked.arrived.recv_timeout(PATIENCE).unwrap();
    assert_eq!(linked.expect(3).len(), 3);
}

#[test]
fn batches_leave_in_order() {
    let (linked, mut peer) = Linked::new("batch");
    let mut frames: Vec<Vec<u8>> = (0..600u16).map(|n| n.to_be_bytes().repeat(30)).collect();
    let expected = frames.clone();
    let reading =
        std::thread::spawn(move || (0..600).map(|_| read_frame(&mut peer)).collect::<Vec<_>>());
    let segments = frames.iter_mut().map(|frame| Segment::full(frame));
    let segments: Vec<Segment<'_>> = segments.collect();
    let taken = Platform::transmit(linked.link, segments.as_slice().into());
    assert_eq!(taken, 600);
    assert_eq!(reading.join().unwrap(), expected);
}

#[test]
fn a_peer_that_does_not_read_costs_bounded_memory_and_frames() {
    let (linked, mut peer) = Linked::new("slow");
    let frame = |n: u32| n.to_be_bytes().repeat(375);
    let taken = (0..10_000)
        .take_while(|n| linked.send(&frame(*n)) == 1)
        .count() as u32;
    // What the system holds, and what the queue does.
    assert!((300..5000).contains(&taken), "{taken}");
    assert_eq!(linked.send(&frame(0)), 0);
    for n in 0..taken {
        assert_eq!(read_frame(&mut peer), frame(n));
    }
    // All that was taken has arrived, so there is room again.
    assert_eq!(linked.send(b"after all of that"), 1);
    assert_eq!(read_frame(&mut peer), b"after all of that");
}

#[test]
fn what_is_no_frame_arrives_as_nothing() {
    let (linked, mut peer) = Linked::new("odd");
    for frame in [
        vec![],
        vec![1; 1515],
        vec![2; super::LONGEST],
        vec![3; 1514],
    ] {
        peer.write_all(&framed(&frame)).unwrap();
    }
    let frames = linked.expect(4);
    assert!(frames[..3].iter().all(Vec::is_empty));
    assert_eq!(frames[3], [3; 1514]);
}

#[test]
fn a_peer_that_lies_about_lengths_is_left() {
    let (linked, mut peer) = Linked::new("lies");
    peer.write_all(&framed(b"good enough still")).unwrap();
    peer.write_all(&(super::LONGEST as u32 + 1).to_be_bytes())
        .unwrap();
    assert_eq!(linked.expect(1), [b"good enough still"]);
    assert!(linked.take().is_empty());
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    // It gets another chance.
    let (mut peer, _) = linked.listener.accept().unwrap();
    peer.write_all(&framed(b"honest this time.")).unwrap();
    assert_eq!(linked.expect(1), [b"honest this time."]);
}

#[test]
fn a_peer_may_go_away_and_come_back() {
    let (linked, mut peer) = Linked::new("back");
    assert!(linked.take().is_empty());
    // Half a frame dies with it.
    peer.write_all(&framed(&[7; 100])[..50]).unwrap();
    linked.hide();
    drop(peer);
    linked.expect_carrier(false);
    assert_eq!(linked.send(&[0; 60]), 0);
    linked.show();
    let (mut peer, _) = linked.listener.accept().unwrap();
    linked.expect_carrier(true);
    assert_eq!(linked.send(b"hello, whoever is there"), 1);
    assert_eq!(read_frame(&mut peer), b"hello, whoever is there");
    peer.write_all(&framed(b"it is still me...")).unwrap();
    assert_eq!(linked.expect(1), [b"it is still me..."]);
}

/// News of a lost connection that come late do not end the pause before the next attempt.
#[test]
fn a_pause_is_over_when_its_timer_says_so() {
    let timer = super::socket::timer(Duration::from_secs(1000)).unwrap();
    assert!(!super::socket::expired(&timer));
    let timer = super::socket::timer(Duration::from_millis(1)).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(super::socket::expired(&timer));
    assert!(!super::socket::expired(&timer));
}

#[test]
fn that_nobody_takes_a_frame_is_news() {
    let (linked, peer) = Linked::new("news");
    // The kernel has found no end of what arrives, and is told of no more of that.
    linked.hide();
    drop(peer);
    linked.arrived.recv_timeout(PATIENCE).unwrap();
    assert!(Platform::carrier(linked.link));
    assert_eq!(linked.send(&[0; 60]), 0);
    linked.arrived.recv_timeout(PATIENCE).unwrap();
    assert!(!Platform::carrier(linked.link));
}

#[test]
fn refuses_what_is_no_socket() {
    let open = |url: &str| {
        let mut info = LinkInfo::default();
        Errno::check(Platform::open(url.into(), &mut info, Upcall::new(tell, 0)))
    };
    assert_eq!(open("unix:"), Err(Errno::EINVAL));
    assert_eq!(open("unix:/nowhere/at/all"), Err(Errno::ENOENT));
    assert_eq!(
        open(&format!("unix:/{}", "x".repeat(200))),
        Err(Errno::ENAMETOOLONG)
    );
    assert_eq!(open("unix:/dev/null"), Err(Errno::ECONNREFUSED));
}
