//! Segments in files, and files that lie.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use hypercall::{Errno, Offload, Segment};

use super::super::tests::{
    Member, frames_go_where_they_belong, long_segments_stay_whole,
    one_that_does_not_take_its_frames_holds_nobody_up,
};
use super::region::{PLACES, RING, Region};
use super::ring::{Reader, Writer};

const ALL: [u8; 6] = [0xff; 6];

/// A path for a segment of the test's own.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let folder = match std::path::Path::new("/dev/shm") {
            folder if folder.is_dir() => folder.to_owned(),
            _ => std::env::temp_dir(),
        };
        Place(folder.join(format!("rump-bus-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn url(&self) -> String {
        format!("bus:{}", self.path())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn in_a_file_frames_go_where_they_belong() {
    let _alone = crate::work::tests::alone();
    frames_go_where_they_belong(&Place::new("where").url());
}

#[test]
fn in_a_file_long_segments_stay_whole() {
    let _alone = crate::work::tests::alone();
    long_segments_stay_whole(&Place::new("whole").url());
}

#[test]
fn in_a_file_one_that_does_not_take_its_frames_holds_nobody_up() {
    let _alone = crate::work::tests::alone();
    one_that_does_not_take_its_frames_holds_nobody_up(&Place::new("slow").url());
}

#[test]
fn a_file_in_memory_is_a_segment_that_nobody_can_cut_off() {
    let _alone = crate::work::tests::alone();
    // SAFETY: the name is a string, and the descriptor new.
    let file = unsafe {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        let fd = libc::memfd_create(c"bus".as_ptr(), flags);
        assert!(fd >= 0);
        File::from_raw_fd(fd)
    };
    let url = format!("bus:/proc/self/fd/{}", file.as_raw_fd());
    frames_go_where_they_belong(&url);
    assert!(file.set_len(1).is_err());
}

#[test]
fn there_are_so_many_places_and_they_are_given_again() {
    let _alone = crate::work::tests::alone();
    let place = Place::new("places");
    let url = place.url();
    let mut members: Vec<Member> = (0..PLACES).map(|n| Member::open(&url, n as u8)).collect();
    assert_eq!(Member::try_open(&url, 99).err(), Some(Errno::ENOSPC));
    assert_eq!(members[5].send(ALL, &[b"to all of you"]), 1);
    for (n, member) in members.iter().enumerate() {
        if n != 5 {
            assert_eq!(member.expect(1), [b"to all of you"]);
        }
    }
    members.truncate(1);
    // The thread of one that left holds its place until it has noticed.
    while let Err(errno) = Member::try_open(&url, 1) {
        assert_eq!(errno, Errno::ENOSPC);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn one_that_died_is_noticed_and_its_place_taken_without_what_was_left() {
    let place = Place::new("died");
    let (alive, dead) = (
        Region::open(place.path()).unwrap(),
        Region::open(place.path()).unwrap(),
    );
    assert_eq!((alive.claim(), dead.claim()), (Ok(0), Ok(1)));
    let who = alive.present(1).unwrap();
    alive.bury(1);
    assert_eq!(alive.present(1), Some(who));
    let mut writer = Writer::new(&alive, 0, 1);
    assert!(put(&mut writer, &alive, b"not any more"));
    // Its lock goes with it, and nothing else.
    drop(dead);
    assert_eq!(alive.present(1), Some(who));
    alive.bury(1);
    assert_eq!(alive.present(1), None);
    let new = Region::open(place.path()).unwrap();
    assert_eq!(new.claim(), Ok(1));
    assert!(alive.present(1).is_some_and(|now| now != who));
    let mut reader = Reader::new(&new, 0, 1);
    assert_eq!(take(&mut reader, &new), None);
    assert!(put(&mut writer, &alive, b"for the new one"));
    assert_eq!(
        take(&mut reader, &new).as_deref(),
        Some(&b"for the new one"[..])
    );
}

fn put(writer: &mut Writer, region: &Region, content: &[u8]) -> bool {
    let mut content = content.to_vec();
    writer.put(region, (0, 1), &Segment::full(&mut content))
}

fn take(reader: &mut Reader, region: &Region) -> Option<Vec<u8>> {
    let mut room = [0; 2000];
    let mut buffer = Segment::empty(&mut room);
    let taken = reader.take(region, (0, 1), &mut buffer);
    taken.then(|| buffer.as_slice().to_vec())
}

#[test]
fn frames_wrap_around_and_none_is_lost_or_changed() {
    let place = Place::new("wrap");
    let region = Region::open(place.path()).unwrap();
    let (mut writer, mut reader) = (Writer::new(&region, 0, 1), Reader::new(&region, 0, 1));
    let content = |n: usize| vec![n as u8; n * 7919 % 1999 + 1];
    let (mut sent, mut received) = (0, 0);
    while received < 5000 {
        while put(&mut writer, &region, &content(sent)) {
            sent += 1;
        }
        for _ in 0..150 {
            assert_eq!(take(&mut reader, &region), Some(content(received)));
            received += 1;
        }
    }
    assert!(sent - received > RING / 2100);
}

#[test]
fn whatever_stands_in_the_file_is_survived() {
    let place = Place::new("hostile");
    let region = Region::open(place.path()).unwrap();
    let (mut writer, mut reader) = (Writer::new(&region, 0, 1), Reader::new(&region, 0, 1));
    // A simple generator: what it gives is always the same.
    let mut state = 1u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let mut seen = [0; 2];
    for _ in 0..20_000 {
        match random() % 6 {
            0 => region.tail(0, 1).store(random(), Ordering::Relaxed),
            1 => region.head(0, 1).store(random(), Ordering::Relaxed),
            2 => region.tail(0, 1).store(
                region
                    .head(0, 1)
                    .load(Ordering::Relaxed)
                    .wrapping_add(random() % 4096),
                Ordering::Relaxed,
            ),
            3 => {
                let words: Vec<u8> = (0..64).flat_map(|_| random().to_ne_bytes()).collect();
                region.write(0, 1, random() & !15, &words);
            }
            4 => seen[0] += usize::from(put(&mut writer, &region, &[7; 700])),
            _ => seen[1] += usize::from(take(&mut reader, &region).is_some()),
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    // Left alone, they agree again.
    let mut agreed = false;
    for _ in 0..3 {
        while take(&mut reader, &region).is_some() {}
        put(&mut writer, &region, b"sane again");
        agreed |= take(&mut reader, &region).as_deref() == Some(b"sane again");
    }
    assert!(agreed);
}

#[test]
fn an_offload_goes_with_its_frame() {
    let place = Place::new("offload");
    let region = Region::open(place.path()).unwrap();
    let (mut writer, mut reader) = (Writer::new(&region, 0, 1), Reader::new(&region, 0, 1));
    let offload = Offload {
        flags: 1,
        segment_kind: 4,
        header_len: 74,
        segment_size: 1428,
        checksum_start: 54,
        checksum_offset: 16,
    };
    let mut content = [3; 1500];
    let mut frame = Segment::full(&mut content);
    frame.set_offload(offload);
    assert!(writer.put(&region, (0, 1), &frame));
    let mut room = [0; 2000];
    let mut buffer = Segment::empty(&mut room);
    assert!(reader.take(&region, (0, 1), &mut buffer));
    assert_eq!((buffer.len(), buffer.offload()), (1500, offload));
}

#[test]
fn refuses_what_is_no_segment() {
    let refused = |place: &Place| Region::open(place.path()).err();
    let place = Place::new("other");
    std::fs::write(&place.0, "a letter").unwrap();
    assert_eq!(refused(&place), Some(Errno::EINVAL));
    assert_eq!(std::fs::read(&place.0).unwrap(), b"a letter");
    // Of the right size, but something else.
    drop(std::fs::remove_file(&place.0));
    drop(Region::open(place.path()).unwrap());
    let file = OpenOptions::new().write(true).open(&place.0).unwrap();
    file.write_at(b"elsewise", 0).unwrap();
    assert_eq!(refused(&place), Some(Errno::EINVAL));
    let open = |url| Member::try_open(url, 1).err();
    assert_eq!(open("bus:/dev/null"), Some(Errno::EINVAL));
    assert_eq!(open("bus:/nowhere/at/all"), Some(Errno::ENOENT));
}
