//! Directories: entries one after the other, each with the pieces of its long name before it.

use alloc::string::String;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Ino, Time};

use crate::entry::{self, Entry};
use crate::index::Index;
use crate::layout::Root;
use crate::name::{self, Pieces};
use crate::node::{Node, ROOT, Slot};
use crate::state::State;
use crate::table::Table;

/// The most entries of a directory.
const MOST: u32 = 65_536;
/// Bytes read at a time.
const CHUNK: usize = 4096;
/// Entries given at a time.
const SOME: usize = 128;

/// What a directory has under a name.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) entry: Entry,
    pub(crate) slot: Slot,
}

/// Where the entry of a place in a directory is on the disk, and how many bytes follow it there that are the directory's.
fn place(
    lwp: &Lwp<'_>,
    table: &Table,
    node: &mut Node,
    index: u32,
) -> Result<Option<(u64, usize)>, Errno> {
    let byte = index * entry::LEN as u32;
    if let (Root::Fixed { at, len }, 0) = (table.layout.root, node.chain.first()) {
        let rest = len.checked_sub(byte).filter(|rest| *rest > 0);
        return Ok(rest.map(|rest| (at + u64::from(byte), rest as usize)));
    }
    let size = table.layout.cluster_size;
    let cluster = node.chain.at(lwp, table, byte / size)?;
    let within = byte % size;
    Ok(cluster.map(|cluster| {
        let at = table.layout.place(cluster) + u64::from(within);
        (at, (size - within) as usize)
    }))
}

/// Gives everything that stands in a directory from a place on, until `each` returns `false`: its place there, where it
/// is on the disk, and what it is.
fn raw(
    lwp: &Lwp<'_>,
    table: &Table,
    node: &mut Node,
    mut index: u32,
    each: &mut dyn FnMut(u32, u64, Entry) -> Result<bool, Errno>,
) -> Result<(), Errno> {
    let mut chunk = [0; CHUNK];
    while index < MOST {
        let Some((at, len)) = place(lwp, table, node, index)? else {
            return Ok(());
        };
        let chunk = &mut chunk[..len.min(CHUNK)];
        table.volume.read_at(lwp, at, chunk)?;
        for (raw, at) in chunk
            .chunks_exact(entry::LEN)
            .zip((at..).step_by(entry::LEN))
        {
            let mut one = [0; entry::LEN];
            one.copy_from_slice(raw);
            if !each(index, at, Entry(one))? {
                return Ok(());
            }
            index += 1;
        }
    }
    // More than there may be is as if it went round.
    match place(lwp, table, node, index)? {
        None => Ok(()),
        Some(_) => Err(Errno::EUCLEAN),
    }
}

impl State {
    /// Gives what is in a directory from a place on, until `each` returns `false`.
    pub(crate) fn scan(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u32,
        each: &mut dyn FnMut(Found) -> bool,
    ) -> Result<(), Errno> {
        let node = self.nodes.directory(directory)?;
        let mut pieces = Pieces::default();
        raw(lwp, &self.table, node, from, &mut |index, place, entry| {
            match (entry.0[0], entry.attributes() & entry::ATTRIBUTES) {
                (entry::END, _) => return Ok(false),
                (entry::FREE, _) => {
                    pieces = Pieces::default();
                    return Ok(true);
                }
                (_, entry::LONG_NAME) => {
                    pieces.add(&entry);
                    return Ok(true);
                }
                (_, attributes) if attributes & entry::LABEL != 0 => return Ok(true),
                _ => {}
            }
            let long = pieces.take(&entry);
            // This directory, and the one it is in.
            if matches!(&entry.short(), b".          " | b"..         ") {
                return Ok(true);
            }
            let (name, count) = long.unwrap_or_else(|| (name::shown(&entry), 0));
            if matches!(&name[..], "" | "." | "..") || name.contains(['/', '\0']) {
                return Err(Errno::EUCLEAN);
            }
            let slot = Slot {
                directory,
                first: index - count as u32,
                index,
                place,
            };
            Ok(each(Found { name, entry, slot }))
        })
    }

    /// Some of what is in a directory from a place on, with the numbers: nothing at the end.
    pub(crate) fn some(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u32,
    ) -> Result<Vec<(Found, Ino)>, Errno> {
        let mut some = Vec::new();
        self.scan(lwp, directory, from, &mut |one| {
            some.push((one, 0));
            some.len() < SOME
        })?;
        for (one, number) in &mut some {
            *number = self.nodes.number(one.slot.place);
        }
        Ok(some)
    }

    /// What a directory has under a name, or a short name. Capitals do not count.
    pub(crate) fn find(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        wanted: &str,
    ) -> Result<Option<Found>, Errno> {
        self.first(lwp, directory, wanted, &|one| {
            let same = |name: &str| name::same(name, wanted);
            same(&one.name) || same(&name::shown(&one.entry))
        })
    }

    /// The first in a directory that `is` what is looked for, which is nothing without this name, or this short name.
    fn first(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        name: &str,
        is: &dyn Fn(&Found) -> bool,
    ) -> Result<Option<Found>, Errno> {
        let sum = name::hash(name);
        if self.indexes.of(directory).is_none()
            && let Ok(index) = self.index(lwp, directory)
        {
            self.indexes.remember(directory, index);
        }
        let Some(places) = self.indexes.places(directory, sum) else {
            let mut found = None;
            self.scan(lwp, directory, 0, &mut |one| {
                found = Some(one).filter(is);
                found.is_none()
            })?;
            return Ok(found);
        };
        for place in places {
            let found = self.at(lwp, directory, place)?.filter(is);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// What begins at a place in a directory, or the next behind it.
    fn at(&mut self, lwp: &Lwp<'_>, directory: Ino, place: u32) -> Result<Option<Found>, Errno> {
        let mut found = None;
        self.scan(lwp, directory, place, &mut |one| {
            found = Some(one);
            false
        })?;
        Ok(found)
    }

    /// What is to be remembered of a directory.
    fn index(&mut self, lwp: &Lwp<'_>, directory: Ino) -> Result<Index, Errno> {
        let mut index = Index::new(lwp.instance().memory());
        let mut added = Ok(());
        self.scan(lwp, directory, 0, &mut |one| {
            added = index.add(&one);
            added.is_ok()
        })?;
        added?;
        let node = self.nodes.directory(directory)?;
        raw(lwp, &self.table, node, 0, &mut |at, _, entry| {
            let first = entry.0[0];
            index.tell(at, matches!(first, entry::FREE | entry::END))?;
            Ok(first != entry::END)
        })?;
        Ok(index)
    }

    /// Whether there is nothing in a directory.
    pub(crate) fn is_empty(&mut self, lwp: &Lwp<'_>, directory: Ino) -> Result<bool, Errno> {
        let mut empty = true;
        self.scan(lwp, directory, 0, &mut |_| {
            empty = false;
            false
        })?;
        Ok(empty)
    }

    /// A short name for a name that nothing else in a directory has.
    pub(crate) fn short(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        name: &str,
    ) -> Result<[u8; 11], Errno> {
        for short in name::shorts(name) {
            let shown = name::shown(&Entry::new(short, 0, Time::default()));
            let taken = self.first(lwp, directory, &shown, &|one| one.entry.short() == short)?;
            if taken.is_none() {
                return Ok(short);
            }
        }
        Err(Errno::ENOSPC)
    }

    /// Puts an entry into a directory under a name, which it does not have. `ENOSPC`.
    pub(crate) fn insert(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        name: &str,
        entry: Entry,
    ) -> Result<Slot, Errno> {
        let entries = name::entries(name, entry);
        let slot = self.write_entries(lwp, directory, &entries);
        match slot {
            Ok(slot) => self.indexes.came(&Found {
                name: String::from(name),
                entry,
                slot,
            }),
            // Some of it may be there.
            Err(_) => self.indexes.forget(directory),
        }
        slot
    }

    /// The first places in a row that are free in a directory, and whether all behind them are.
    fn room(&mut self, lwp: &Lwp<'_>, directory: Ino, count: u32) -> Result<(u32, bool), Errno> {
        if let Some(index) = self.indexes.of(directory) {
            return Ok(index.room(count));
        }
        let node = self.nodes.directory(directory)?;
        let (mut first, mut end) = (0, true);
        raw(lwp, &self.table, node, 0, &mut |index, _, entry| {
            match entry.0[0] {
                entry::END => return Ok(false),
                entry::FREE => {}
                _ => first = index + 1,
            }
            end = index + 1 - first < count;
            Ok(end)
        })?;
        Ok((first, end))
    }

    /// Writes entries to the first places of a directory that are free. `ENOSPC`.
    fn write_entries(
        &mut self,
        lwp: &Lwp<'_>,
        directory: Ino,
        entries: &[Entry],
    ) -> Result<Slot, Errno> {
        let count = entries.len() as u32;
        let (first, end) = self.room(lwp, directory, count)?;
        if first + count > MOST {
            return Err(Errno::ENOSPC);
        }
        while place(
            lwp,
            &self.table,
            self.nodes.directory(directory)?,
            first + count - 1,
        )?
        .is_none()
        {
            self.extend(lwp, directory)?;
        }
        self.table.mark(lwp)?;
        let node = self.nodes.directory(directory)?;
        // What was behind the end is still to be.
        if end && let Some((at, _)) = place(lwp, &self.table, node, first + count)? {
            self.table.volume.write_at(lwp, at, &[entry::END])?;
        }
        let mut at = 0;
        for (index, entry) in (first..).zip(entries) {
            let place = place(lwp, &self.table, node, index)?;
            at = place.ok_or(Errno::EUCLEAN)?.0;
            self.table.volume.write_at(lwp, at, &entry.0)?;
        }
        Ok(Slot {
            directory,
            first,
            index: first + count - 1,
            place: at,
        })
    }

    /// Has a directory be a cluster longer. `ENOSPC`, also where it cannot.
    fn extend(&mut self, lwp: &Lwp<'_>, directory: Ino) -> Result<(), Errno> {
        let node = self.nodes.directory(directory)?;
        let Some((_, last)) = node.chain.end(lwp, &self.table)? else {
            return Err(Errno::ENOSPC);
        };
        let cluster = self.new_directory(lwp, &[])?;
        self.table.link(lwp, last, cluster)
    }

    /// A cluster for a directory, with a few entries.
    pub(crate) fn new_directory(&mut self, lwp: &Lwp<'_>, entries: &[Entry]) -> Result<u32, Errno> {
        let cluster = self.table.grow(lwp, None, 1)?;
        let begin = self.table.layout.place(cluster);
        let end = begin + u64::from(self.table.layout.cluster_size);
        let mut result = self.zero(lwp, begin, end);
        for (at, entry) in (begin..).step_by(entry::LEN).zip(entries) {
            result = result.and_then(|()| self.table.volume.write_at(lwp, at, &entry.0));
        }
        if let Err(errno) = result {
            self.table.free(cluster)?;
            return Err(errno);
        }
        Ok(cluster)
    }

    /// What a new directory begins with: itself and the one it is in.
    pub(crate) fn dots(&mut self, parent: Ino, time: Time) -> Result<[Entry; 2], Errno> {
        let mut above = Entry::new(*b"..         ", entry::DIRECTORY, time);
        above.set_cluster(self.cluster_above(parent)?);
        let own = Entry::new(*b".          ", entry::DIRECTORY, time);
        Ok([own, above])
    }

    /// What a directory says that the one it is in begins with; of the root that is nothing.
    fn cluster_above(&mut self, parent: Ino) -> Result<u32, Errno> {
        match parent {
            ROOT => Ok(0),
            _ => Ok(self.nodes.directory(parent)?.chain.first()),
        }
    }

    /// A directory is in another one now.
    pub(crate) fn moved(&mut self, lwp: &Lwp<'_>, inode: Ino, parent: Ino) -> Result<(), Errno> {
        let cluster = self.cluster_above(parent)?;
        let node = self.nodes.directory(inode)?;
        let mut above = None;
        raw(lwp, &self.table, node, 1, &mut |_, at, entry| {
            above = Some((at, entry)).filter(|_| entry.short() == *b"..         ");
            Ok(false)
        })?;
        if let Some((at, mut entry)) = above {
            entry.set_cluster(cluster);
            self.table.volume.write_at(lwp, at, &entry.0)?;
        }
        Ok(())
    }

    /// Takes an entry and the pieces of its name away. The short one goes first, since without it the others are nothing.
    pub(crate) fn erase(&mut self, lwp: &Lwp<'_>, slot: Slot) -> Result<(), Errno> {
        // What went is found by its sum no more; what cannot be read is searched for.
        match self.at(lwp, slot.directory, slot.first) {
            Ok(Some(one)) if one.slot == slot => self.indexes.went(&one),
            _ => self.indexes.forget(slot.directory),
        }
        let erased = self.blank(lwp, slot);
        if erased.is_err() {
            self.indexes.forget(slot.directory);
        }
        erased
    }

    fn blank(&mut self, lwp: &Lwp<'_>, slot: Slot) -> Result<(), Errno> {
        self.table.mark(lwp)?;
        for index in (slot.first..=slot.index).rev() {
            let node = self.nodes.directory(slot.directory)?;
            if let Some((at, _)) = place(lwp, &self.table, node, index)? {
                self.table.volume.write_at(lwp, at, &[entry::FREE])?;
            }
        }
        Ok(())
    }
}
