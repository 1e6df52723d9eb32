//! Rock Ridge (RRIP, IEEE P1282): what Unix knows of files, in fields behind their names.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Device, Kind, Time};

use crate::bytes::u32_at;
use crate::image::Image;
use crate::record::{long_time, time};
use crate::susp::{self, Field};

/// The longest name, and the longest that a symbolic link says: Linux's limits.
pub(crate) const LONGEST_NAME: usize = 255;
const LONGEST_TARGET: usize = 4096;

/// Flags of parts of names and links: the same part goes on; this directory, the one above, the root.
const GOES_ON: u8 = 1;
const CURRENT: u8 = 2;
const PARENT: u8 = 4;
const ROOT: u8 = 8;

/// The bit of the flags of times that says that they are long.
const LONG: u8 = 0x80;

/// What it says of a file.
#[derive(Default)]
pub(crate) struct RockRidge {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) posix: Option<Posix>,
    pub(crate) device: Option<Device>,
    pub(crate) target: Option<Vec<u8>>,
    /// The part of a link's target that goes on with the next one.
    part_goes_on: bool,
    pub(crate) created: Option<Time>,
    pub(crate) modified: Option<Time>,
    pub(crate) accessed: Option<Time>,
    pub(crate) changed: Option<Time>,
    /// It is a directory, which is at this block, since it would be too deep here.
    pub(crate) moved_to: Option<u32>,
    /// It is such a directory, and not meant to be seen where it is.
    pub(crate) moved: bool,
}

/// What `stat` says.
#[derive(Clone, Copy)]
pub(crate) struct Posix {
    pub(crate) mode: u32,
    pub(crate) links: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl RockRidge {
    /// What fields say. `EUCLEAN` if they go on where they cannot, or for ever.
    pub(crate) fn read(lwp: &Lwp<'_>, image: &Image, area: &[u8]) -> Result<RockRidge, Errno> {
        let mut found = RockRidge::default();
        susp::each(lwp, image, area, &mut |field| found.take(field))?;
        Ok(found)
    }

    /// Takes a field; one that is too short says nothing.
    fn take(&mut self, field: Field<'_>) -> Result<(), Errno> {
        let bytes = field.bytes;
        match &field.signature {
            b"NM" => self.take_name(bytes)?,
            b"SL" => self.take_target(bytes.get(1..).unwrap_or(&[]))?,
            b"TF" => self.take_times(bytes),
            b"PX" if bytes.len() >= 32 => {
                self.posix = Some(Posix {
                    mode: u32_at(bytes, 0),
                    links: u32_at(bytes, 8),
                    owner: u32_at(bytes, 16),
                    group: u32_at(bytes, 24),
                });
            }
            b"PN" if bytes.len() >= 16 => {
                self.device = Some(match (u32_at(bytes, 0), u32_at(bytes, 8)) {
                    // Both in one number, as of old.
                    (0, both) if both > 0xff => Device {
                        major: both >> 8,
                        minor: both & 0xff,
                    },
                    (major, minor) => Device { major, minor },
                });
            }
            b"CL" if bytes.len() >= 8 => self.moved_to = Some(u32_at(bytes, 0)),
            b"RE" => self.moved = true,
            _ => {}
        }
        Ok(())
    }

    fn take_name(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let Some((flags, part)) = bytes.split_first() else {
            return Ok(());
        };
        if flags & (CURRENT | PARENT) != 0 {
            return Ok(());
        }
        let name = self.name.get_or_insert_default();
        match name.len() + part.len() > LONGEST_NAME {
            true => Err(Errno::EUCLEAN),
            false => {
                name.extend(part);
                Ok(())
            }
        }
    }

    /// Takes parts of a link's target: flags, a length, and so many bytes each.
    fn take_target(&mut self, mut parts: &[u8]) -> Result<(), Errno> {
        let target = self.target.get_or_insert_default();
        while let [flags, len, rest @ ..] = parts {
            let (part, rest) = rest
                .split_at_checked(usize::from(*len))
                .ok_or(Errno::EUCLEAN)?;
            parts = rest;
            if !self.part_goes_on && target.last().is_some_and(|last| *last != b'/') {
                target.push(b'/');
            }
            self.part_goes_on = flags & GOES_ON != 0;
            target.extend(match flags & (CURRENT | PARENT | ROOT) {
                0 => part,
                CURRENT => b".",
                PARENT => b"..",
                ROOT => b"/",
                _ => return Err(Errno::EUCLEAN),
            });
            if target.len() > LONGEST_TARGET {
                return Err(Errno::EUCLEAN);
            }
        }
        Ok(())
    }

    /// Takes times, of which flags say which there are.
    fn take_times(&mut self, bytes: &[u8]) {
        let Some((flags, times)) = bytes.split_first() else {
            return;
        };
        type Read = fn(&[u8]) -> Time;
        let (len, read): (_, Read) = match flags & LONG {
            0 => (7, time),
            _ => (17, long_time),
        };
        let mut times = times.chunks_exact(len);
        let all = [
            &mut self.created,
            &mut self.modified,
            &mut self.accessed,
            &mut self.changed,
        ];
        for (bit, place) in all.into_iter().enumerate() {
            if flags & 1 << bit != 0 {
                *place = times.next().map(read);
            }
        }
    }

    /// What something is that ISO 9660 has for a file. `EUCLEAN` if it cannot be.
    pub(crate) fn kind_of_file(&self) -> Result<Kind, Errno> {
        let none = Device { major: 0, minor: 0 };
        let kind = match (&self.target, self.posix) {
            (Some(_), _) => return Ok(Kind::Symlink),
            (None, None) => return Ok(Kind::File),
            (None, Some(posix)) => Kind::of_bits(posix.mode, self.device.unwrap_or(none))?,
        };
        match kind {
            Kind::Directory | Kind::Symlink => Err(Errno::EUCLEAN),
            kind => Ok(kind),
        }
    }
}
