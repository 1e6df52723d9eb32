//! Attributes in FUSE's words.

use std::time::{Duration, SystemTime};

use fuser::{FileAttr, INodeNo, TimeOrNow};
use rump::Errno;
use rump::fs::{Device, FileType, Kind, Metadata, Stamp, Time};

fn moment(stamp: Stamp) -> SystemTime {
    let seconds = Duration::from_secs(stamp.seconds.unsigned_abs());
    let whole = match stamp.seconds < 0 {
        true => SystemTime::UNIX_EPOCH.checked_sub(seconds),
        false => SystemTime::UNIX_EPOCH.checked_add(seconds),
    };
    let moment =
        whole.and_then(|time| time.checked_add(Duration::from_nanos(stamp.nanoseconds.into())));
    moment.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A time that is to be set.
pub(super) fn time(time: TimeOrNow) -> Time {
    let time = match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    };
    let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (since.as_secs() as i64, since.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            match before.subsec_nanos() {
                0 => (-(before.as_secs() as i64), 0),
                part => (-(before.as_secs() as i64) - 1, 1_000_000_000 - part),
            }
        }
    };
    Time {
        seconds,
        nanoseconds,
    }
}

/// A kind of file; FUSE has no other.
pub(super) fn kind(kind: FileType) -> fuser::FileType {
    match kind {
        FileType::File | FileType::Other => fuser::FileType::RegularFile,
        FileType::Directory => fuser::FileType::Directory,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::Fifo => fuser::FileType::NamedPipe,
        FileType::Socket => fuser::FileType::Socket,
        FileType::CharacterDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
    }
}

/// What is to be made, by the bits of a mode and the number of a device as the host's kernel packs them.
pub(super) fn kind_of(mode: u32, device: u32) -> Result<Kind, Errno> {
    let device = Device {
        major: (device >> 8) & 0xfff,
        minor: (device & 0xff) | ((device >> 12) & 0xfff00),
    };
    match mode & 0o170_000 {
        0 => Ok(Kind::File),
        _ => Kind::of_bits(mode, device).map_err(|_| Errno::EINVAL),
    }
}

/// All that is known of an inode that FUSE calls `id`.
pub(super) fn attr(id: u64, metadata: &Metadata) -> FileAttr {
    let stat = metadata.stat();
    let (major, minor) = (rustix::fs::major(stat.unit), rustix::fs::minor(stat.unit));
    let changed = moment(stat.changed);
    FileAttr {
        ino: INodeNo(id),
        size: stat.size,
        blocks: stat.blocks,
        atime: moment(stat.accessed),
        mtime: moment(stat.modified),
        ctime: changed,
        crtime: changed,
        kind: kind(metadata.file_type()),
        perm: metadata.mode() as u16,
        nlink: stat.links,
        uid: stat.user,
        gid: stat.group,
        rdev: (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12),
        blksize: stat.block_size,
        flags: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_went() {
        for (seconds, nanoseconds) in [(0, 0), (-1, 999_999_999), (-5, 0), (1 << 33, 7)] {
            let stamp = Stamp {
                seconds,
                nanoseconds,
            };
            let back = time(TimeOrNow::SpecificTime(moment(stamp)));
            assert_eq!((back.seconds, back.nanoseconds), (seconds, nanoseconds));
        }
    }
}
