//! Links of the platform `linux` whose other end is another program: a neighbour on a segment in shared memory, and
//! who is at the other end of a stream. They are opened as a kernel opens them.

use std::cell::LazyCell;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU32, Ordering};

use hypercall::{Errno, Frames, LinkInfo, Segment, Upcall};
use linux::Platform;

use crate::bytes::Bytes;

/// The longest frame that a kernel has room for, and how many it takes at once.
const ROOM: usize = 65_535 + 18;
const BATCH: usize = 4;

extern "C-unwind" fn arrived(_: usize) {}

fn open(url: &str) -> u64 {
    let mut info = LinkInfo::default();
    let answer = Platform::open(url.into(), &mut info, Upcall::new(arrived, 0));
    Errno::check(answer).unwrap_or_else(|errno| panic!("{url}: {errno}"))
}

/// Takes what has arrived, and says how many frames that was.
fn take(link: u64) -> usize {
    thread_local! {
        static ROOMS: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; ROOM * BATCH]);
    }
    ROOMS.with_borrow_mut(|rooms| {
        let mut taken = 0;
        loop {
            let mut buffers: Vec<Segment<'_>> =
                rooms.chunks_mut(ROOM).map(Segment::empty).collect();
            let count = Platform::receive(link, buffers.as_mut_slice().into());
            assert!(buffers.iter().all(|buffer| buffer.len() <= ROOM));
            taken += count;
            if count < BATCH {
                return taken;
            }
        }
    })
}

/// Where things are in such a file: the layout of `rumpbus1`, as a neighbour has to know it.
mod layout {
    pub(super) const PLACES: u64 = 32;
    pub(super) const APART: u64 = 128;
    pub(super) const RING: u64 = 512 * 1024;
    pub(super) const STATES: u64 = 4096;
    pub(super) const PENDING: u64 = STATES + PLACES * APART;
    pub(super) const TAILS: u64 = PENDING + 2 * PLACES * APART;
    pub(super) const HEADS: u64 = TAILS + PLACES * PLACES * APART;
    pub(super) const RINGS: u64 = HEADS + PLACES * PLACES * APART;
}

/// A segment with one member, which has the first place.
struct Bus {
    file: File,
    link: u64,
}

impl Bus {
    fn open() -> Bus {
        // SAFETY: the name is a string, and the descriptor new.
        let file =
            unsafe { File::from_raw_fd(libc::memfd_create(c"bus".as_ptr(), libc::MFD_CLOEXEC)) };
        let link = open(&format!("bus:/proc/self/fd/{}", file.as_raw_fd()));
        Bus { file, link }
    }

    fn set(&self, at: u64, word: u32) {
        self.file.write_all_at(&word.to_ne_bytes(), at).unwrap();
    }

    fn get(&self, at: u64) -> u32 {
        let mut word = [0; 4];
        self.file.read_exact_at(&mut word, at).unwrap();
        u32::from_ne_bytes(word)
    }
}

/// A neighbour in the second place writes into the ring that leads to the first, and into its words.
pub(crate) fn bus(bytes: &[u8]) {
    use layout::*;
    thread_local! {
        static BUS: LazyCell<Bus> = const { LazyCell::new(Bus::open) };
    }
    BUS.with(|bus| {
        let mut bytes = Bytes(bytes);
        // The ring from the second member to the first.
        let (tail, head) = (TAILS + PLACES * APART, HEADS + PLACES * APART);
        let ring = RINGS + PLACES * RING;
        let mut end = bus.get(head);
        for _ in 0..16 {
            if bytes.is_empty() {
                break;
            }
            let form = bytes.byte();
            match form & 3 {
                // A frame with a header, which may lie.
                0 | 1 => {
                    let content = bytes.counted();
                    let len = match form & 4 {
                        0 => content.len() as u32,
                        _ => u32::from(bytes.short()) << (form >> 4),
                    };
                    let mut frame = len.to_ne_bytes().to_vec();
                    frame.extend([bytes.byte(), bytes.byte()]);
                    frame.resize(16, 0);
                    frame.extend(content);
                    frame.resize(frame.len().next_multiple_of(16), 0);
                    for (byte, position) in frame.iter().zip(0u32..) {
                        let at = u64::from(end.wrapping_add(position)) % RING;
                        bus.file.write_all_at(&[*byte], ring + at).unwrap();
                    }
                    end = end.wrapping_add(frame.len() as u32);
                    bus.set(tail, end);
                }
                // The end of what is written is somewhere.
                2 => {
                    let far = u32::from(bytes.short()) << (form >> 3 & 15);
                    bus.set(tail, end.wrapping_add(far));
                }
                // What the reader has written is changed.
                _ => bus.set(head, u32::from(bytes.short()) << (form >> 3 & 15)),
            }
            bus.set(PENDING, u32::from(bytes.byte()) | 2);
            assert!(take(bus.link) <= 512 * 1024 / 16);
        }
        // An honest neighbour's frame arrives, once all that is over.
        bus.set(tail, bus.get(head));
        bus.set(PENDING, u32::MAX);
        take(bus.link);
        let end = u64::from(bus.get(head)) & !15;
        bus.file
            .write_all_at(&[16, 0, 0, 0, 0, 0], ring + end % RING)
            .unwrap();
        bus.set(tail, end as u32 + 32);
        bus.set(PENDING, 2);
        assert_eq!(take(bus.link), 1);
    });
}

/// A link, and its other end. Each has a socket of its own: a link that has lost its peer calls again, even when
/// another waits for its first.
fn connect() -> (u64, UnixStream) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "rump-fuzz-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let path = std::env::temp_dir().join(name);
    let listener = UnixListener::bind(&path).unwrap();
    let link = open(&format!("unix:{}", path.display()));
    let (peer, _) = listener.accept().unwrap();
    std::fs::remove_file(path).unwrap();
    (link, peer)
}

/// The bytes come in pieces, some of them behind a length that is right.
pub(crate) fn stream(bytes: &[u8]) {
    let (link, mut peer) = connect();
    let mut bytes = Bytes(bytes);
    let mut framed = 0;
    let mut good = true;
    while !bytes.is_empty() {
        let form = bytes.byte();
        let content = bytes.counted();
        if form & 1 == 0 {
            framed += 1;
            let _ = peer.write_all(&(content.len() as u32).to_be_bytes());
        } else {
            good = false;
        }
        let _ = peer.write_all(content);
        if form & 2 == 0 {
            let taken = take(link);
            // What is behind its length arrives.
            assert!(!good || taken == std::mem::take(&mut framed));
        }
    }
    Platform::close(link);
}
