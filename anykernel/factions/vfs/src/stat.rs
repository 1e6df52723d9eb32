//! What `stat` and `statfs` say.

use alloc::sync::Arc;

use base::{Errno, Lwp};
use syscall::consts::ST_RDONLY;
use syscall::{Stamp, Stat, StatFs};

use crate::{Device, Mount, Time, Vnode};

/// Bytes that are best read or written at once.
const BEST: u32 = 4096;

fn stamp(time: Time) -> Stamp {
    Stamp {
        seconds: time.seconds,
        nanoseconds: time.nanoseconds,
    }
}

/// A number for a mount, as long as it lasts.
fn identity(mount: &Arc<Mount>) -> u64 {
    u64::from(mount.number())
}

/// What `stat` says of a vnode.
pub(crate) fn stat(lwp: &Lwp<'_>, vnode: &Arc<Vnode>) -> Result<Stat, Errno> {
    let known = vnode.attributes(lwp)?;
    Ok(Stat {
        device: identity(vnode.mount()),
        inode: known.number,
        mode: known.kind.bits() | known.mode,
        links: known.links,
        user: known.owner,
        group: known.group,
        unit: known.kind.device().map_or(0, Device::number),
        size: known.size,
        block_size: BEST,
        blocks: vnode.space(lwp, &known).div_ceil(512),
        accessed: stamp(known.accessed),
        modified: stamp(known.modified),
        changed: stamp(known.changed),
        created: known.created.map(stamp),
    })
}

/// What `statfs` says of a mount.
pub(crate) fn statfs(lwp: &Lwp<'_>, mount: &Arc<Mount>) -> Result<StatFs, Errno> {
    let usage = mount.usage(lwp)?;
    Ok(StatFs {
        kind: mount.properties().magic,
        block_size: usage.block_size,
        blocks: usage.blocks,
        free_blocks: usage.free_blocks,
        available_blocks: usage.free_blocks,
        inodes: usage.inodes,
        free_inodes: usage.free_inodes,
        identity: identity(mount),
        longest_name: mount.properties().longest_name,
        flags: if mount.is_read_only() { ST_RDONLY } else { 0 },
    })
}
