//! The host's words for files, and the faction's.

use base::Errno;
use hypercall::{HostChanges, HostFile, HostTime};
use vfs::{Attributes, Changes, Device, Ino, Kind, Time};

/// Which unit a node of a device is for: the host's numbers mean nothing here, and these mean no unit.
const NO_DEVICE: Device = Device { major: 0, minor: 0 };

/// Bytes of an entry before its name.
const ENTRY: usize = 24;

fn time(time: HostTime) -> Time {
    Time {
        seconds: time.seconds,
        nanoseconds: time.nanoseconds.min(999_999_999),
    }
}

fn host_time(time: Time) -> HostTime {
    HostTime {
        seconds: time.seconds,
        nanoseconds: time.nanoseconds,
    }
}

/// What bits of a mode say of a file's kind.
pub(crate) fn kind(mode: u32) -> Result<Kind, Errno> {
    Kind::of_bits(mode, NO_DEVICE)
}

/// Attributes of the inode `number`.
pub(crate) fn attributes(number: Ino, file: &HostFile) -> Result<Attributes, Errno> {
    let created = time(file.created);
    Ok(Attributes {
        number,
        kind: kind(file.mode)?,
        mode: file.mode & 0o7777,
        links: file.links,
        owner: file.owner,
        group: file.group,
        size: file.size,
        space: file.space,
        accessed: time(file.accessed),
        modified: time(file.modified),
        changed: time(file.changed),
        created: (created != Time::default()).then_some(created),
    })
}

/// What the host is to change. Of a file that gets another size it knows when that was.
pub(crate) fn changes(changes: &Changes) -> HostChanges {
    let modified = changes.modified.filter(|_| changes.size.is_none());
    let has = |which, there: bool| if there { which } else { 0 };
    HostChanges {
        which: has(HostChanges::MODE, changes.mode.is_some())
            | has(HostChanges::OWNER, changes.owner.is_some())
            | has(HostChanges::GROUP, changes.group.is_some())
            | has(HostChanges::SIZE, changes.size.is_some())
            | has(HostChanges::ACCESSED, changes.accessed.is_some())
            | has(HostChanges::MODIFIED, modified.is_some()),
        mode: changes.mode.unwrap_or(0),
        owner: changes.owner.unwrap_or(0),
        group: changes.group.unwrap_or(0),
        size: changes.size.unwrap_or(0),
        accessed: changes.accessed.map(host_time).unwrap_or_default(),
        modified: modified.map(host_time).unwrap_or_default(),
    }
}

/// An entry as the host gives it.
pub(crate) struct HostEntry<'a> {
    pub(crate) number: u64,
    pub(crate) next: u64,
    pub(crate) kind: Option<Kind>,
    pub(crate) name: &'a [u8],
}

/// The first entry, and the rest. Nothing where there is none, or none that makes sense.
pub(crate) fn entry(bytes: &[u8]) -> Option<(HostEntry<'_>, &[u8])> {
    let word = |at| Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let half = |at| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
    let len = half(20)? as usize;
    let entry = HostEntry {
        number: word(0)?,
        next: word(8)?,
        kind: kind(half(16)?).ok(),
        name: bytes.get(ENTRY..)?.get(..len)?,
    };
    let padded = len.checked_next_multiple_of(8)?;
    Some((entry, bytes.get(ENTRY..)?.get(padded..)?))
}
