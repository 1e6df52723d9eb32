//! Units by name and number, and the directory they are in.

use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, Lwp};
use dev::Dev;
use vfs::{
    Attributes, Changes, Device, Entry, FileSystem, Ino, Kind, Place, Properties, Storage, Time,
    Usage,
};

const ROOT: Ino = 1;

/// The number of the first unit.
const FIRST: Ino = 2;

/// Majors as Linux has them for units that get their numbers as they come.
const BLOCK: u32 = 259;
const CHARACTER: u32 = 240;

/// Units with numbers that programs know: major 1, and these minors.
const KNOWN: [(&str, u32); 4] = [("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)];

/// `DEVFS_SUPER_MAGIC`.
const MAGIC: u32 = 0x1373;

/// What units are read and written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Block,
    Character,
}

/// A node: what somebody changed of it, or what all begin with.
#[derive(Clone, Copy)]
struct Looks {
    mode: u32,
    owner: u32,
    group: u32,
    time: Time,
}

struct Node {
    class: Class,
    name: String,
    /// The block unit: another one that comes by the same name has a number of its own, since it holds something else.
    unit: Weak<dev::Block>,
    looks: Looks,
}

/// All units there ever were: each keeps its number, which is no other's.
pub(crate) struct Nodes {
    dev: Arc<Dev>,
    nodes: Leaf<Vec<Node>>,
    began: Time,
}

impl Nodes {
    pub(crate) fn new(dev: Arc<Dev>) -> Self {
        Nodes {
            dev,
            nodes: Leaf::new(Vec::new()),
            began: Time::now(),
        }
    }

    pub(crate) fn dev(&self) -> &Dev {
        &self.dev
    }

    /// The number of a unit.
    pub(crate) fn number(&self, class: Class, name: &str) -> Ino {
        let unit = match class {
            Class::Block => self.dev.block(name).ok(),
            Class::Character => None,
        };
        let unit = unit.as_ref().map_or_else(Weak::new, Arc::downgrade);
        self.nodes.with(|nodes| {
            let known = nodes.iter().position(|node| {
                node.class == class && node.name == name && node.unit.ptr_eq(&unit)
            });
            let at = known.unwrap_or_else(|| {
                nodes.push(Node {
                    class,
                    name: name.into(),
                    unit,
                    looks: Looks {
                        mode: match class {
                            Class::Block => 0o660,
                            Class::Character => 0o666,
                        },
                        owner: 0,
                        group: 0,
                        time: Time::now(),
                    },
                });
                nodes.len() - 1
            });
            FIRST + at as Ino
        })
    }

    fn with<R>(&self, number: Ino, f: impl FnOnce(&mut Node) -> R) -> Result<R, Errno> {
        self.nodes.with(|nodes| {
            let at = number.checked_sub(FIRST).ok_or(Errno::ESTALE)?;
            let node = nodes.get_mut(at as usize).ok_or(Errno::ESTALE)?;
            Ok(f(node))
        })
    }

    /// The block unit of a number. `ENXIO` if it is gone.
    pub(crate) fn block(&self, number: Ino) -> Result<Arc<dev::Block>, Errno> {
        let (name, unit) = self.with(number, |node| (node.name.clone(), node.unit.clone()))?;
        let there = self.dev.block(&name)?;
        match unit.ptr_eq(&Arc::downgrade(&there)) {
            true => Ok(there),
            false => Err(Errno::ENXIO),
        }
    }

    /// Which unit a device's numbers mean.
    pub(crate) fn unit(&self, device: Device) -> Option<(Class, String)> {
        if device.major == 1 {
            let known = KNOWN.iter().find(|(_, minor)| *minor == device.minor);
            return known.map(|(name, _)| (Class::Character, (*name).into()));
        }
        let class = match device.major {
            BLOCK => Class::Block,
            CHARACTER => Class::Character,
            _ => return None,
        };
        let number = FIRST + Ino::from(device.minor);
        let found = self.with(number, |node| (node.class, node.name.clone()));
        found.ok().filter(|(found, _)| {
            *found == class && (class == Class::Character || self.block(number).is_ok())
        })
    }

    pub(crate) fn kind(&self, class: Class, name: &str) -> Kind {
        let minor = (self.number(class, name) - FIRST) as u32;
        let known = KNOWN.iter().find(|(known, _)| *known == name);
        match (class, known) {
            (Class::Block, _) => Kind::Block(Device {
                major: BLOCK,
                minor,
            }),
            (Class::Character, Some((_, minor))) => Kind::Character(Device {
                major: 1,
                minor: *minor,
            }),
            (Class::Character, None) => Kind::Character(Device {
                major: CHARACTER,
                minor,
            }),
        }
    }

    /// The units there are now.
    fn units(&self) -> impl Iterator<Item = (Class, String)> {
        let blocks = self.dev.block_names().into_iter();
        let characters = self.dev.character_names().into_iter();
        blocks
            .map(|name| (Class::Block, name))
            .chain(characters.map(|name| (Class::Character, name)))
    }
}

/// The file system.
pub(crate) struct Directory(pub(crate) Arc<Nodes>);

impl FileSystem for Directory {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Nowhere,
            read_only: false,
            largest_file: i64::MAX as u64,
            longest_name: 255,
            folds_case: false,
        }
    }

    fn remembers_names(&self) -> bool {
        false
    }

    fn root(&self) -> Ino {
        ROOT
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        Ok(Usage {
            block_size: 4096,
            ..Usage::default()
        })
    }

    fn lookup(&self, _lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let found = self
            .0
            .units()
            .find(|(_, name)| name.as_bytes() == place.name);
        let (class, name) = found.ok_or(Errno::ENOENT)?;
        Ok(self.0.number(class, &name))
    }

    fn attributes(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let (kind, looks, links) = match inode {
            ROOT => {
                let looks = Looks {
                    mode: 0o755,
                    owner: 0,
                    group: 0,
                    time: self.0.began,
                };
                (Kind::Directory, looks, 2)
            }
            _ => {
                let (class, name, looks) = self
                    .0
                    .with(inode, |node| (node.class, node.name.clone(), node.looks))?;
                (self.0.kind(class, &name), looks, 1)
            }
        };
        Ok(Attributes {
            number: inode,
            kind,
            mode: looks.mode,
            links,
            owner: looks.owner,
            group: looks.group,
            size: 0,
            space: 0,
            accessed: looks.time,
            modified: looks.time,
            changed: looks.time,
            created: Some(looks.time),
        })
    }

    fn entries(
        &self,
        _lwp: &Lwp<'_>,
        _directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let mut all: Vec<(Ino, Class, String)> = self
            .0
            .units()
            .map(|(class, name)| (self.0.number(class, &name), class, name))
            .collect();
        // Numbers stay, whatever comes and goes meanwhile.
        all.sort_unstable_by_key(|(number, ..)| *number);
        for (number, class, name) in all.iter().filter(|(number, ..)| *number > from) {
            let entry = Entry {
                name: name.as_bytes(),
                number: *number,
                kind: Some(self.0.kind(*class, name)),
                next: *number,
            };
            if !each(entry) {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, _: &Lwp<'_>, _: Ino, _: u64, _: &mut [u8]) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    fn read_link(&self, _lwp: &Lwp<'_>, _link: Ino) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }

    fn change(&self, _lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        if inode == ROOT {
            return Err(Errno::EPERM);
        }
        self.0.with(inode, |node| {
            let looks = &mut node.looks;
            looks.mode = changes.mode.unwrap_or(looks.mode);
            looks.owner = changes.owner.unwrap_or(looks.owner);
            looks.group = changes.group.unwrap_or(looks.group);
            looks.time = changes.modified.unwrap_or(looks.time);
        })
    }

    fn create(
        &self,
        _lwp: &Lwp<'_>,
        _place: Place<'_>,
        _new: &vfs::Creation<'_>,
    ) -> Result<Ino, Errno> {
        Err(Errno::EPERM)
    }

    fn remove(&self, _lwp: &Lwp<'_>, _place: Place<'_>, _inode: Ino) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }
}
