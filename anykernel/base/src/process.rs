//! Processes: who acts, with which open files.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::marker::PhantomData;

use syscall::consts::O_CLOEXEC;
use syscall::{Fd, NewFd};

use crate::atomic::{AtomicBool, Ordering};
use crate::descriptors::{Descriptors, Entry, MAX_FILES};
use crate::sync::{Leaf, ReadMostly};
use crate::upcall::Bound;
use crate::{Errno, File, Instance, Lwp, OpenFile};

/// Where there are no threads, an instance stays on the one it was booted on.
#[cfg(feature = "threads")]
type StaysOnThread = PhantomData<()>;
#[cfg(not(feature = "threads"))]
type StaysOnThread = PhantomData<*const ()>;

/// What a component keeps of a process, such as where its paths begin.
pub trait OfProcess: Any + Send + Sync {
    /// What a child begins with.
    fn of_child(&self) -> Arc<dyn OfProcess>;
}

fn find<T: OfProcess>(kept: &[Arc<dyn OfProcess>]) -> Option<Arc<T>> {
    let is = |one: &&Arc<dyn OfProcess>| {
        let any: &dyn Any = &***one;
        any.is::<T>()
    };
    let any: Arc<dyn Any + Send + Sync> = kept.iter().find(is)?.clone();
    any.downcast().ok()
}

/// A process: a table of descriptors, and what components keep of it.
pub struct Process {
    instance: Arc<Instance>,
    pid: i32,
    interrupted: AtomicBool,
    files: ReadMostly<Descriptors>,
    kept: Leaf<Vec<Arc<dyn OfProcess>>>,
    stays: StaysOnThread,
}

impl Process {
    pub(crate) fn new(instance: &Arc<Instance>) -> Arc<Self> {
        instance.processes.with(|processes| {
            #[cfg_attr(
                not(feature = "threads"),
                expect(clippy::arc_with_non_send_sync, reason = "counted, not shared")
            )]
            let process = Arc::new(Process {
                instance: instance.clone(),
                pid: processes.next,
                interrupted: AtomicBool::new(false),
                files: ReadMostly::new(Descriptors::new(instance.memory())),
                kept: Leaf::new(Vec::new()),
                stays: PhantomData,
            });
            processes.next += 1;
            processes.all.retain(|other| other.0.strong_count() > 0);
            processes.all.push(Bound(Arc::downgrade(&process)));
            process
        })
    }

    /// The instance.
    #[inline]
    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// The number. Zero is the kernel itself, one the initial process.
    #[inline]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Has everybody who waits on behalf of the process leave with `EINTR`, now and from now on.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.instance.sleepers.wake(|pid| pid == self.pid);
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Closes all files, and lets go of what components keep.
    pub fn exit(&self, lwp: &Lwp<'_>) {
        self.close_all(lwp);
        drop(self.kept.with(core::mem::take));
    }

    fn close_all(&self, lwp: &Lwp<'_>) {
        let entries = self.files.write(Descriptors::clear);
        for entry in entries {
            self.leave(lwp, entry);
        }
    }

    /// What a component keeps of the process, if it was asked for before.
    pub fn find_kept<T: OfProcess>(&self) -> Option<Arc<T>> {
        self.kept.with(|kept| find(kept))
    }

    /// What a component keeps of the process, made when it is first asked for.
    pub fn kept<T: OfProcess>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(there) = self.find_kept() {
            return there;
        }
        let new = Arc::new(make());
        self.kept.with(|kept| {
            find(kept).unwrap_or_else(|| {
                kept.push(new.clone());
                new
            })
        })
    }

    /// Becomes a child of `parent` in what components keep.
    pub fn inherit(&self, parent: &Process) {
        let kept: Vec<_> = parent.kept.with(|kept| kept.clone());
        let mine = kept.iter().map(|one| one.of_child()).collect();
        drop(self.kept.with(|place| core::mem::replace(place, mine)));
    }

    /// Makes the descriptors those of another process of the same instance. `ENOMEM` if they do
    /// not fit into the instance's memory: those that did are there.
    pub fn copy_files(&self, lwp: &Lwp<'_>, from: &Process) -> Result<(), Errno> {
        let copies = from.files.read(lwp, Descriptors::copy);
        self.close_all(lwp);
        for (at, entry) in copies {
            self.put(lwp, at, entry)?;
        }
        Ok(())
    }

    /// Opens a file at the lowest free descriptor. Of `flags`, the access mode, `O_NONBLOCK` and
    /// `O_CLOEXEC` count. `EMFILE` if the table is full, `ENOMEM` if there is no memory: the file
    /// is then closed.
    pub fn open(&self, lwp: &Lwp<'_>, file: Arc<dyn File>, flags: u32) -> Result<NewFd, Errno> {
        let open = OpenFile::new(lwp, file, flags)?;
        self.insert(lwp, open, 0, flags & O_CLOEXEC != 0)
    }

    fn insert(
        &self,
        lwp: &Lwp<'_>,
        open: Arc<OpenFile>,
        least: usize,
        close_on_exec: bool,
    ) -> Result<NewFd, Errno> {
        let entry = Entry {
            open,
            close_on_exec,
        };
        let inserted = self.files.write(|files| files.insert(entry, least));
        match inserted {
            Ok(at) => Ok(NewFd(at as i32)),
            Err((errno, entry)) => {
                entry.open.release(lwp);
                Err(errno)
            }
        }
    }

    /// Puts an entry in a place and closes what was there.
    fn put(&self, lwp: &Lwp<'_>, at: usize, entry: Entry) -> Result<(), Errno> {
        let replaced = self.files.write(|files| files.replace(at, entry));
        match replaced {
            Ok(old) => {
                if let Some(old) = old {
                    self.leave(lwp, old);
                }
                Ok(())
            }
            Err((errno, entry)) => {
                entry.open.release(lwp);
                Err(errno)
            }
        }
    }

    /// Gives up what a descriptor stood for.
    fn leave(&self, lwp: &Lwp<'_>, entry: Entry) {
        entry.open.file().left(lwp, self.pid);
        entry.open.release(lwp);
    }

    /// Another descriptor, the lowest from `least` on, for the same open file.
    pub(crate) fn dup(
        &self,
        lwp: &Lwp<'_>,
        fd: Fd,
        least: i32,
        close_on_exec: bool,
    ) -> Result<NewFd, Errno> {
        let open = self.get(lwp, fd)?;
        let least = usize::try_from(least).unwrap_or(MAX_FILES);
        if least >= MAX_FILES {
            open.release(lwp);
            return Err(Errno::EINVAL);
        }
        self.insert(lwp, open, least, close_on_exec)
    }

    /// Makes `to` stand for the open file of `from`; what it stood for is closed.
    pub(crate) fn dup_to(
        &self,
        lwp: &Lwp<'_>,
        from: Fd,
        to: Fd,
        close_on_exec: bool,
    ) -> Result<NewFd, Errno> {
        let open = self.get(lwp, from)?;
        let at = usize::try_from(to.0).unwrap_or(MAX_FILES);
        if at >= MAX_FILES {
            open.release(lwp);
            return Err(Errno::EBADF);
        }
        let entry = Entry {
            open,
            close_on_exec,
        };
        self.put(lwp, at, entry)?;
        Ok(NewFd(to.0))
    }

    /// Closes a descriptor.
    pub(crate) fn close(&self, lwp: &Lwp<'_>, fd: Fd) -> Result<(), Errno> {
        let entry = self.files.write(|files| files.remove(fd))?;
        self.leave(lwp, entry);
        Ok(())
    }

    /// Opens a descriptor, the lowest free one, for a file that is open already. `EMFILE`, `ENOMEM`: that
    /// reference is then released.
    pub fn install(
        &self,
        lwp: &Lwp<'_>,
        open: Arc<OpenFile>,
        close_on_exec: bool,
    ) -> Result<NewFd, Errno> {
        self.insert(lwp, open, 0, close_on_exec)
    }

    /// The open file of a descriptor; to be [released](OpenFile::release). `EBADF` if there is none.
    pub fn get(&self, lwp: &Lwp<'_>, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
        self.files
            .read(lwp, |files| Ok(files.get(fd)?.open.clone()))
    }

    /// Runs `f` with the open file of a descriptor, which stays open until `f` is done. `EBADF` if
    /// there is none.
    #[inline]
    pub fn with_file<R>(
        &self,
        lwp: &Lwp<'_>,
        fd: Fd,
        f: impl FnOnce(&Arc<OpenFile>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let open = self.get(lwp, fd)?;
        let result = f(&open);
        open.release(lwp);
        result
    }

    pub(crate) fn close_on_exec(&self, lwp: &Lwp<'_>, fd: Fd) -> Result<bool, Errno> {
        self.files
            .read(lwp, |files| Ok(files.get(fd)?.close_on_exec))
    }

    pub(crate) fn set_close_on_exec(&self, fd: Fd, on: bool) -> Result<(), Errno> {
        self.files.write(|files| {
            files.get_mut(fd)?.close_on_exec = on;
            Ok(())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What a panic left behind is in any state: nothing of it runs again.
        if self.instance.is_killed() {
            self.files.get_mut().clear().for_each(core::mem::forget);
        }
    }
}
