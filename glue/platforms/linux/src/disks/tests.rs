//! Disks that are files, as a kernel has them.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hypercall::{Block, DiskInfo, DiskNews, Errno, Upcall, Work};

use crate::Platform;

/// With a ring, if the system gives one, and without.
const WAYS: [bool; 2] = [true, false];

extern "C-unwind" fn tell(cookie: usize) {
    // SAFETY: the address of the sender in `Disk`, which outlives what is open.
    let sender: &Sender<()> = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    let _ = sender.send(());
}

/// A file of its own for a test, gone with it.
struct Image(PathBuf);

impl Image {
    fn new(size: u64) -> Image {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!("rump-disk-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path).unwrap().set_len(size).unwrap();
        Image(path)
    }
}

/// Has the system forget a part of a file that is on the disk, as far as its file system can.
fn forget(file: &File, offset: i64, len: i64) {
    let fd = std::os::fd::AsRawFd::as_raw_fd(file);
    // SAFETY: the call takes numbers only.
    unsafe { libc::posix_fadvise(fd, offset, len, libc::POSIX_FADV_DONTNEED) };
}

/// An image of a MiB that is not cached, and what is in it.
fn uncached() -> (Image, Vec<u8>) {
    let image = Image::new(0);
    let bytes: Vec<u8> = (0..1 << 20).map(|at| (at / 512 % 253) as u8).collect();
    std::fs::write(&image.0, &bytes).unwrap();
    let file = File::open(&image.0).unwrap();
    file.sync_all().unwrap();
    forget(&file, 0, 0);
    (image, bytes)
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

struct Disk {
    handle: u64,
    info: DiskInfo,
    ended: Receiver<()>,
    _sender: Box<Sender<()>>,
}

impl Disk {
    fn open(path: &Path, flags: u32, has_ring: bool) -> Result<Disk, Errno> {
        let (sender, ended) = channel();
        let sender = Box::new(sender);
        let cookie = (&raw const *sender).expose_provenance();
        let mut info = DiskInfo::default();
        let name = path.to_str().unwrap().as_bytes();
        let handle = super::open(name, flags, &mut info, Upcall::new(tell, cookie), has_ring)?;
        Ok(Disk {
            handle,
            info,
            ended,
            _sender: sender,
        })
    }

    /// What came of an operation, now or later.
    fn end(&self, number: u64, answer: i64) -> Result<(), Errno> {
        match Errno::check(answer)? {
            0 => return Ok(()),
            1 => {}
            other => panic!("an answer of {other}"),
        }
        self.ended.recv_timeout(Duration::from_secs(60)).unwrap();
        let mut news = DiskNews::default();
        assert_eq!(Platform::news(self.handle, &mut news), 1);
        assert_eq!(news.operations[0], number);
        Errno::check(news.results[0]).map(drop)
    }

    /// Begins to read pieces of a size, numbered from zero: how many are under way.
    fn begin_reads(&self, bytes: &mut [u8], size: usize) -> usize {
        let pieces = bytes.chunks_mut(size).enumerate();
        let answers = pieces.map(|(number, piece)| {
            let address = piece.as_mut_ptr().expose_provenance();
            let offset = (number * size) as u64;
            Platform::read(self.handle, number as u64, offset, address, size)
        });
        let under_way = |answer| Errno::check(answer).expect("it is begun") as usize;
        answers.map(under_way).sum()
    }

    /// Waits until so many operations have ended, all of them well.
    fn await_all(&self, mut under_way: usize) {
        while under_way > 0 {
            self.ended.recv_timeout(Duration::from_secs(60)).unwrap();
            let mut news = DiskNews::default();
            let count = Platform::news(self.handle, &mut news);
            assert_eq!(news.results[..count], [0; 32][..count]);
            under_way -= count;
        }
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        let address = bytes.as_mut_ptr().expose_provenance();
        self.end(
            7,
            Platform::read(self.handle, 7, offset, address, bytes.len()),
        )
    }

    fn write(&self, offset: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        let address = bytes.as_mut_ptr().expose_provenance();
        self.end(
            8,
            Platform::write(self.handle, 8, offset, address, bytes.len()),
        )
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Platform::close(self.handle);
    }
}

#[test]
fn what_is_written_is_in_the_file_and_what_is_discarded_takes_no_room() {
    for has_ring in WAYS {
        let image = Image::new(1 << 20);
        let disk = Disk::open(&image.0, 0, has_ring).unwrap();
        let expected = DiskInfo {
            size: 1 << 20,
            block_size: 512,
            flags: DiskInfo::DISCARDS,
        };
        assert_eq!(disk.info, expected);
        let mut bytes = vec![7; 1 << 19];
        disk.write(4096, &mut bytes).unwrap();
        disk.end(9, Platform::flush(disk.handle, 9)).unwrap();
        let mut back = vec![0; 1 << 19];
        let file = File::open(&image.0).unwrap();
        file.read_exact_at(&mut back, 4096).unwrap();
        assert!(back == bytes);
        back.fill(0);
        disk.read(4096, &mut back).unwrap();
        assert!(back == bytes);
        let before = file.metadata().unwrap().blocks();
        disk.end(3, Platform::discard(disk.handle, 3, 1 << 16, 1 << 18))
            .unwrap();
        let after = file.metadata().unwrap().blocks();
        assert_eq!(before - after, (1 << 18) / 512);
        disk.read(1 << 16, &mut back[..512]).unwrap();
        assert_eq!(back[..512], [0; 512]);
    }
}

#[test]
fn what_is_not_cached_is_read_as_well() {
    for has_ring in WAYS {
        let image = Image::new(0);
        let mut bytes: Vec<u8> = (0..1 << 20).map(|at| (at / 512 % 253) as u8).collect();
        std::fs::write(&image.0, &bytes).unwrap();
        let disk = Disk::open(&image.0, DiskInfo::READ_ONLY, has_ring).unwrap();
        assert_eq!(disk.info.flags, DiskInfo::READ_ONLY);
        let file = File::open(&image.0).unwrap();
        file.sync_all().unwrap();
        // Every second part of it is forgotten, as far as the file system can.
        for part in (0..8).step_by(2) {
            forget(&file, part << 17, 1 << 17);
        }
        let mut back = vec![0; 1 << 20];
        disk.read(0, &mut back).unwrap();
        assert!(back == bytes);
        assert_eq!(disk.write(0, &mut bytes), Err(Errno::EBADF));
    }
}

#[test]
fn one_writes_or_several_read() {
    for has_ring in WAYS {
        let image = Image::new(4096);
        let writes = Disk::open(&image.0, 0, has_ring).unwrap();
        for flags in [0, DiskInfo::READ_ONLY] {
            let other = Disk::open(&image.0, flags, has_ring);
            assert_eq!(other.err(), Some(Errno::EBUSY));
        }
        drop(writes);
        let _reads = Disk::open(&image.0, DiskInfo::READ_ONLY, has_ring).unwrap();
        let _too = Disk::open(&image.0, DiskInfo::READ_ONLY, has_ring).unwrap();
        assert_eq!(Disk::open(&image.0, 0, has_ring).err(), Some(Errno::EBUSY));
    }
}

#[test]
fn what_is_no_disk_is_refused() {
    for has_ring in WAYS {
        let open = |path: &str, flags| Disk::open(Path::new(path), flags, has_ring).err();
        assert_eq!(open("/nonexistent", 0), Some(Errno::ENOENT));
        assert_eq!(open("/dev/null", 0), Some(Errno::EINVAL));
        assert_eq!(open("/", DiskInfo::READ_ONLY), Some(Errno::EINVAL));
        assert_eq!(Platform::flush(1 << 60, 0), Errno::EBADF.to_answer());
    }
}

#[test]
fn a_file_cut_short_by_others_is_an_error() {
    for has_ring in WAYS {
        let image = Image::new(1 << 16);
        let disk = Disk::open(&image.0, 0, has_ring).unwrap();
        let file = File::options().write(true).open(&image.0).unwrap();
        file.set_len(512).unwrap();
        let mut bytes = [0; 1024];
        assert_eq!(disk.read(0, &mut bytes), Err(Errno::EIO));
    }
}

#[test]
fn closing_waits_for_what_is_under_way() {
    for has_ring in WAYS {
        let image = Image::new(1 << 24);
        for _ in 0..20 {
            let disk = Disk::open(&image.0, 0, has_ring).unwrap();
            let mut bytes = vec![1; 1 << 20];
            let address = bytes.as_mut_ptr().expose_provenance();
            for number in 0..16 {
                let offset = number << 20;
                let answer = Platform::write(disk.handle, number, offset, address, bytes.len());
                assert!(answer >= 0, "{answer}");
                assert_eq!(Platform::flush(disk.handle, 100 + number), 1);
            }
            let handle = disk.handle;
            drop(disk);
            assert_eq!(Platform::flush(handle, 0), Errno::EBADF.to_answer());
        }
    }
}

#[test]
fn more_reads_wait_than_a_ring_has_room_for() {
    for has_ring in WAYS {
        let (image, bytes) = uncached();
        let disk = Disk::open(&image.0, DiskInfo::READ_ONLY, has_ring).unwrap();
        let mut back = vec![0; bytes.len()];
        let under_way = disk.begin_reads(&mut back, 4096);
        disk.await_all(under_way);
        assert!(back == bytes);
    }
}

#[test]
fn closing_waits_for_reads_that_are_under_way() {
    for has_ring in WAYS {
        for _ in 0..5 {
            let (image, bytes) = uncached();
            let disk = Disk::open(&image.0, DiskInfo::READ_ONLY, has_ring).unwrap();
            let mut back = vec![0; bytes.len()];
            disk.begin_reads(&mut back, 4096);
            drop(disk);
            assert!(back == bytes);
        }
    }
}

/// What deferred work needs to close a disk.
struct Closer {
    disk: AtomicU64,
    work: AtomicU64,
    closed: Sender<()>,
}

extern "C-unwind" fn ask_to_close(cookie: usize) {
    // SAFETY: the address of a `Closer` that outlives what is open.
    let closer: &Closer = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    Platform::request(closer.work.load(Relaxed), 0);
}

extern "C-unwind" fn close(cookie: usize) {
    // SAFETY: as above.
    let closer: &Closer = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    Platform::close(closer.disk.load(Relaxed));
    let _ = closer.closed.send(());
}

/// As a kernel does that dies in its deferred work.
#[test]
fn whoever_brings_the_first_end_may_close_the_disk() {
    let _alone = crate::work::tests::alone();
    for has_ring in WAYS {
        let (image, bytes) = uncached();
        let (sender, closed) = channel();
        let closer = Closer {
            disk: AtomicU64::new(0),
            work: AtomicU64::new(0),
            closed: sender,
        };
        let cookie = (&raw const closer).expose_provenance();
        let work = Platform::attach(Upcall::new(close, cookie));
        closer.work.store(work, Relaxed);
        let name = image.0.to_str().unwrap().as_bytes();
        let ended = Upcall::new(ask_to_close, cookie);
        let mut info = DiskInfo::default();
        let handle = super::open(name, DiskInfo::READ_ONLY, &mut info, ended, has_ring).unwrap();
        closer.disk.store(handle, Relaxed);
        let mut back = vec![0; bytes.len()];
        for (number, piece) in back.chunks_mut(4096).enumerate() {
            let address = piece.as_mut_ptr().expose_provenance();
            // Once it is closed no more is begun.
            Platform::read(handle, number as u64, number as u64 * 4096, address, 4096);
        }
        let first = closed.recv_timeout(Duration::from_secs(60));
        first.expect("it is closed");
        Platform::detach(work);
    }
}
