//! Directories: those of the host that kernels may use, with all that is in them.
//!
//! A handle is a descriptor of the file itself (`O_PATH`), found by one name in the descriptor of its directory. So no
//! path of the host is ever followed, and what others move or exchange meanwhile leads nowhere else.

mod entries;
mod names;
mod node;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use hypercall::{Bytes, BytesMut, Errno, HostChanges, HostFile, HostUsage};

use crate::Platform;
use names::Name;
use node::Node;

/// The files that kernels have handles of, with the root each was found below.
static NODES: RwLock<BTreeMap<u64, (u64, Arc<Node>)>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

fn nodes() -> RwLockWriteGuard<'static, BTreeMap<u64, (u64, Arc<Node>)>> {
    NODES.write().unwrap_or_else(PoisonError::into_inner)
}

fn entry(handle: u64) -> Result<(u64, Arc<Node>), Errno> {
    let nodes = NODES.read().unwrap_or_else(PoisonError::into_inner);
    nodes.get(&handle).cloned().ok_or(Errno::EBADF)
}

fn find(handle: u64) -> Result<Arc<Node>, Errno> {
    entry(handle).map(|(_, node)| node)
}

/// Gives a file a handle, below `root` or as a root itself.
fn add(root: Option<u64>, node: Node, file: &mut HostFile) -> Result<i64, Errno> {
    node.look(file)?;
    file.handle = NEXT.fetch_add(1, Relaxed);
    let root = root.unwrap_or(file.handle);
    nodes().insert(file.handle, (root, Arc::new(node)));
    Ok(file.handle as i64)
}

/// What a call says.
fn answer(result: Result<i64, Errno>) -> i64 {
    result.unwrap_or_else(Errno::to_answer)
}

/// What a call says that has nothing to say.
fn done(result: Result<(), Errno>) -> i64 {
    answer(result.map(|()| 0))
}

impl hypercall::HostFs for Platform {
    fn attach(path: Bytes<'_>, root: &mut HostFile) -> i64 {
        answer(Node::root(path.as_slice()).and_then(|node| add(None, node, root)))
    }

    fn detach(root: u64) {
        let mut gone = Vec::new();
        nodes().retain(|_, (below, node)| {
            let stays = *below != root;
            if !stays {
                gone.push(node.clone());
            }
            stays
        });
        // Descriptors are closed with no lock held.
        drop(gone);
    }

    fn find(directory: u64, name: Bytes<'_>, file: &mut HostFile) -> i64 {
        answer(entry(directory).and_then(|(root, directory)| {
            let found = directory.find(&Name::new(name)?)?;
            add(Some(root), found, file)
        }))
    }

    fn close(file: u64) {
        let gone = nodes().remove(&file);
        drop(gone);
    }

    fn look(file: u64, about: &mut HostFile) -> i64 {
        about.handle = 0;
        done(find(file).and_then(|file| file.look(about)))
    }

    fn entries(directory: u64, from: u64, mut to: BytesMut<'_>) -> i64 {
        answer(find(directory).and_then(|directory| {
            let directory = directory.open_directory()?;
            entries::fill(&directory, from, to.as_mut_slice())
        }))
    }

    fn read(file: u64, offset: u64, mut to: BytesMut<'_>) -> i64 {
        answer(find(file).and_then(|file| file.read(offset, to.as_mut_slice())))
    }

    fn write(file: u64, offset: u64, from: Bytes<'_>) -> i64 {
        done(find(file).and_then(|file| file.write(offset, from.as_slice())))
    }

    fn read_link(link: u64, mut to: BytesMut<'_>) -> i64 {
        answer(find(link).and_then(|link| link.read_link(to.as_mut_slice())))
    }

    fn change(file: u64, changes: &HostChanges) -> i64 {
        done(find(file).and_then(|file| file.change(changes)))
    }

    fn create(
        directory: u64,
        name: Bytes<'_>,
        mode: u32,
        target: Bytes<'_>,
        file: &mut HostFile,
    ) -> i64 {
        answer(entry(directory).and_then(|(root, directory)| {
            let node = directory.create(&Name::new(name)?, mode, target.as_slice())?;
            add(Some(root), node, file)
        }))
    }

    fn link(file: u64, directory: u64, name: Bytes<'_>) -> i64 {
        done(find(file).and_then(|file| file.link(&*find(directory)?, &Name::new(name)?)))
    }

    fn remove(directory: u64, name: Bytes<'_>, is_directory: bool) -> i64 {
        done(
            find(directory).and_then(|directory| directory.remove(&Name::new(name)?, is_directory)),
        )
    }

    fn rename(
        directory: u64,
        name: Bytes<'_>,
        to: u64,
        new_name: Bytes<'_>,
        exchange: bool,
    ) -> i64 {
        done(find(directory).and_then(|directory| {
            let (name, new_name) = (Name::new(name)?, Name::new(new_name)?);
            directory.rename(&name, &*find(to)?, &new_name, exchange)
        }))
    }

    fn reserve(file: u64, offset: u64, len: u64, punch: bool) -> i64 {
        done(find(file).and_then(|file| file.reserve(offset, len, punch)))
    }

    fn seek(file: u64, offset: u64, hole: bool) -> i64 {
        answer(find(file).and_then(|file| file.seek(offset, hole)))
    }

    fn xattr(file: u64, name: Bytes<'_>, mut to: BytesMut<'_>) -> i64 {
        answer(find(file).and_then(|file| file.xattr(name.as_slice(), to.as_mut_slice())))
    }

    fn set_xattr(file: u64, name: Bytes<'_>, value: Bytes<'_>, flags: u32) -> i64 {
        done(find(file).and_then(|file| file.set_xattr(name.as_slice(), value.as_slice(), flags)))
    }

    fn usage(file: u64, usage: &mut HostUsage) -> i64 {
        done(find(file).and_then(|file| file.usage(usage)))
    }

    fn sync(file: u64, data_only: bool) -> i64 {
        done(find(file).and_then(|file| file.sync(data_only)))
    }

    fn sync_all(file: u64) -> i64 {
        done(find(file).and_then(|file| file.sync_all()))
    }
}

#[cfg(test)]
mod tests;
