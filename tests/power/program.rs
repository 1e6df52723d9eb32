//! What a program does with files, and what it may rely on afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Errno, Lwp};
use dev::testing::RecordingDisk;
use syscall::Fd;
use syscall::consts::*;
use vfs::syscalls as calls;

use crate::kernel::{contents, opened, write_at};

/// What was known of a file at a moment of the disk.
enum Event {
    /// Somebody began to change it: it may be in any state.
    Touched,
    /// It survives: its bytes, or that there is none.
    Synced(Option<Vec<u8>>),
}

/// A program, and what happened to its files.
pub(crate) struct Program<'a> {
    lwp: &'a Lwp<'a>,
    disk: Arc<RecordingDisk>,
    /// What the files ought to be, synced or not.
    files: BTreeMap<String, Option<Vec<u8>>>,
    journal: Journal,
}

/// What happened to files, and when: what the disk had been told by then.
#[derive(Default)]
pub(crate) struct Journal(Vec<(usize, String, Event)>);

impl Journal {
    /// Holds that what was synced at a moment of the disk is there.
    pub(crate) fn assert_there(&self, lwp: &Lwp<'_>, moment: usize, when: &str) {
        let mut sure = BTreeMap::new();
        for (at, path, event) in &self.0 {
            match event {
                // What began at the moment of a cut may have got no further.
                Event::Touched if *at <= moment => drop(sure.remove(path)),
                Event::Synced(bytes) if *at <= moment => drop(sure.insert(path, bytes)),
                _ => {}
            }
        }
        for (path, bytes) in sure {
            let there = contents(lwp, path);
            let there = there.unwrap_or_else(|errno| panic!("{when}: {path}: {errno}"));
            let lens = [&there, bytes].map(|bytes| bytes.as_ref().map(Vec::len));
            assert!(there == *bytes, "{when}: {path} is another: {lens:?}");
        }
    }
}

fn noise(seed: usize, len: usize) -> Vec<u8> {
    let byte = |at: usize| (at * 31 + at / 251 + seed * 17) as u8;
    (0..len).map(byte).collect()
}

impl<'a> Program<'a> {
    pub(crate) fn new(lwp: &'a Lwp<'a>, disk: &Arc<RecordingDisk>) -> Self {
        Program {
            lwp,
            disk: disk.clone(),
            files: BTreeMap::new(),
            journal: Journal::default(),
        }
    }

    pub(crate) fn into_journal(self) -> Journal {
        self.journal
    }

    fn note(&mut self, path: &str, event: Event) {
        let moment = self.disk.moments() - 1;
        self.journal.0.push((moment, path.to_owned(), event));
    }

    fn touch(&mut self, path: &str) {
        self.note(path, Event::Touched);
    }

    /// A file was synced.
    fn synced(&mut self, path: &str) {
        let bytes = self.files.get(path).cloned().flatten();
        self.note(path, Event::Synced(bytes));
    }

    /// All were.
    fn all_synced(&mut self) {
        let paths: Vec<_> = self.files.keys().cloned().collect();
        for path in paths {
            self.synced(&path);
        }
    }

    /// Puts bytes into a file, and does something with it while it is open.
    fn write(
        &mut self,
        path: &str,
        flags: u32,
        at: usize,
        bytes: &[u8],
        then: impl FnOnce(&Lwp<'_>, Fd) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.touch(path);
        let (lwp, flags) = (self.lwp, O_CREAT | O_WRONLY | flags);
        // After an error nobody knows how much of it is there.
        let mut file = self.files.remove(path).flatten().unwrap_or_default();
        opened(lwp, path, flags, |fd| {
            // A piece at a time, as programs do.
            for (at, piece) in (at..).step_by(3000).zip(bytes.chunks(3000)) {
                write_at(lwp, &fd, piece, at)?;
                file.resize(file.len().max(at + piece.len()), 0);
                file[at..at + piece.len()].copy_from_slice(piece);
            }
            then(lwp, fd)
        })?;
        self.files.insert(path.to_owned(), Some(file));
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), Errno> {
        self.touch(path);
        self.files.remove(path);
        calls::unlink(self.lwp, path.into())?;
        self.files.insert(path.to_owned(), None);
        Ok(())
    }

    fn truncate(&mut self, path: &str, size: usize) -> Result<(), Errno> {
        self.touch(path);
        let mut file = self.files.remove(path).flatten().unwrap_or_default();
        calls::truncate(self.lwp, path.into(), size as i64)?;
        file.truncate(size);
        self.files.insert(path.to_owned(), Some(file));
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Errno> {
        self.touch(from);
        self.touch(to);
        self.files.remove(to);
        let bytes = self.files.remove(from).flatten();
        calls::rename(self.lwp, from.into(), to.into())?;
        self.files.insert(from.to_owned(), None);
        self.files.insert(to.to_owned(), bytes);
        Ok(())
    }

    /// One round of everything that makes files survive. The first error ends it.
    pub(crate) fn round(&mut self, round: usize) -> Result<(), Errno> {
        let lwp = self.lwp;
        let path = |name: &str| format!("/disk/{name} of round {round}");

        let synced = path("a synced file");
        self.write(
            &synced,
            0,
            0,
            &noise(round, 5000 + round * 3333),
            calls::fsync,
        )?;
        self.synced(&synced);

        let data = path("data");
        self.write(&data, 0, 20_000, &noise(round + 1, 9000), calls::fdatasync)?;
        self.synced(&data);

        let direct = path("direct");
        self.write(&direct, O_SYNC, 0, &noise(round + 2, 4500), |_, _| Ok(()))?;
        self.synced(&direct);

        // What replaces a file is whole before it does.
        let (new, config) = (path("new"), "/disk/config".to_owned());
        self.write(&new, 0, 0, &noise(round + 3, 7000), calls::fsync)?;
        self.rename(&new, &config)?;
        opened(lwp, "/disk", O_RDONLY, |fd| calls::fsync(lwp, fd))?;
        self.synced(&config);
        self.synced(&new);

        // More than the page cache keeps.
        let large = path("large");
        self.write(&large, 0, 0, &noise(round, 300_000), |_, _| Ok(()))?;
        let unsynced = path("never synced");
        self.write(&unsynced, 0, 100, &noise(round, 100), |_, _| Ok(()))?;
        calls::sync(lwp)?;
        // That says nothing of errors; who wants to know asks.
        opened(lwp, "/disk", O_RDONLY, |fd| calls::syncfs(lwp, fd))?;
        self.all_synced();

        self.truncate(&data, 21_000)?;
        self.write(&data, 0, 21_000, &noise(round, 2000), |_, _| Ok(()))?;
        self.remove(&large)?;
        opened(lwp, "/disk", O_RDONLY, |fd| calls::syncfs(lwp, fd))?;
        self.all_synced();
        self.write(&unsynced, 0, 0, &noise(round + 9, 6000), |_, _| Ok(()))
    }
}
