//! Open files on their way in messages, and those among them that nobody can ever receive.
//!
//! A socket that waits in a message for its own receiver, or two that wait for each other, would stay for ever: each
//! is held by the other's queue, and no process has a descriptor. As on Linux they are looked for when a socket of
//! this family is closed, and before a message with files is refused because too many are on their way. What is
//! found is emptied, and closes itself.
//!
//! A file gets into a queue and out of it only under the lock of [`InFlight`], so that the search sees them all in
//! one place.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::{Errno, Lwp, OpenFile};
use sockets::socket_of;

use crate::datagram::DatagramSocket;
use crate::stream::StreamSocket;

/// How many files of a kernel may be on their way.
const MOST: usize = 4096;

type Key = usize;

fn key(open: &Arc<OpenFile>) -> Key {
    Arc::as_ptr(open) as usize
}

/// A socket whose queue may hold files.
pub(crate) enum Holder {
    Stream(Arc<StreamSocket>),
    Datagram(Arc<DatagramSocket>),
}

impl Holder {
    /// The socket of this family that a file is, if it is one.
    fn of(open: &OpenFile) -> Option<Holder> {
        let any: &dyn core::any::Any = &**socket_of(open)?;
        if let Some(socket) = any.downcast_ref::<StreamSocket>() {
            return socket.this.upgrade().map(Holder::Stream);
        }
        let socket: &DatagramSocket = any.downcast_ref()?;
        socket.this.upgrade().map(Holder::Datagram)
    }

    fn for_each(&self, lwp: &Lwp<'_>, f: &mut dyn FnMut(&Arc<OpenFile>)) {
        match self {
            Holder::Stream(socket) => socket.for_each_file(lwp, f),
            Holder::Datagram(socket) => socket.for_each_file(f),
        }
    }

    fn take_files(&self, lwp: &Lwp<'_>) -> Vec<Arc<OpenFile>> {
        match self {
            Holder::Stream(socket) => socket.take_files(lwp),
            Holder::Datagram(socket) => socket.take_files(),
        }
    }
}

/// A socket on its way.
struct Traveller {
    open: Weak<OpenFile>,
    /// How many times.
    times: usize,
    holder: Holder,
}

/// The files of a kernel that are on their way.
#[derive(Default)]
pub(crate) struct InFlight {
    files: usize,
    sockets: BTreeMap<Key, Traveller>,
}

impl InFlight {
    /// Whether so many more may be on their way.
    pub(crate) fn has_room(&self, files: usize) -> bool {
        self.files + files <= MOST
    }

    /// Counts files that are put into a queue. `ETOOMANYREFS` if that are too many.
    pub(crate) fn add(&mut self, files: &[Arc<OpenFile>]) -> Result<(), Errno> {
        if !self.has_room(files.len()) {
            return Err(Errno::ETOOMANYREFS);
        }
        self.files += files.len();
        for open in files {
            if let Some(traveller) = self.sockets.get_mut(&key(open)) {
                traveller.times += 1;
            } else if let Some(holder) = Holder::of(open) {
                let traveller = Traveller {
                    open: Arc::downgrade(open),
                    times: 1,
                    holder,
                };
                self.sockets.insert(key(open), traveller);
            }
        }
        Ok(())
    }

    /// Counts files that were taken out of a queue.
    pub(crate) fn remove(&mut self, files: &[Arc<OpenFile>]) {
        self.files -= files.len();
        for open in files {
            if let Some(traveller) = self.sockets.get_mut(&key(open)) {
                traveller.times -= 1;
                if traveller.times == 0 {
                    self.sockets.remove(&key(open));
                }
            }
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.files
    }

    /// Takes the files out of all queues that nobody can receive from, now or later. They are the caller's to release
    /// when no lock is held.
    pub(crate) fn collect(&mut self, lwp: &Lwp<'_>) -> Vec<Arc<OpenFile>> {
        // Sockets that only messages hold, and how many of these are in queues of other sockets than such.
        let mut lost: BTreeMap<Key, usize> = self
            .sockets
            .iter()
            .filter(|(_, one)| one.open.strong_count() == one.times)
            .map(|(key, one)| (*key, one.times))
            .collect();
        for key in lost.keys().copied().collect::<Vec<_>>() {
            self.for_each_in(lwp, key, |inner| {
                if let Some(outside) = lost.get_mut(&inner) {
                    *outside -= 1;
                }
            });
        }
        // Who is in another queue can be received, and then whoever is in its own.
        let mut found: Vec<Key> = lost
            .iter()
            .filter(|(_, outside)| **outside > 0)
            .map(|(key, _)| *key)
            .collect();
        while let Some(key) = found.pop() {
            if lost.remove(&key).is_some() {
                self.for_each_in(lwp, key, |inner| found.push(inner));
            }
        }
        let mut files = Vec::new();
        for traveller in lost.keys().filter_map(|key| self.sockets.get(key)) {
            files.extend(traveller.holder.take_files(lwp));
        }
        self.remove(&files);
        files
    }

    fn for_each_in(&self, lwp: &Lwp<'_>, key: Key, mut f: impl FnMut(Key)) {
        if let Some(traveller) = self.sockets.get(&key) {
            traveller
                .holder
                .for_each(lwp, &mut |open| f(self::key(open)));
        }
    }
}
