//! Vnodes: what of an inode is in memory.
//!
//! An inode has one vnode as long as anybody uses it, so what is kept of it is kept once: attributes that its file system
//! may not have heard of yet, names found in a directory, pages of a file. This file has what all kinds have in common.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};

use base::sync::{Leaf, Mutex};
use base::{Charge, Errno, Exclusive, Lwp};
use hashbrown::HashMap;

use crate::failures::Failures;
use crate::locks::Locks;
use crate::page::{PAGE, Pages};
use crate::pipe::Pipe;
use crate::ranges::Ranges;
use crate::{Attributes, Changes, FileSystem, Ino, Kind, Mount, Storage, Time};

/// How deep directories may be in one another. So what is let go of one after the other has an end.
const DEEPEST: u32 = 4096;

pub(crate) struct State {
    /// As the file system has them, and what it has not heard of. Nothing if that is to be asked anew.
    pub(crate) known: Option<Attributes>,
    /// What the file system has not heard of.
    pub(crate) pending: Changes,
    /// What writing back failed with.
    pub(crate) failures: Failures,
    /// Of a directory: the one it is in; nothing for a root.
    parent: Option<Arc<Vnode>>,
    /// What is mounted on it.
    mounted: Option<Arc<Mount>>,
    /// The page after the last one read, and how many to read ahead.
    pub(crate) ahead: (u64, u64),
}

/// Names found in a directory, or known not to be there.
pub(crate) type Names = HashMap<Box<[u8]>, Option<Arc<Vnode>>>;

/// An inode in memory.
pub struct Vnode {
    mount: Arc<Mount>,
    number: Ino,
    kind: Kind,
    depth: u32,
    pub(crate) state: Leaf<State>,
    pub(crate) names: Leaf<Names>,
    pub(crate) pages: Mutex<Pages>,
    /// Held by whoever changes names or contents, and while that waits for the medium. Below it are a file system's own
    /// locks.
    pub(crate) turn: Exclusive<()>,
    pub(crate) locks: Locks,
    pub(crate) ranges: Ranges,
    /// What a FIFO's ends have in common while there are some.
    pub(crate) pipe: Leaf<Weak<Pipe>>,
    _charge: Charge,
}

impl Vnode {
    /// A vnode of an inode, in `parent` if it is a directory. `EUCLEAN` if directories are deeper in one another than any.
    pub(crate) fn new(
        mount: &Arc<Mount>,
        attributes: Attributes,
        parent: Option<&Arc<Vnode>>,
        charge: Charge,
    ) -> Result<Arc<Self>, Errno> {
        let depth = parent.map_or(0, |parent| parent.depth + 1);
        if depth > DEEPEST {
            return Err(Errno::EUCLEAN);
        }
        let is_directory = attributes.kind == Kind::Directory;
        Ok(Arc::new(Vnode {
            mount: mount.clone(),
            number: attributes.number,
            kind: attributes.kind,
            depth,
            state: Leaf::new(State {
                known: Some(attributes).filter(|_| mount.properties().storage != Storage::Nowhere),
                pending: Changes::default(),
                failures: Failures::default(),
                parent: parent.filter(|_| is_directory).cloned(),
                mounted: None,
                ahead: (0, 0),
            }),
            names: Leaf::new(HashMap::new()),
            pages: Mutex::new(Pages::new()),
            turn: Exclusive::new(()),
            locks: Locks::new(),
            ranges: Ranges::new(),
            pipe: Leaf::new(Weak::new()),
            _charge: charge,
        }))
    }

    /// What it is mounted in.
    pub fn mount(&self) -> &Arc<Mount> {
        &self.mount
    }

    /// Its number there.
    pub fn number(&self) -> Ino {
        self.number
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// `ENOTDIR` unless it is a directory.
    pub(crate) fn check_directory(&self) -> Result<(), Errno> {
        match self.is_directory() {
            true => Ok(()),
            false => Err(Errno::ENOTDIR),
        }
    }

    /// Says to who watches that something happened to it: `IN_…`.
    pub(crate) fn happened(self: &Arc<Self>, lwp: &Lwp<'_>, mask: u32) {
        self.mount.watches().happened(lwp, self, mask);
    }

    /// The same of what is nothing to the directories it is in.
    pub(crate) fn happened_to(self: &Arc<Self>, lwp: &Lwp<'_>, mask: u32) {
        self.mount.watches().happened_to(lwp, self, mask);
    }

    pub(crate) fn fs(&self) -> &dyn FileSystem {
        self.mount.fs()
    }

    /// The file system, which is to be changed.
    pub(crate) fn fs_to_change(&self, lwp: &Lwp<'_>) -> &dyn FileSystem {
        self.mount.differs(lwp);
        self.mount.fs()
    }

    pub(crate) fn storage(&self) -> Storage {
        self.mount.properties().storage
    }

    /// Whether anything is kept of it; if not, the file system is asked each time.
    pub(crate) fn keeps(&self) -> bool {
        self.storage() != Storage::Nowhere
    }

    /// The directory that a directory is in; nothing for the root of what is mounted.
    pub(crate) fn parent(&self) -> Option<Arc<Vnode>> {
        self.state.with(|state| state.parent.clone())
    }

    pub(crate) fn set_parent(&self, parent: &Arc<Vnode>) {
        let old = self
            .state
            .with(|state| state.parent.replace(parent.clone()));
        drop(old);
    }

    /// Whether it is `other`, or a directory that `other` is in.
    pub(crate) fn is_above(self: &Arc<Self>, other: &Arc<Vnode>) -> bool {
        let mut at = Some(other.clone());
        while let Some(vnode) = at {
            if Arc::ptr_eq(self, &vnode) {
                return true;
            }
            at = vnode.parent();
        }
        false
    }

    pub(crate) fn mounted(&self) -> Option<Arc<Mount>> {
        self.state.with(|state| state.mounted.clone())
    }

    pub(crate) fn set_mounted(&self, mount: Option<Arc<Mount>>) {
        let old = self
            .state
            .with(|state| core::mem::replace(&mut state.mounted, mount));
        drop(old);
    }

    /// All that is known of it.
    pub fn attributes(&self, lwp: &Lwp<'_>) -> Result<Attributes, Errno> {
        if let Some(known) = self.state.with(|state| state.known) {
            return Ok(known);
        }
        let mut new = self.fs().attributes(lwp, self.number)?;
        if new.kind.bits() != self.kind.bits() {
            return Err(Errno::EUCLEAN);
        }
        if !self.keeps() {
            return Ok(new);
        }
        Ok(self.state.with(|state| {
            state.pending.apply(&mut new);
            *state.known.get_or_insert(new)
        }))
    }

    /// Bytes it takes, of a file that is nowhere else those of its pages.
    pub(crate) fn space(&self, lwp: &Lwp<'_>, known: &Attributes) -> u64 {
        match (self.storage(), self.kind) {
            (Storage::Pages, Kind::File) => self.pages.lock(lwp).count() * PAGE as u64,
            _ => known.space,
        }
    }

    /// The file system changed them.
    pub(crate) fn forget_attributes(&self) {
        self.state.with(|state| state.known = None);
    }

    /// Bytes of a file.
    pub(crate) fn size(&self, lwp: &Lwp<'_>) -> Result<u64, Errno> {
        match self.state.with(|state| state.known.map(|known| known.size)) {
            Some(size) => Ok(size),
            None => Ok(self.attributes(lwp)?.size),
        }
    }

    /// Changes what is known at once; the file system hears of it later.
    pub(crate) fn change_later(&self, changes: &Changes) {
        self.state.with(|state| {
            if let Some(known) = &mut state.known {
                changes.apply(known);
            }
            let pending = &mut state.pending;
            pending.size = changes.size.or(pending.size);
            pending.accessed = changes.accessed.or(pending.accessed);
            pending.modified = changes.modified.or(pending.modified);
            pending.changed = changes.changed.or(pending.changed);
        });
    }

    /// Changes attributes, and says when.
    pub(crate) fn change(&self, lwp: &Lwp<'_>, changes: &Changes) -> Result<(), Errno> {
        let changes = Changes {
            changed: Some(Time::now()),
            ..*changes
        };
        self.fs_to_change(lwp).change(lwp, self.number, &changes)?;
        // Pages that are written back later are, to a file system, a change of contents: it hears of the time again then.
        let differs = changes.modified.is_some() && self.pages.lock(lwp).dirty() > 0;
        self.state.with(|state| {
            let pending = &mut state.pending;
            // What the file system has heard of since is newer.
            pending.size = pending.size.filter(|_| changes.size.is_none());
            pending.accessed = pending.accessed.filter(|_| changes.accessed.is_none());
            pending.modified = match changes.modified {
                Some(modified) => Some(modified).filter(|_| differs),
                None => pending.modified,
            };
            pending.changed = None;
        });
        self.forget_attributes();
        Ok(())
    }

    /// Whether there is something that the file system has not heard of.
    pub(crate) fn has_pending(&self) -> bool {
        self.state.with(|state| state.pending != Changes::default())
    }

    /// Has the file system hear of all attributes.
    pub(crate) fn tell(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let pending = self.state.with(|state| core::mem::take(&mut state.pending));
        if pending == Changes::default() {
            return Ok(());
        }
        self.fs()
            .change(lwp, self.number, &pending)
            .inspect_err(|_| self.change_later(&pending))
    }

    /// Notes that it was read, as far as anybody wants to know: once after each change.
    pub(crate) fn note_access(&self) {
        let unread =
            |known: Attributes| known.accessed <= known.modified || known.accessed <= known.changed;
        if self.mount.is_read_only() || !self.state.with(|state| state.known.is_some_and(unread)) {
            return;
        }
        self.change_later(&Changes {
            accessed: Some(Time::now()),
            ..Changes::default()
        });
    }
}
