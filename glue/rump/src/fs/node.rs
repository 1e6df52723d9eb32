//! Files by their inodes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::consts::{O_CLOEXEC, RENAME_NOREPLACE};
use syscall::{StatFs, UserOut};
use vfs::{Changes, Kind, Vnode, inodes};

use crate::fs::{DirEntry, File, FileType, Metadata, OpenOptions, Usage, all_of};
use crate::{Descriptor, Kernel, Result};

/// A file by its inode, whatever names it has and gets: for servers of files, whose clients hold on to inodes, and for
/// walks through a tree that nothing leads out of. An inode somebody has a node of stays.
#[derive(Clone)]
pub struct Node {
    kernel: Kernel,
    vnode: Arc<Vnode>,
}

impl Node {
    /// What a path leads to; a symbolic link at its end is itself.
    pub fn open(kernel: &Kernel, path: impl AsRef<[u8]>) -> Result<Node> {
        let vnode = kernel.enter(|lwp| inodes::find(lwp, path.as_ref().into()))?;
        Ok(Node {
            kernel: kernel.clone(),
            vnode,
        })
    }

    fn with(&self, vnode: Arc<Vnode>) -> Node {
        Node {
            kernel: self.kernel.clone(),
            vnode,
        }
    }

    /// Its number, which no other of the same file system has as long as the node is there.
    pub fn number(&self) -> u64 {
        self.vnode.number()
    }

    /// What it is.
    pub fn file_type(&self) -> FileType {
        FileType::of_bits(self.vnode.kind().bits())
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.vnode.is_directory()
    }

    /// What has a name in this directory; a symbolic link is itself. `EINVAL` for `.`, `..` and what is no name.
    pub fn lookup(&self, name: impl AsRef<[u8]>) -> Result<Node> {
        let found = self
            .kernel
            .enter(|lwp| inodes::lookup(lwp, &self.vnode, name.as_ref()))?;
        Ok(self.with(found))
    }

    /// What is known of it.
    pub fn metadata(&self) -> Result<Metadata> {
        let stat = self.kernel.enter(|lwp| inodes::status(lwp, &self.vnode))?;
        Ok(Metadata::from(stat))
    }

    /// How full its file system is.
    pub fn usage(&self) -> Result<Usage> {
        Ok(Usage::new(&self.status_of_all()?))
    }

    /// The same, as `statfs` says it.
    pub fn status_of_all(&self) -> Result<StatFs> {
        self.kernel.enter(|lwp| inodes::usage(lwp, &self.vnode))
    }

    /// What a symbolic link says.
    pub fn read_link(&self) -> Result<Vec<u8>> {
        self.kernel.enter(|lwp| inodes::read_link(lwp, &self.vnode))
    }

    /// Up to `most` entries of this directory but `.` and `..`, from the one at `from` on (zero: the first), each with
    /// where to go on behind it. Nothing at the end.
    pub fn entries(&self, from: u64, most: usize) -> Result<Vec<(DirEntry, u64)>> {
        let mut all = Vec::new();
        self.kernel.enter(|lwp| {
            inodes::entries(lwp, &self.vnode, from, &mut |entry| {
                if all.len() == most {
                    return false;
                }
                let kind = entry.kind.map(|kind| FileType::of_bits(kind.bits()));
                let taken = DirEntry {
                    name: entry.name.to_vec(),
                    inode: entry.number,
                    file_type: kind,
                };
                all.push((taken, entry.next));
                true
            })
        })?;
        Ok(all)
    }

    /// Opens it for reading.
    pub fn read(&self) -> Result<File> {
        self.open_with(OpenOptions::new().read(true))
    }

    /// Opens it. Options that make files mean nothing here.
    pub fn open_with(&self, options: &OpenOptions) -> Result<File> {
        let flags = options.flags()? | O_CLOEXEC;
        let open = Descriptor::open(&self.kernel, |lwp| {
            let file = inodes::open(lwp, &self.vnode, flags)?;
            lwp.process().open(lwp, file, flags)
        });
        open.map(File::from)
    }

    /// Makes something in this directory with exactly these permissions; `target` is what a symbolic link says, and
    /// nothing for others.
    pub fn create(
        &self,
        name: impl AsRef<[u8]>,
        kind: Kind,
        mode: u32,
        target: &[u8],
    ) -> Result<Node> {
        let name = name.as_ref();
        let made = self
            .kernel
            .enter(|lwp| inodes::create(lwp, &self.vnode, name, kind, mode, target))?;
        Ok(self.with(made))
    }

    /// Gives it one more name, in a directory.
    pub fn link(&self, directory: &Node, name: impl AsRef<[u8]>) -> Result<()> {
        self.kernel
            .enter(|lwp| inodes::link(lwp, &self.vnode, &directory.vnode, name.as_ref()))
    }

    /// Takes a name in this directory away: that of an empty directory, or of anything else.
    pub fn remove(&self, name: impl AsRef<[u8]>, is_directory: bool) -> Result<()> {
        self.kernel
            .enter(|lwp| inodes::remove(lwp, &self.vnode, name.as_ref(), is_directory))
    }

    /// Gives what has a name in this directory another; what has that loses it.
    pub fn rename(
        &self,
        name: impl AsRef<[u8]>,
        to: &Node,
        new_name: impl AsRef<[u8]>,
    ) -> Result<()> {
        self.rename_with(name, to, new_name, 0)
    }

    /// The same, but `EEXIST` if something has that name.
    pub fn rename_new(
        &self,
        name: impl AsRef<[u8]>,
        to: &Node,
        new_name: impl AsRef<[u8]>,
    ) -> Result<()> {
        self.rename_with(name, to, new_name, RENAME_NOREPLACE)
    }

    /// The same, with flags as `renameat2` has them.
    pub fn rename_with(
        &self,
        name: impl AsRef<[u8]>,
        to: &Node,
        new_name: impl AsRef<[u8]>,
        flags: u32,
    ) -> Result<()> {
        let (from, to) = ((&self.vnode, name.as_ref()), (&to.vnode, new_name.as_ref()));
        self.kernel
            .enter(|lwp| inodes::rename(lwp, from, to, flags))
    }

    /// Changes permissions, owner, size, times.
    pub fn change(&self, changes: &Changes) -> Result<()> {
        self.kernel
            .enter(|lwp| inodes::change(lwp, &self.vnode, changes))
    }

    /// The value of an extended attribute. `ENODATA` if there is none.
    pub fn xattr(&self, name: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        all_of(|to| {
            let to: UserOut<'_> = to.into();
            self.kernel
                .enter(|lwp| inodes::xattr(lwp, &self.vnode, name.as_ref().into(), to))
        })
    }

    /// The names of all extended attributes.
    pub fn xattrs(&self) -> Result<Vec<Vec<u8>>> {
        let names = all_of(|to| {
            let to: UserOut<'_> = to.into();
            self.kernel
                .enter(|lwp| inodes::xattrs(lwp, &self.vnode, to))
        })?;
        let names = names.split(|byte| *byte == 0);
        let names = names.filter(|name| !name.is_empty());
        Ok(names.map(<[u8]>::to_vec).collect())
    }

    /// Sets an extended attribute, with flags as `setxattr` has them; zero is any.
    pub fn set_xattr(&self, name: impl AsRef<[u8]>, value: &[u8], flags: u32) -> Result<()> {
        self.kernel.enter(|lwp| {
            inodes::set_xattr(lwp, &self.vnode, name.as_ref().into(), value.into(), flags)
        })
    }

    /// Takes an extended attribute away.
    pub fn remove_xattr(&self, name: impl AsRef<[u8]>) -> Result<()> {
        self.kernel
            .enter(|lwp| inodes::remove_xattr(lwp, &self.vnode, name.as_ref().into()))
    }

    /// Has everything of its file system survive a loss of power.
    pub fn sync_all(&self) -> Result<()> {
        self.kernel.enter(|lwp| inodes::sync(lwp, &self.vnode))
    }
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "inode {} of {:?}", self.number(), self.kernel)
    }
}
