//! Which inode of the host has which number here, and handles of those used last.
//!
//! A handle costs the process a descriptor or more, so there are not as many as inodes. An inode without one is found
//! again by the name it was last found by; if something else has that by now it is stale. One that has no name any more
//! keeps its handle.
//!
//! A directory is known by where it was found: one that the host moved is another here, so that directories stay a
//! tree whatever the host does.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::Errno;
use base::sync::Leaf;
use hashbrown::HashMap;
use hypercall::{HostFile, hostfs};
use vfs::{Ino, Kind, Place};

use crate::convert;

/// Inodes with handles, at most, beside those without names.
const OPEN: usize = 256;

/// The first number for inodes whose own is another's already.
const EXTRA: Ino = 1 << 63;

/// A handle. Whoever lets go of it last closes it.
struct Handle(u64);

fn let_go(handle: Arc<Handle>) {
    if let Some(handle) = Arc::into_inner(handle) {
        hostfs::close(handle.0);
    }
}

/// What tells inodes of the host apart, also those that had the same number one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    number: u64,
    kind: u32,
    created: (i64, u32),
    /// Where a directory was found.
    directory: Option<Ino>,
}

impl Identity {
    fn new(file: &HostFile, found_in: Option<Ino>) -> Result<Self, Errno> {
        let kind = convert::kind(file.mode)?;
        Ok(Identity {
            device: file.device,
            number: file.number,
            kind: kind.bits(),
            created: (file.created.seconds, file.created.nanoseconds),
            directory: found_in.filter(|_| kind == Kind::Directory),
        })
    }
}

struct Inode {
    identity: Identity,
    parent: Ino,
    name: Box<[u8]>,
    handle: Option<Arc<Handle>>,
    /// It has no name to be found by.
    nameless: bool,
    /// Somebody used its handle since it was last looked at.
    used: bool,
}

#[derive(Default)]
struct State {
    inodes: HashMap<Ino, Inode>,
    numbers: HashMap<Identity, Ino>,
    /// Numbers of entries, by directory and the host's number, where they differ.
    extra: HashMap<(Ino, u64), Ino>,
    next_extra: Ino,
    /// Inodes with handles, those to be looked at first in front.
    open: VecDeque<Ino>,
}

/// All that are known.
pub(crate) struct Inodes {
    root: Ino,
    state: Leaf<State>,
}

impl State {
    /// An inode has a handle from now on, if it had none; the handle that is not needed otherwise.
    fn set_handle(&mut self, number: Ino, handle: Arc<Handle>) -> Option<Arc<Handle>> {
        match self.inodes.get_mut(&number) {
            Some(inode) if inode.handle.is_none() => {
                inode.handle = Some(handle);
                self.open.push_back(number);
                None
            }
            _ => Some(handle),
        }
    }

    /// Takes handles that were not used of late until there are as many as may be, or half of those there are.
    fn excess(&mut self, half: bool) -> Vec<Arc<Handle>> {
        let bound = if half { self.open.len() / 2 } else { OPEN };
        let mut taken = Vec::new();
        // Each is looked at twice at most: it may have been used before the first time.
        for _ in 0..2 * self.open.len() {
            if self.open.len() <= bound {
                break;
            }
            let Some(number) = self.open.pop_front() else {
                break;
            };
            match self.inodes.get_mut(&number) {
                Some(inode) if inode.nameless || inode.used => {
                    inode.used = false;
                    self.open.push_back(number);
                }
                Some(inode) => taken.extend(inode.handle.take()),
                None => {}
            }
        }
        taken
    }

    fn number_for(&mut self, identity: &Identity, place: Place<'_>) -> Ino {
        let own = identity.number;
        if own != 0 && own < EXTRA && !self.inodes.contains_key(&own) {
            return own;
        }
        let number = EXTRA + self.next_extra;
        self.next_extra += 1;
        self.extra.insert((place.directory, own), number);
        number
    }

    fn forget_names(&mut self, number: Ino, inode: &Inode) {
        if self.numbers.get(&inode.identity) == Some(&number) {
            self.numbers.remove(&inode.identity);
        }
        let key = (inode.parent, inode.identity.number);
        if self.extra.get(&key) == Some(&number) {
            self.extra.remove(&key);
        }
    }
}

impl Inodes {
    /// The root alone, whose handle stays.
    pub(crate) fn new(root: &HostFile) -> Result<Self, Errno> {
        let identity = Identity::new(root, None)?;
        let number = root.number.clamp(1, EXTRA - 1);
        let mut state = State::default();
        state.inodes.insert(
            number,
            Inode {
                identity,
                parent: number,
                name: Box::default(),
                handle: Some(Arc::new(Handle(root.handle))),
                nameless: true,
                used: false,
            },
        );
        state.numbers.insert(identity, number);
        Ok(Inodes {
            root: number,
            state: Leaf::new(state),
        })
    }

    pub(crate) fn root(&self) -> Ino {
        self.root
    }

    /// The directory that an inode was last found in.
    fn parent(&self, number: Ino) -> Result<Ino, Errno> {
        let parent = |state: &mut State| state.inodes.get(&number).map(|inode| inode.parent);
        self.state.with(parent).ok_or(Errno::ESTALE)
    }

    /// Calls the host with the handle of an inode.
    pub(crate) fn with(&self, number: Ino, f: impl FnOnce(u64) -> i64) -> Result<u64, Errno> {
        let handle = self.handle(number)?;
        let answer = f(handle.0);
        let_go(handle);
        Errno::check(answer)
    }

    /// Calls the host for something that needs a descriptor: where there is none left, some are closed first.
    pub(crate) fn with_room(
        &self,
        number: Ino,
        mut f: impl FnMut(u64) -> i64,
    ) -> Result<u64, Errno> {
        match self.with(number, &mut f) {
            Err(Errno::EMFILE | Errno::ENFILE) => {
                self.close_some(true);
                self.with(number, f)
            }
            result => result,
        }
    }

    fn close_some(&self, half: bool) {
        for handle in self.state.with(|state| state.excess(half)) {
            let_go(handle);
        }
    }

    fn open_handle(&self, number: Ino) -> Result<Option<Arc<Handle>>, Errno> {
        self.state.with(|state| {
            let inode = state.inodes.get_mut(&number).ok_or(Errno::ESTALE)?;
            inode.used = true;
            Ok(inode.handle.clone())
        })
    }

    /// The handle of an inode, found again if it has none: along the names from the next directory above that has one.
    fn handle(&self, number: Ino) -> Result<Arc<Handle>, Errno> {
        let mut way = Vec::new();
        let mut at = number;
        let mut handle = loop {
            if let Some(handle) = self.open_handle(at)? {
                break handle;
            }
            way.push(at);
            at = self.parent(at)?;
        };
        while let Some(next) = way.pop() {
            let found = self.find_again(&handle, next);
            let_go(handle);
            handle = found?;
        }
        Ok(handle)
    }

    fn find_again(&self, directory: &Handle, number: Ino) -> Result<Arc<Handle>, Errno> {
        let known = |state: &mut State| {
            let inode = state.inodes.get(&number)?;
            Some((inode.identity, inode.name.clone()))
        };
        let (identity, name) = self.state.with(known).ok_or(Errno::ESTALE)?;
        let mut file = HostFile::default();
        let mut find = || Errno::check(hostfs::find(directory.0, (&*name).into(), &mut file));
        let found = match find() {
            Err(Errno::EMFILE | Errno::ENFILE) => {
                self.close_some(true);
                find()
            }
            found => found,
        };
        match found {
            Ok(_) => {}
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EXDEV) => return Err(Errno::ESTALE),
            Err(errno) => return Err(errno),
        }
        let handle = Arc::new(Handle(file.handle));
        if Identity::new(&file, identity.directory) != Ok(identity) {
            let_go(handle);
            return Err(Errno::ESTALE);
        }
        // If somebody else found it at the same time, this one is closed after use.
        let spare = self
            .state
            .with(|state| state.set_handle(number, handle.clone()));
        drop(spare);
        self.close_some(false);
        Ok(handle)
    }

    /// The number of what the host found or made at a place.
    pub(crate) fn adopt(&self, place: Place<'_>, file: &HostFile) -> Result<Ino, Errno> {
        let handle = Arc::new(Handle(file.handle));
        let identity = match Identity::new(file, Some(place.directory)) {
            Ok(identity) => identity,
            Err(errno) => {
                let_go(handle);
                return Err(errno);
            }
        };
        let (number, spare) = self.state.with(|state| {
            let known = state.numbers.get(&identity).copied();
            let number = known.unwrap_or_else(|| state.number_for(&identity, place));
            state.numbers.insert(identity, number);
            let inode = state.inodes.entry(number).or_insert_with(|| Inode {
                identity,
                parent: place.directory,
                name: Box::default(),
                handle: None,
                nameless: false,
                used: false,
            });
            if number != self.root {
                inode.parent = place.directory;
                inode.name = place.name.into();
                inode.nameless = false;
            }
            inode.used = true;
            (number, state.set_handle(number, handle))
        });
        spare.into_iter().for_each(let_go);
        self.close_some(false);
        Ok(number)
    }

    /// An inode lost a name. It has none left, or is to be found by another.
    pub(crate) fn unname(&self, number: Ino, was_last: bool) {
        self.state.with(|state| {
            if let Some(inode) = state.inodes.get_mut(&number) {
                inode.nameless = was_last;
            }
        });
    }

    /// An inode is somewhere else now.
    pub(crate) fn move_to(&self, number: Ino, place: Place<'_>) {
        self.state.with(|state| {
            let Some(mut inode) = state.inodes.remove(&number) else {
                return;
            };
            state.forget_names(number, &inode);
            inode.identity.directory = inode.identity.directory.map(|_| place.directory);
            inode.parent = place.directory;
            inode.name = place.name.into();
            state.numbers.insert(inode.identity, number);
            if number >= EXTRA {
                let key = (place.directory, inode.identity.number);
                state.extra.insert(key, number);
            }
            state.inodes.insert(number, inode);
        });
    }

    /// The number of an entry that the host gives a number of its own.
    pub(crate) fn number_of_entry(&self, directory: Ino, number: u64) -> Ino {
        self.state.with(|state| {
            let extra = state.extra.get(&(directory, number));
            extra.copied().unwrap_or(number)
        })
    }

    /// Nobody uses an inode any more.
    pub(crate) fn forget(&self, number: Ino) {
        if number == self.root {
            return;
        }
        let handle = self.state.with(|state| {
            let inode = state.inodes.remove(&number)?;
            state.forget_names(number, &inode);
            if inode.handle.is_some() {
                state.open.retain(|other| *other != number);
            }
            inode.handle
        });
        handle.into_iter().for_each(let_go);
    }
}
