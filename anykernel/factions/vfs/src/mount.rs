//! Mounts: file systems in the tree of names.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::{Leaf, Word};
use base::{Callout, Errno, Exclusive, Lwp};
use hashbrown::HashMap;

use crate::cache::Cache;
use crate::expiry;
use crate::inotify::Watches;
use crate::page::PAGE;
use crate::{FileSystem, Ino, Properties, Storage, Usage, Vnode};

/// Vnodes that a mount has before it looks for some that nobody uses, and lets them go.
const KEPT: usize = 32 * 1024;

/// What a mount is of, and how.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// The kind of file system.
    pub format: &'static str,
    /// What it was mounted from.
    pub source: Vec<u8>,
    /// Nothing is to be changed through it.
    pub read_only: bool,
    /// Options of its own.
    pub options: String,
}

struct State {
    vnodes: HashMap<Ino, Arc<Vnode>>,
    /// How many there are to be at the next look for some that nobody uses.
    enough: usize,
    /// Without names, but used.
    orphans: Vec<Arc<Vnode>>,
    /// Bytes that the file system is sure to have room for beside what was promised before.
    promise: u64,
    /// Pages of a file system whose files are nowhere else.
    pages: u64,
    /// It is unmounted.
    over: bool,
}

/// A mounted file system.
pub struct Mount {
    number: u32,
    fs: Arc<dyn FileSystem>,
    properties: Properties,
    remembers_names: bool,
    options: MountOptions,
    cache: Arc<Cache>,
    watches: Arc<Watches>,
    /// The directory it is mounted on; nothing for the first.
    covered: Option<Arc<Vnode>>,
    state: Leaf<State>,
    /// Held by whoever brings an inode in, and while inodes leave: what comes back meanwhile waits until it is forgotten.
    coming: Exclusive<()>,
    /// Not zero if something may differ from the medium: then the timer is set.
    pub(crate) differing: Word,
    pub(crate) timer: Arc<Callout>,
    /// Held by whoever writes back in the background, and by whoever unmounts.
    pub(crate) background: Exclusive<()>,
    /// Held while something moves from one directory to another.
    pub(crate) moves: Exclusive<()>,
}

impl Mount {
    pub(crate) fn new(
        fs: Arc<dyn FileSystem>,
        options: MountOptions,
        (cache, watches): (&Arc<Cache>, &Arc<Watches>),
        covered: Option<Arc<Vnode>>,
        number: u32,
    ) -> Arc<Self> {
        Arc::new_cyclic(|mount| Mount {
            number,
            properties: fs.properties(),
            remembers_names: fs.remembers_names(),
            fs,
            options,
            cache: cache.clone(),
            watches: watches.clone(),
            covered,
            state: Leaf::new(State {
                vnodes: HashMap::new(),
                enough: KEPT,
                orphans: Vec::new(),
                promise: 0,
                pages: 0,
                over: false,
            }),
            coming: Exclusive::new(()),
            differing: Word::new(0),
            timer: expiry::timer(mount),
            background: Exclusive::new(()),
            moves: Exclusive::new(()),
        })
    }

    /// A number that no other mount of the kernel has, or had.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What it is of, and how.
    pub fn options(&self) -> &MountOptions {
        &self.options
    }

    /// What the file system is like.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Whether names stay what they were until they are changed here.
    pub(crate) fn remembers_names(&self) -> bool {
        self.remembers_names
    }

    /// Whether nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        self.options.read_only || self.properties.read_only
    }

    /// `EROFS` if nothing can be changed.
    pub(crate) fn check_writable(&self) -> Result<(), Errno> {
        match self.is_read_only() {
            true => Err(Errno::EROFS),
            false => Ok(()),
        }
    }

    pub(crate) fn fs(&self) -> &dyn FileSystem {
        &*self.fs
    }

    pub(crate) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }

    /// The directory it is mounted on.
    pub(crate) fn covered(&self) -> Option<&Arc<Vnode>> {
        self.covered.as_ref()
    }

    /// Its root directory.
    pub(crate) fn root(self: &Arc<Self>, lwp: &Lwp<'_>) -> Result<Arc<Vnode>, Errno> {
        let root = self.vnode(lwp, self.fs.root(), None)?;
        root.is_directory().then_some(root).ok_or(Errno::EUCLEAN)
    }

    /// The vnode of an inode that was found in `parent`. `EUCLEAN` if that is a directory that was found elsewhere.
    pub fn vnode(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        number: Ino,
        parent: Option<&Arc<Vnode>>,
    ) -> Result<Arc<Vnode>, Errno> {
        let known = self.state.with(|state| state.vnodes.get(&number).cloned());
        let vnode = match known {
            Some(vnode) => vnode,
            None => {
                let (vnode, many) = self
                    .coming
                    .with(lwp, |()| self.bring(lwp, number, parent))??;
                if many && self.properties.storage != Storage::Pages {
                    self.coming.with(lwp, |()| self.trim(lwp))?;
                }
                vnode
            }
        };
        let found_elsewhere = vnode.is_directory()
            && match (parent, vnode.parent()) {
                (Some(parent), Some(known)) => !Arc::ptr_eq(parent, &known),
                (None, None) => false,
                _ => true,
            };
        match found_elsewhere {
            true => Err(Errno::EUCLEAN),
            false => Ok(vnode),
        }
    }

    /// Makes a vnode of an inode, if there is none by now; whether there are many.
    fn bring(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        number: Ino,
        parent: Option<&Arc<Vnode>>,
    ) -> Result<(Arc<Vnode>, bool), Errno> {
        let mut attributes = self.fs.attributes(lwp, number)?;
        attributes.number = number;
        let charge = lwp.instance().memory().charge(size_of::<Vnode>())?;
        let new = Vnode::new(self, attributes, parent, charge)?;
        Ok(self.state.with(|state| {
            let vnode = state.vnodes.entry(number).or_insert(new).clone();
            (vnode, state.vnodes.len() > state.enough)
        }))
    }

    /// Lets go of vnodes that nobody uses and that are as the medium has them: those without pages, and all if that
    /// were few.
    fn trim(&self, lwp: &Lwp<'_>) {
        for with_pages in [false, true] {
            let all: Vec<_> = self
                .state
                .with(|state| state.vnodes.values().cloned().collect());
            for vnode in &all {
                drop(vnode.names.with(core::mem::take));
            }
            let idle = |vnode: &Arc<Vnode>| {
                let empty = {
                    let pages = vnode.pages.lock(lwp);
                    pages.dirty() == 0 && (with_pages || pages.is_empty())
                };
                empty && vnode.mounted().is_none() && vnode.tell(lwp).is_ok()
            };
            let idle: Vec<Ino> = all
                .into_iter()
                .filter(idle)
                .map(|vnode| vnode.number())
                .collect();
            if self.drop_unused(lwp, &idle) >= KEPT / 2 {
                break;
            }
        }
        // Those that are used are not looked at again until there are as many more.
        self.state
            .with(|state| state.enough = KEPT.max(2 * state.vnodes.len()));
    }

    /// Lets go of those of these vnodes that nobody uses; how many.
    fn drop_unused(&self, lwp: &Lwp<'_>, numbers: &[Ino]) -> usize {
        let mut gone = Vec::new();
        self.state.with(|state| {
            for number in numbers {
                // Only the table has it, and only here does it give one out.
                let unused = state
                    .vnodes
                    .get(number)
                    .is_some_and(|vnode| Arc::strong_count(vnode) == 1);
                if unused {
                    gone.extend(state.vnodes.remove(number));
                }
            }
        });
        let count = gone.len();
        for vnode in gone {
            self.end(lwp, &vnode);
        }
        count
    }

    /// A vnode that nobody can reach any more.
    fn end(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>) {
        vnode.empty(lwp);
        // What goes wrong is found when the file system is next checked; nobody is left to be told.
        let _ = self.fs.forget(lwp, vnode.number());
    }

    /// An inode has no names any more: it ends when nobody uses it.
    pub(crate) fn orphan(&self, lwp: &Lwp<'_>, vnode: Arc<Vnode>) {
        let entry = self.state.with(|state| {
            let entry = state.vnodes.remove(&vnode.number());
            state.orphans.push(vnode);
            entry
        });
        drop(entry);
        self.end_orphans(lwp, None);
    }

    /// Ends the inodes without names that nobody uses any more, but who is about to let go of `last`.
    pub(crate) fn end_orphans(&self, lwp: &Lwp<'_>, last: Option<&Arc<Vnode>>) {
        let gone: Vec<_> = self.state.with(|state| {
            let unused = |vnode: &mut Arc<Vnode>| {
                // An open file has it for itself, and for its contents.
                let is_last = last.is_some_and(|last| Arc::ptr_eq(last, vnode));
                Arc::strong_count(vnode) == if is_last { 3 } else { 1 }
            };
            state.orphans.extract_if(.., unused).collect()
        });
        for vnode in gone {
            self.differs(lwp);
            self.end(lwp, &vnode);
        }
    }

    /// How full it is.
    pub fn usage(&self, lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        let mut usage = self.fs.usage(lwp)?;
        if self.properties.storage == Storage::Pages {
            let pages = self.state.with(|state| state.pages);
            let used = pages * PAGE as u64 / u64::from(usage.block_size.max(1));
            usage.free_blocks = usage.blocks.saturating_sub(used);
        }
        Ok(usage)
    }

    /// How many more pages it may have; nothing if as many as there is memory for.
    pub(crate) fn pages_left(&self, lwp: &Lwp<'_>) -> Result<Option<u64>, Errno> {
        let usage = self.usage(lwp)?;
        let limited = usage.blocks != 0;
        Ok(limited.then_some(usage.free_blocks * u64::from(usage.block_size) / PAGE as u64))
    }

    /// Pages of its files came and went, that are nowhere else.
    pub(crate) fn count_pages(&self, came: u64, went: u64) {
        self.state
            .with(|state| state.pages = state.pages + came - went);
    }

    /// Whether there is sure to be room for so many bytes to be written later.
    pub(crate) fn reserve(&self, lwp: &Lwp<'_>, bytes: u64) -> Result<bool, Errno> {
        let taken = |state: &mut State| match state.promise.checked_sub(bytes) {
            Some(left) => {
                state.promise = left;
                true
            }
            None => false,
        };
        if self.state.with(taken) {
            return Ok(true);
        }
        // What was promised before may not have been written yet; of what is free, half is left to it, and to what
        // a file system needs for itself.
        let usage = self.fs.usage(lwp)?;
        let free = usage
            .free_blocks
            .saturating_mul(u64::from(usage.block_size));
        let dirty = self.cache.dirty_bytes();
        let promise = (free / 2).saturating_sub(2 * dirty).min(1 << 30);
        self.state.with(|state| state.promise = promise);
        let taken = self.state.with(taken);
        if !taken {
            // It is written at once, to what the promise was for.
            self.break_promise();
        }
        Ok(taken)
    }

    /// Room was taken that nobody had promised, so it is to be looked at anew.
    pub(crate) fn break_promise(&self) {
        self.state.with(|state| state.promise = 0);
    }

    /// Writes everything back; the first error, after all were tried.
    pub(crate) fn flush(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let all: Vec<_> = self.state.with(|state| {
            state
                .vnodes
                .values()
                .chain(&state.orphans)
                .cloned()
                .collect()
        });
        let mut result = Ok(());
        for vnode in all {
            let differs = vnode.pages.lock(lwp).dirty() > 0 || vnode.has_pending();
            if differs {
                result = result.and(vnode.flush(lwp));
            }
        }
        result
    }

    /// Has everything survive a loss of power.
    pub(crate) fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.is_read_only() {
            return Ok(());
        }
        self.settle(lwp);
        self.end_orphans(lwp, None);
        let flushed = self.flush(lwp);
        let synced = flushed.and(self.fs.sync(lwp));
        synced.inspect_err(|_| self.differs(lwp))
    }

    /// Lets go of everything if nobody uses anything: whether that was so. Nobody can come in meanwhile.
    pub(crate) fn vacate(&self, lwp: &Lwp<'_>) -> bool {
        self.end_orphans(lwp, None);
        let all: Vec<_> = self
            .state
            .with(|state| state.vnodes.values().cloned().collect());
        for vnode in all {
            drop(vnode.names.with(core::mem::take));
        }
        // Directories are used by those in them.
        loop {
            let numbers: Vec<_> = self
                .state
                .with(|state| state.vnodes.keys().copied().collect());
            if self.drop_unused(lwp, &numbers) == 0 {
                break;
            }
        }
        self.state
            .with(|state| state.vnodes.is_empty() && state.orphans.is_empty())
    }

    /// Whether it is unmounted.
    pub(crate) fn is_over(&self) -> bool {
        self.state.with(|state| state.over)
    }

    /// The end, whoever uses it still.
    pub(crate) fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let all = self.state.with(|state| core::mem::take(&mut state.vnodes));
        for vnode in all.into_values() {
            drop(vnode.names.with(core::mem::take));
        }
        self.state.with(|state| state.over = true);
        self.settle(lwp);
        self.fs.unmount(lwp)
    }
}
