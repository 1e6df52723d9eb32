//! A mounted file system: the crate's, and what the glue knows besides.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

use base::{Charge, Errno, Exclusive, Lender, Lwp};
use rsext4::{
    Ext4, Ext4Error, Ext4Result, FileName, InodeInfo, InodeMetadataUpdate, InodeNumber,
    MountOptions, MountServices, MountedServices, NoopObserver, UnlinkOutcome,
};
use vfs::{Attributes, Device, Ino, Kind, Place, Time};

use crate::blocks;
use crate::change::timestamp;
use crate::contents::Contents;
use crate::error::errno;
use crate::layout::Layout;
use crate::medium::{Medium, Now, SharedNow};
use crate::source::Source;
use crate::times::{self, Times, Which};

/// The inode of the root directory.
pub(crate) const ROOT: u32 = 2;

/// What a group takes in the crate's memory, with what it keeps to undo a change.
const GROUP: u64 = 512;

/// What a block of the journal takes.
const JOURNAL_BLOCK: u64 = 64;

/// Changes that make a transaction. Each costs the crate a copy of all there is in the transaction so far, so this is
/// what small changes cost; and a transaction costs two flushes of the disk.
const TRANSACTION: u32 = 256;

type Crate = Ext4<Medium, MountedServices<(), NoopObserver, ()>>;

/// A mounted file system.
pub(crate) struct Ext4FileSystem {
    pub(crate) source: Arc<Source>,
    pub(crate) layout: Layout,
    lender: Arc<Lender>,
    now: Arc<Now>,
    state: Exclusive<Box<State>>,
    _charge: Charge,
}

/// What one operation at a time has.
pub(crate) struct State {
    pub(crate) ext4: Crate,
    pub(crate) times: Times,
    /// Changes in the transaction that is open.
    changes: u32,
    /// Directories that may have grown.
    pub(crate) grown: BTreeSet<InodeNumber>,
    /// Inodes without a name that are not forgotten yet.
    pub(crate) nameless: BTreeSet<u32>,
    pub(crate) contents: Contents,
    /// Inodes that claim no more than there is: what changes them here keeps that so.
    checked: BTreeSet<u32>,
}

impl Ext4FileSystem {
    pub(crate) fn mount(lwp: &Lwp<'_>, mut source: Source, layout: Layout) -> Ext4Result<Self> {
        layout.superblock().validate_geometry()?;
        let charge = charge(lwp, &source, &layout)?;
        let padding = layout.padding(lwp, &source);
        let padding =
            padding.map_err(|_| Ext4Error::corrupted().with_operation("group descriptors"))?;
        for inode in layout.used_by_mounts(lwp, &source) {
            let checked = blocks::check(lwp, &source, &layout, inode);
            checked.map_err(|_| Ext4Error::corrupted().with_operation("claims of an inode"))?;
        }
        let lender = Arc::new(Lender::new());
        let now = Now::new();
        now.set(Time::now());
        let mut options = MountOptions::read_write();
        if source.volume.read_only() {
            options = MountOptions::read_only_no_journal_replay();
            if layout.left_a_journal() {
                options.replay_journal = true;
                source.set_aside(lwp.instance().memory());
            }
        }
        let source = Arc::new(source);
        let medium = Medium::new(source.clone(), lender.clone(), padding);
        let services = MountServices::new(SharedNow(now.clone()), (), NoopObserver);
        let ext4 = lender.lend(lwp, || Ext4::mount(medium, services, options))?;
        Ok(Ext4FileSystem {
            source,
            layout,
            lender,
            now,
            state: Exclusive::new(Box::new(State {
                ext4,
                times: Times::new(),
                changes: 0,
                grown: BTreeSet::new(),
                nameless: BTreeSet::new(),
                contents: Contents::default(),
                checked: BTreeSet::new(),
            })),
            _charge: charge,
        })
    }

    /// Does something that happens at a certain time.
    pub(crate) fn at<R>(
        &self,
        lwp: &Lwp<'_>,
        time: Time,
        f: impl FnOnce(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.state.with(lwp, |state| {
            self.now.set(time);
            self.lender.lend(lwp, || f(state))
        })?
    }

    /// Has everything on the disk.
    pub(crate) fn sync_all(&self, lwp: &Lwp<'_>, state: &mut State) -> Result<(), Errno> {
        if state.changes > 0 {
            self.make_room(lwp, state)?;
        }
        state.changes = 0;
        state.ext4.sync().map_err(errno)?;
        state.contents.synced();
        Ok(())
    }

    /// Has room in the journal for what follows: the crate writes its superblock outside a transaction, and cannot make any
    /// then. A change inside one does, to what is there already.
    pub(crate) fn make_room(&self, lwp: &Lwp<'_>, state: &mut State) -> Result<(), Errno> {
        let root = number(ROOT.into())?;
        let known = self.attributes_of(lwp, state, root)?;
        let update = InodeMetadataUpdate {
            atime: Some(timestamp(known.accessed)),
            ..InodeMetadataUpdate::default()
        };
        self.now.set(known.changed);
        let made = state.update(root, update);
        self.now.set(Time::now());
        made.map(drop)
    }

    /// Changes something at a certain time.
    pub(crate) fn change_at<R>(
        &self,
        lwp: &Lwp<'_>,
        time: Time,
        f: impl FnOnce(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.at(lwp, time, |state| {
            state.changes += 1;
            let result = f(state)?;
            if state.changes >= TRANSACTION {
                self.sync_all(lwp, state)?;
            }
            Ok(result)
        })
    }

    /// Does something that leaves times as they are.
    pub(crate) fn with<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.state
            .with(lwp, |state| self.lender.lend(lwp, || f(state)))?
    }

    /// Reads, which leaves the time of the last access as it is: who knows of accesses says so.
    pub(crate) fn read_at(
        &self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        to: &mut [u8],
    ) -> Result<usize, Errno> {
        let file = number(file)?;
        self.check_range(offset, to.len() as u64, Errno::EUCLEAN)?;
        self.with(lwp, |state| {
            if !self.source.volume.read_only() {
                let accessed = state.ext4.inode(file).map_err(errno)?.atime;
                let on_disk = self.layout.inode(lwp, &self.source, file.raw()).ok();
                let accessed =
                    state
                        .times
                        .get(file.raw(), Which::Accessed, accessed, on_disk.as_ref());
                self.now.set(accessed);
            }
            state.ext4.read_inode(file, offset, to).map_err(errno)
        })
    }

    /// Refuses, with this error, what is beyond the largest file: the crate takes such places for others.
    pub(crate) fn check_range(&self, offset: u64, len: u64, errno: Errno) -> Result<(), Errno> {
        let end = offset.checked_add(len);
        match end.is_some_and(|end| end <= self.layout.largest_file()) {
            true => Ok(()),
            false => Err(errno),
        }
    }

    /// What is known of an inode.
    pub(crate) fn attributes_of(
        &self,
        lwp: &Lwp<'_>,
        state: &mut State,
        inode: InodeNumber,
    ) -> Result<Attributes, Errno> {
        let info = state.ext4.inode(inode).map_err(errno)?;
        self.check_range(info.size, 0, Errno::EUCLEAN)?;
        let on_disk = self.layout.inode(lwp, &self.source, inode.raw()).ok();
        let time = |which, seconds| {
            state
                .times
                .get(inode.raw(), which, seconds, on_disk.as_ref())
        };
        Ok(Attributes {
            number: inode.raw().into(),
            kind: kind(&info)?,
            mode: u32::from(info.mode) & 0o7777,
            links: info.links.into(),
            owner: info.uid,
            group: info.gid,
            size: info.size,
            space: info.blocks.saturating_mul(512),
            accessed: time(Which::Accessed, info.atime),
            modified: time(Which::Modified, info.mtime),
            changed: time(Which::Changed, info.ctime),
            created: (self.layout.superblock().s_inode_size > 128)
                .then(|| time(Which::Created, info.btime)),
        })
    }

    /// The inode of a name.
    pub(crate) fn find(
        &self,
        lwp: &Lwp<'_>,
        state: &mut State,
        place: Place<'_>,
    ) -> Result<InodeInfo, Errno> {
        let found = state
            .ext4
            .lookup_child(number(place.directory)?, name(place)?);
        let info = found.map_err(errno)?.ok_or(Errno::ENOENT)?;
        self.check(&info)?;
        let number = info.number.raw();
        if !state.checked.contains(&number) {
            blocks::check(lwp, &self.source, &self.layout, number)?;
            if state.checked.len() == MOST_CHECKED {
                state.checked.clear();
            }
            state.checked.insert(number);
        }
        Ok(info)
    }

    /// Refuses what no name is for: the file system's own inodes, and those that are free.
    pub(crate) fn check(&self, info: &InodeInfo) -> Result<(), Errno> {
        let number = info.number.raw();
        let own = number < self.layout.first_inode() && number != ROOT;
        match own || info.mode == 0 || info.links == 0 {
            true => Err(Errno::EUCLEAN),
            false => Ok(()),
        }
    }
}

/// Inodes that are remembered to have been checked.
const MOST_CHECKED: usize = 64 * 1024;

/// Directories that are remembered to have grown.
const MOST_GROWN: usize = 64 * 1024;

impl State {
    /// A name was added to a directory.
    pub(crate) fn named(&mut self, directory: InodeNumber, time: Time) {
        self.times.set(directory.raw(), times::CONTENTS, time);
        if self.grown.len() < MOST_GROWN {
            self.grown.insert(directory);
        }
    }

    /// A name was taken away from an inode, which stays until it is forgotten.
    pub(crate) fn unlinked(&mut self, outcome: UnlinkOutcome) {
        if outcome.requires_reap() {
            self.nameless.insert(outcome.inode.raw());
        }
    }
}

/// The number of an inode, as the crate has it.
pub(crate) fn number(inode: Ino) -> Result<InodeNumber, Errno> {
    InodeNumber::from_u64(inode).map_err(|_| Errno::ENOENT)
}

/// A name, as the crate has it.
pub(crate) fn name<'a>(place: Place<'a>) -> Result<FileName<'a>, Errno> {
    FileName::new(place.name).map_err(errno)
}

fn kind(info: &InodeInfo) -> Result<Kind, Errno> {
    let device = info.device_number.map(|device| Device {
        major: device.major(),
        minor: device.minor(),
    });
    let none = Device { major: 0, minor: 0 };
    Kind::of_bits(info.mode.into(), device.unwrap_or(none))
}

/// Charges what the crate keeps of the whole file system as long as it is mounted, which an image can claim to be anything.
fn charge(lwp: &Lwp<'_>, source: &Source, layout: &Layout) -> Ext4Result<Charge> {
    let groups = layout.superblock().checked_block_groups_count()?;
    let journal = layout.journal_blocks(lwp, source)?;
    let bytes = u64::from(groups) * GROUP + journal.saturating_mul(JOURNAL_BLOCK);
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let charge = lwp.instance().memory().charge_bulk(bytes);
    charge.map_err(|_| Ext4Error::no_memory().with_operation("mount: groups and journal"))
}
