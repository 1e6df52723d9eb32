//! Paths: from where a process stands to a vnode.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};

use crate::rights::Access;
use crate::{Credentials, Kind, Mount, Person, Vnode};

/// Bytes of the longest path, with the NUL behind it in C.
const PATH_MAX: usize = 4096;

/// Symbolic links on the way, at most.
const MOST_LINKS: u32 = 40;

/// A walk along paths, by one process.
pub(crate) struct Walk<'a> {
    lwp: &'a Lwp<'a>,
    pub(crate) person: Arc<Person>,
    pub(crate) who: Arc<Credentials>,
    root: Arc<Vnode>,
    links: u32,
}

/// The last name of a path, and where it is looked for.
pub(crate) struct Last<'a> {
    pub(crate) directory: Arc<Vnode>,
    /// Nothing, for a path that ends in `/`, `.` or `..`.
    pub(crate) name: Option<&'a [u8]>,
    /// There is a slash behind it: it is to be a directory.
    pub(crate) slash: bool,
}

/// Goes up out of roots of mounts to what they are mounted on.
fn out_of_mounts(mut at: Arc<Vnode>) -> Arc<Vnode> {
    while at.parent().is_none()
        && let Some(covered) = at.mount().covered().cloned()
    {
        at = covered;
    }
    at
}

impl<'a> Walk<'a> {
    pub(crate) fn new(lwp: &'a Lwp<'a>) -> Result<Self, Errno> {
        let person = Person::of(lwp)?;
        Ok(Walk {
            root: person.root(lwp)?,
            who: person.credentials(),
            person,
            lwp,
            links: 0,
        })
    }

    /// Where a path begins that is relative to `at`, or to where the process stands.
    fn start(&self, at: Option<&Arc<Vnode>>, path: &[u8]) -> Result<Arc<Vnode>, Errno> {
        match (path.first(), at) {
            (Some(b'/'), _) => Ok(self.root.clone()),
            (_, Some(at)) => Ok(at.clone()),
            (_, None) => self.person.directory(self.lwp),
        }
    }

    /// What a path leads to. `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`.
    pub(crate) fn find(
        &mut self,
        at: Option<&Arc<Vnode>>,
        path: &[u8],
        follow: bool,
    ) -> Result<Arc<Vnode>, Errno> {
        let last = self.last(at, path)?;
        self.finish(last, follow)
    }

    /// What the last name leads to.
    pub(crate) fn finish(&mut self, last: Last<'_>, follow: bool) -> Result<Arc<Vnode>, Errno> {
        let Some(name) = last.name else {
            return Ok(last.directory);
        };
        let found = self.step(&last.directory, name)?;
        let found = match found.kind() == Kind::Symlink && (follow || last.slash) {
            true => self.follow(&last.directory, &found)?,
            false => found,
        };
        if last.slash {
            found.check_directory()?;
        }
        Ok(found)
    }

    /// Follows a path up to its last name, which is not looked for.
    pub(crate) fn last<'p>(
        &mut self,
        at: Option<&Arc<Vnode>>,
        path: &'p [u8],
    ) -> Result<Last<'p>, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut directory = self.start(at, path)?;
        directory.check_directory()?;
        let mut names = path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty())
            .peekable();
        let slash = path.ends_with(b"/");
        while let Some(name) = names.next() {
            let is_last = names.peek().is_none();
            let is_dots = name == b"." || name == b"..";
            if is_last && !is_dots {
                return Ok(Last {
                    directory,
                    name: Some(name),
                    slash,
                });
            }
            let next = self.step(&directory, name)?;
            directory = match next.kind() {
                Kind::Symlink => self.follow(&directory, &next)?,
                _ => next,
            };
            directory.check_directory()?;
        }
        Ok(Last {
            directory,
            name: None,
            slash,
        })
    }

    /// One name on; a symbolic link is itself.
    fn step(&self, directory: &Arc<Vnode>, name: &[u8]) -> Result<Arc<Vnode>, Errno> {
        self.check_search(directory)?;
        match name {
            b"." => Ok(directory.clone()),
            b".." if Arc::ptr_eq(directory, &self.root) => Ok(directory.clone()),
            b".." => {
                let inside = out_of_mounts(directory.clone());
                Ok(inside.parent().unwrap_or(inside))
            }
            _ => self.through_mounts(directory.lookup(self.lwp, name)?),
        }
    }

    pub(crate) fn lwp(&self) -> &'a Lwp<'a> {
        self.lwp
    }

    /// `EACCES` unless names may be looked for in a directory.
    pub(crate) fn check_search(&self, directory: &Arc<Vnode>) -> Result<(), Errno> {
        match self.who.is_root() {
            true => Ok(()),
            false => directory.check(self.lwp, &self.who, Access::EXECUTE),
        }
    }

    fn through_mounts(&self, mut at: Arc<Vnode>) -> Result<Arc<Vnode>, Errno> {
        while at.is_directory()
            && let Some(mount) = at.mounted()
        {
            at = Mount::root(&mount, self.lwp)?;
        }
        Ok(at)
    }

    fn follow(&mut self, directory: &Arc<Vnode>, link: &Arc<Vnode>) -> Result<Arc<Vnode>, Errno> {
        let path = self.read_link(link)?;
        // Links are as deep in one another as there may be on a way.
        self.find(Some(directory), &path, true)
    }

    /// What a link on the way says. `ELOOP` if there were too many.
    pub(crate) fn read_link(&mut self, link: &Arc<Vnode>) -> Result<Vec<u8>, Errno> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        link.note_access();
        link.read_link(self.lwp)
    }

    /// The path of a directory from the process's root, or `ENOENT` if none leads there.
    pub(crate) fn path_of(&self, directory: &Arc<Vnode>) -> Result<Vec<u8>, Errno> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        let mut at = directory.clone();
        while !Arc::ptr_eq(&at, &self.root) {
            let inside = out_of_mounts(at);
            let Some(parent) = inside.parent() else {
                break;
            };
            names.push(parent.name_of(self.lwp, &inside)?);
            at = parent;
        }
        let mut path = Vec::new();
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(path)
    }
}

impl Vnode {
    /// The name by which something was found in this directory, if it is remembered.
    pub(crate) fn name_remembered(&self, child: &Arc<Vnode>) -> Option<Vec<u8>> {
        let is_child = |found: &Option<Arc<Vnode>>| {
            found
                .as_ref()
                .is_some_and(|found| Arc::ptr_eq(found, child))
        };
        self.names.with(|names| {
            let found = names.iter().find(|(_, found)| is_child(found));
            found.map(|(name, _)| name.to_vec())
        })
    }

    /// The name of a directory in this one. `ENOENT` if it has none any more.
    fn name_of(self: &Arc<Self>, lwp: &Lwp<'_>, child: &Arc<Vnode>) -> Result<Vec<u8>, Errno> {
        if let Some(name) = self.name_remembered(child) {
            return Ok(name);
        }
        let mut name = None;
        self.turn.with(lwp, |()| {
            self.fs().entries(lwp, self.number(), 0, &mut |entry| {
                if entry.number == child.number() {
                    name = Some(entry.name.to_vec());
                }
                name.is_none()
            })
        })??;
        name.ok_or(Errno::ENOENT)
    }
}
