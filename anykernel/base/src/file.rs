//! Files: what a descriptor stands for, and the open file description between the two.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;

use syscall::consts::{O_ACCMODE, O_APPEND, O_NONBLOCK, O_RDONLY, O_WRONLY};
use syscall::{FcntlArg, IoctlArg, UioIn, UioOut};

use crate::atomic::{AtomicU32, Ordering};
use crate::epoll::Item;
use crate::sync::Leaf;
use crate::{Charge, Errno, Events, Lwp, Readiness, Wait};

/// Something that can be read, written or waited for.
pub trait File: Any + Send + Sync {
    /// What it is ready for.
    fn readiness(&self) -> &Readiness;

    /// What it is ready for at this moment, where that takes a look.
    fn events(&self, _lwp: &Lwp<'_>) -> Events {
        self.readiness().level()
    }

    /// Whether it has news at all; what is always ready, as files on disks, is in no epoll set.
    fn has_news(&self) -> bool {
        true
    }

    /// Reads into `to`: how many bytes, zero at the end.
    fn try_read(&self, _lwp: &Lwp<'_>, _to: &mut UioOut<'_>) -> Result<usize, Wait> {
        Err(Errno::EINVAL.into())
    }

    /// Writes from `from`: how many bytes. Of a transfer that waited in between, the rest.
    fn try_write(&self, _lwp: &Lwp<'_>, _from: &mut UioIn<'_>) -> Result<usize, Wait> {
        Err(Errno::EINVAL.into())
    }

    /// Whether a blocking write goes on until everything is written.
    fn writes_all(&self) -> bool {
        false
    }

    /// How long a read may wait, in nanoseconds; `u64::MAX`: for ever.
    fn read_timeout(&self) -> u64 {
        u64::MAX
    }

    /// How long a write may wait, in nanoseconds; `u64::MAX`: for ever.
    fn write_timeout(&self) -> u64 {
        u64::MAX
    }

    /// Does an `ioctl` of its own.
    fn ioctl(&self, _lwp: &Lwp<'_>, _argument: &IoctlArg<'_>) -> Result<i32, Errno> {
        Err(Errno::ENOTTY)
    }

    /// Does what a command of `fcntl` has to do with locks of ranges, for the open file that it is.
    fn range_lock(
        &self,
        _lwp: &Lwp<'_>,
        _open: &OpenFile,
        _command: u32,
        _lock: &mut FcntlArg<'_>,
    ) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// A process closes a descriptor of it; there may be others. Called with no lock held.
    fn left(&self, _lwp: &Lwp<'_>, _process: i32) {}

    /// Whether all that is written goes to the end.
    fn set_append(&self, _append: bool) {}

    /// The last descriptor is gone and nobody is at work on it. Called once, with no lock held.
    fn close(&self, _lwp: &Lwp<'_>) {}
}

/// An open file description: what `dup` shares. Counted; it assumes nothing of who opened it. It has lines of a cache for
/// itself: each call counts it.
#[repr(align(64))]
pub struct OpenFile {
    file: Arc<dyn File>,
    flags: AtomicU32,
    /// The epoll items that watch it, to be removed with it.
    watchers: Leaf<Vec<Weak<Item>>>,
    _charge: Charge,
}

impl OpenFile {
    /// Opens a file; one that there is no memory to open is closed.
    pub(crate) fn new(lwp: &Lwp<'_>, file: Arc<dyn File>, flags: u32) -> Result<Arc<Self>, Errno> {
        match lwp.instance().memory().charge(size_of::<OpenFile>()) {
            Ok(charge) => Ok(Arc::new(OpenFile {
                file,
                flags: AtomicU32::new(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK)),
                watchers: Leaf::new(Vec::new()),
                _charge: charge,
            })),
            Err(errno) => {
                file.close(lwp);
                Err(errno)
            }
        }
    }

    /// The file.
    #[inline]
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// The file, if it is a `T`.
    #[inline]
    pub fn downcast<T: File>(&self) -> Option<&T> {
        let any: &dyn Any = &*self.file;
        any.downcast_ref()
    }

    /// The status flags, `O_…`.
    pub fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Whether calls on it never wait.
    #[inline]
    pub fn nonblock(&self) -> bool {
        self.flags() & O_NONBLOCK != 0
    }

    /// Whether it was opened for reading.
    pub fn readable(&self) -> bool {
        self.flags() & O_ACCMODE != O_WRONLY
    }

    /// Whether it was opened for writing.
    pub fn writable(&self) -> bool {
        self.flags() & O_ACCMODE != O_RDONLY
    }

    pub(crate) fn set_nonblock(&self, on: bool) {
        if on {
            self.flags.fetch_or(O_NONBLOCK, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!O_NONBLOCK, Ordering::Relaxed);
        }
    }

    pub(crate) fn set_append(&self, on: bool) {
        if on {
            self.flags.fetch_or(O_APPEND, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!O_APPEND, Ordering::Relaxed);
        }
        self.file.set_append(on);
    }

    pub(crate) fn watch(&self, item: &Arc<Item>) {
        self.watchers.with(|all| {
            all.retain(|other| other.strong_count() > 0);
            all.push(Arc::downgrade(item));
        });
    }

    /// Gives up a reference; the last one closes the file. No lock is held.
    pub fn release(self: Arc<Self>, lwp: &Lwp<'_>) {
        if lwp.instance().is_killed() {
            // What a panic left behind is in any state: nothing of it runs again.
            core::mem::forget(self);
            return;
        }
        if let Some(open) = Arc::into_inner(self) {
            for item in open.watchers.with(core::mem::take) {
                if let Some(item) = item.upgrade() {
                    item.forget(lwp, &open.file);
                }
            }
            open.file.close(lwp);
        }
    }
}
