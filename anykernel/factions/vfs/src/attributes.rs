//! What is known of an inode beside its contents.

use base::Errno;
use syscall::consts::*;

use crate::Ino;

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    File,
    /// Names of others.
    Directory,
    /// A path to go on with.
    Symlink,
    /// A pipe with a name.
    Fifo,
    /// A socket's name.
    Socket,
    /// A character unit.
    Character(Device),
    /// A block unit.
    Block(Device),
}

/// Which unit a node of a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Which kind.
    pub major: u32,
    /// Which of them.
    pub minor: u32,
}

impl Device {
    /// Both in one, as C's `makedev` has it.
    pub fn number(self) -> u64 {
        let (major, minor) = (u64::from(self.major), u64::from(self.minor));
        (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12 | (major & !0xfff) << 32
    }

    /// What C's `major` and `minor` make of it.
    pub fn of_number(number: u64) -> Device {
        Device {
            major: ((number >> 8 & 0xfff) | (number >> 32 & !0xfff)) as u32,
            minor: ((number & 0xff) | (number >> 12 & !0xff)) as u32,
        }
    }
}

impl Kind {
    /// The bits of `st_mode` that say so.
    pub fn bits(self) -> u32 {
        match self {
            Kind::File => S_IFREG,
            Kind::Directory => S_IFDIR,
            Kind::Symlink => S_IFLNK,
            Kind::Fifo => S_IFIFO,
            Kind::Socket => S_IFSOCK,
            Kind::Character(_) => S_IFCHR,
            Kind::Block(_) => S_IFBLK,
        }
    }

    /// What bits of `st_mode` say, where a node of a device is for `device`. `EUCLEAN` if they say nothing.
    pub fn of_bits(mode: u32, device: Device) -> Result<Kind, Errno> {
        match mode & S_IFMT {
            S_IFREG => Ok(Kind::File),
            S_IFDIR => Ok(Kind::Directory),
            S_IFLNK => Ok(Kind::Symlink),
            S_IFIFO => Ok(Kind::Fifo),
            S_IFSOCK => Ok(Kind::Socket),
            S_IFCHR => Ok(Kind::Character(device)),
            S_IFBLK => Ok(Kind::Block(device)),
            _ => Err(Errno::EUCLEAN),
        }
    }

    /// The unit, of a node of a device.
    pub fn device(self) -> Option<Device> {
        match self {
            Kind::Character(device) | Kind::Block(device) => Some(device),
            _ => None,
        }
    }
}

/// A moment: seconds since 1970-01-01T00:00Z, without leap seconds, and nanoseconds of the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds; before 1970 they are negative.
    pub seconds: i64,
    /// Nanoseconds, fewer than 1,000,000,000.
    pub nanoseconds: u32,
}

impl Time {
    /// By the host's clock.
    pub fn now() -> Time {
        let wall = hypercall::clock::wall();
        Time {
            seconds: (wall / 1_000_000_000) as i64,
            nanoseconds: (wall % 1_000_000_000) as u32,
        }
    }
}

/// All that is known of an inode beside its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its number.
    pub number: Ino,
    /// What it is.
    pub kind: Kind,
    /// Permissions, with set-user-id, set-group-id and the sticky bit: `0o7777`.
    pub mode: u32,
    /// How many names it has; of directories also how many are in it, or one where nobody counts.
    pub links: u32,
    /// Who owns it.
    pub owner: u32,
    /// Which group does.
    pub group: u32,
    /// Bytes. Of a symbolic link, those of what it says.
    pub size: u64,
    /// Bytes it takes on its medium.
    pub space: u64,
    /// When it was last read, as far as somebody notes that.
    pub accessed: Time,
    /// When its contents last changed.
    pub modified: Time,
    /// When anything of it last changed.
    pub changed: Time,
    /// When it was made, if anybody knows.
    pub created: Option<Time>,
}

/// What is to change; all others stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Permissions.
    pub mode: Option<u32>,
    /// Who owns it.
    pub owner: Option<u32>,
    /// Which group does.
    pub group: Option<u32>,
    /// Bytes.
    pub size: Option<u64>,
    /// When it was last read.
    pub accessed: Option<Time>,
    /// When its contents last changed.
    pub modified: Option<Time>,
    /// When anything of it last changed.
    pub changed: Option<Time>,
}

impl Changes {
    /// Makes them.
    pub fn apply(&self, attributes: &mut Attributes) {
        fn put<T: Copy>(place: &mut T, value: Option<T>) {
            *place = value.unwrap_or(*place);
        }
        put(&mut attributes.mode, self.mode);
        put(&mut attributes.owner, self.owner);
        put(&mut attributes.group, self.group);
        put(&mut attributes.size, self.size);
        put(&mut attributes.accessed, self.accessed);
        put(&mut attributes.modified, self.modified);
        put(&mut attributes.changed, self.changed);
    }
}

/// An inode to be made.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// What it is.
    pub kind: Kind,
    /// What a symbolic link says; empty for all others.
    pub target: &'a [u8],
    /// Permissions, as `Attributes::mode`.
    pub mode: u32,
    /// Who owns it.
    pub owner: u32,
    /// Which group does.
    pub group: u32,
    /// When.
    pub time: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_units_are_those_of_c() {
        let device = Device {
            major: 0x12345,
            minor: 0x6789a,
        };
        assert_eq!(device.number(), 0x120006783459a);
        assert_eq!(Device::of_number(device.number()), device);
        assert_eq!(Device { major: 1, minor: 3 }.number(), 0x103);
    }
}
