//! A mounted FAT, one call at a time.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Exclusive, Failure, Lwp};
use bio::Volume;
use vfs::{
    Attributes, Changes, Creation, Entry, FileSystem, Ino, Kind, Place, Properties, Storage, Time,
    Usage,
};

use crate::entry;
use crate::index::Indexes;
use crate::layout::Layout;
use crate::name::LONGEST;
use crate::node::{Nodes, ROOT};
use crate::state::State;
use crate::table::Table;

/// Linux's number for it.
const MAGIC: u32 = 0x4d44;
/// Bytes of a unit of a name, at most.
const BYTES_A_UNIT: usize = 3;

/// A mounted FAT.
pub(crate) struct Fat {
    state: Exclusive<Box<State>>,
    read_only: bool,
    block_size: u32,
    blocks: u32,
}

impl Fat {
    /// Mounts what is on a volume.
    pub(crate) fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Fat, Failure> {
        let layout = Layout::read(lwp, &volume)?;
        let (block_size, blocks) = (layout.cluster_size, layout.clusters);
        let read_only = volume.read_only();
        let table = Table::open(lwp, volume, layout)?;
        let nodes = Nodes::new(&table)?;
        Ok(Fat {
            state: Exclusive::new(Box::new(State {
                table,
                nodes,
                indexes: Indexes::new(),
            })),
            read_only,
            block_size,
            blocks,
        })
    }

    /// Does something that may change something.
    fn with<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.state.with(lwp, |state| f(state))?
    }
}

impl FileSystem for Fat {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Medium,
            read_only: self.read_only,
            largest_file: u64::from(u32::MAX),
            longest_name: (LONGEST * BYTES_A_UNIT) as u32,
            folds_case: true,
        }
    }

    fn root(&self) -> Ino {
        ROOT
    }

    fn usage(&self, lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        let free = self.with(lwp, |state| state.table.free_clusters(lwp))?;
        Ok(Usage {
            block_size: self.block_size,
            blocks: u64::from(self.blocks),
            free_blocks: u64::from(free),
            inodes: 0,
            free_inodes: 0,
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        self.with(lwp, |state| state.lookup(lwp, place))
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        self.with(lwp, |state| {
            let node = state.nodes.get(inode)?;
            let entry = node.entry;
            let cluster = u64::from(state.table.layout.cluster_size);
            let (kind, size) = match entry.is_directory() {
                true => {
                    let end = node.chain.end(lwp, &state.table)?;
                    let clusters = end.map_or(0, |(count, _)| count);
                    (Kind::Directory, u64::from(clusters) * cluster)
                }
                false => (Kind::File, u64::from(entry.size())),
            };
            let is_fixed = kind == Kind::File && entry.attributes() & entry::READ_ONLY != 0;
            // The root has no times.
            let of_entry = |time: Time| match inode {
                ROOT => Time::default(),
                _ => time,
            };
            let modified = of_entry(entry.modified());
            Ok(Attributes {
                number: inode,
                kind,
                mode: if is_fixed { 0o555 } else { 0o755 },
                links: u32::from(node.slot.is_some() || inode == ROOT),
                owner: 0,
                group: 0,
                size,
                space: size.next_multiple_of(cluster),
                accessed: of_entry(entry.accessed()),
                modified,
                changed: modified,
                created: entry.created().filter(|_| inode != ROOT),
            })
        })
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let mut from = u32::try_from(from).unwrap_or(u32::MAX);
        // Nobody is called with the lock held: who is given entries may ask for them.
        loop {
            let some = self.with(lwp, |state| state.some(lwp, directory, from))?;
            for (one, number) in &some {
                from = one.slot.index + 1;
                let more = each(Entry {
                    name: one.name.as_bytes(),
                    number: *number,
                    kind: Some(match one.entry.is_directory() {
                        true => Kind::Directory,
                        false => Kind::File,
                    }),
                    next: u64::from(from),
                });
                if !more {
                    return Ok(());
                }
            }
            if some.is_empty() {
                return Ok(());
            }
        }
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        self.with(lwp, |state| {
            match state.nodes.get(file)?.entry.is_directory() {
                true => Err(Errno::EISDIR),
                false => state.read(lwp, file, offset, to),
            }
        })
    }

    fn read_link(&self, _lwp: &Lwp<'_>, _link: Ino) -> Result<Vec<u8>, Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        self.with(lwp, |state| state.write(lwp, file, offset, from))
    }

    fn change(&self, lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        self.with(lwp, |state| state.change(lwp, inode, changes))
    }

    fn create(&self, lwp: &Lwp<'_>, place: Place<'_>, new: &Creation<'_>) -> Result<Ino, Errno> {
        self.with(lwp, |state| state.create(lwp, place, new))
    }

    fn link(&self, _lwp: &Lwp<'_>, _inode: Ino, _place: Place<'_>) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    fn remove(&self, lwp: &Lwp<'_>, _place: Place<'_>, inode: Ino) -> Result<(), Errno> {
        self.with(lwp, |state| state.remove(lwp, inode))
    }

    fn rename(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        _from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        self.with(lwp, |state| state.rename(lwp, inode, to, replaced))
    }

    fn forget(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        self.with(lwp, |state| state.forget(inode))
    }

    fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.with(lwp, |state| state.table.sync(lwp))
    }

    fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.with(lwp, |state| state.table.close(lwp))
    }
}
