//! From an image to the host.
//!
//! One thread walks the tree and makes what there is; others fill the files, long ones piece by piece, so that reading
//! the image and writing to the host go on at once.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rump::Errno;
use rump::fs::{FileType, Metadata, Node};

use super::{Copying, Keep, PIECE, host};
use crate::failure::Result;
use crate::interrupt;
use crate::progress::Progress;
use crate::shown::shown;
use crate::walk::{Found, Step, Walk};

/// Bytes of a file that one thread copies before another may go on with the next.
const STRETCH: u64 = 32 << 20;

/// Stretches that wait for a thread; each may have a file open.
const WAITING: usize = 64;

/// A file that is being filled.
struct Target {
    file: OwnedFd,
    node: Node,
    metadata: Metadata,
    path: Vec<u8>,
    /// Stretches that are not there yet.
    left: AtomicUsize,
}

/// A part of a file that is to be filled.
struct Stretch {
    target: Arc<Target>,
    from: u64,
    to: u64,
}

/// A file with several names: where it has the first, and how many are to come.
struct First {
    directory: Arc<OwnedFd>,
    name: Vec<u8>,
    to_come: u32,
}

/// What could not be copied, by its path.
type Problems = Mutex<Vec<String>>;

fn note(problems: &Problems, path: &[u8], what: impl std::fmt::Display) {
    let mut problems = problems.lock().unwrap_or_else(PoisonError::into_inner);
    problems.push(format!("{}: {what}", shown(path)));
}

/// Copies a tree to a new name in a directory of the host, or what is in it to that directory.
pub(crate) fn to_host(
    copying: &mut Copying<'_>,
    start: Node,
    path: &[u8],
    directory: OwnedFd,
    name: Option<&[u8]>,
) -> Result<()> {
    let threads = thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    let (jobs, waiting) = sync_channel(WAITING);
    let waiting = Mutex::new(waiting);
    let problems = Problems::default();
    let (keep, progress) = (copying.keep, copying.progress);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| fill(&waiting, keep, progress, &problems));
        }
        let mut making = Making {
            keep,
            progress,
            problems: &problems,
            jobs,
            firsts: HashMap::new(),
            directories: Vec::new(),
        };
        making.tree(start, path, Arc::new(directory), name);
    });
    for problem in problems
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        copying.output.problem(problem);
    }
    Ok(())
}

/// The walk, and what it makes.
struct Making<'a> {
    keep: Keep,
    progress: &'a Progress,
    problems: &'a Problems,
    jobs: SyncSender<Stretch>,
    firsts: HashMap<u64, First>,
    /// Directories on the way down.
    directories: Vec<(Arc<OwnedFd>, Found)>,
}

impl Making<'_> {
    fn tree(&mut self, start: Node, path: &[u8], top: Arc<OwnedFd>, name: Option<&[u8]>) {
        let mut walk = Walk::new(start, path);
        while let Some(step) = walk.next() {
            let found = match step {
                Step::Found(found) => found,
                Step::Failed(path, errno) => {
                    note(self.problems, &path, errno);
                    continue;
                }
                Step::Left => {
                    if let Some((directory, found)) = self.directories.pop()
                        && let Err(what) =
                            host::dress(&*directory, &found.node, &found.metadata, self.keep)
                    {
                        note(self.problems, &found.path, what);
                    }
                    continue;
                }
            };
            let parent = self.directories.last().map_or(&top, |(fd, _)| fd).clone();
            // Names were found by a look-up, so they are ones: without slashes, and neither `.` nor `..`.
            let own = found.path.rsplit(|byte| *byte == b'/').next();
            let own = own.unwrap_or_default().to_vec();
            let name = match self.directories.is_empty() {
                true => name.map(<[u8]>::to_vec),
                false => Some(own),
            };
            let made = match (&name, found.node.is_dir()) {
                (Some(name), true) => {
                    let made = host::directory(parent.as_fd(), name).map(Arc::new);
                    made.map(Some)
                        .map_err(|errno| format!("on the host: {errno}"))
                }
                (None, true) => Ok(Some(parent)),
                (Some(name), false) => self.other(&found, &parent, name).map(|()| None),
                (None, false) => Err(Errno::ENOTDIR.to_string()),
            };
            match made {
                Ok(Some(directory)) => self.directories.push((directory, found)),
                Ok(None) => {}
                Err(what) => {
                    note(self.problems, &found.path, what);
                    if found.node.is_dir() {
                        // What is in it has no place either; its end is not ours.
                        walk.abandon();
                    }
                }
            }
        }
    }

    /// Makes what is no directory.
    fn other(
        &mut self,
        found: &Found,
        parent: &Arc<OwnedFd>,
        name: &[u8],
    ) -> std::result::Result<(), String> {
        let on_host = |errno: rustix::io::Errno| format!("on the host: {errno}");
        let stat = found.metadata.stat();
        if let Some(first) = self.firsts.get_mut(&stat.inode) {
            let old = (first.directory.as_fd(), &first.name[..]);
            host::link(old, parent.as_fd(), name).map_err(on_host)?;
            first.to_come -= 1;
            if first.to_come == 0 {
                self.firsts.remove(&stat.inode);
            }
            return Ok(());
        }
        match found.node.file_type() {
            FileType::File => {
                let file = host::file(parent.as_fd(), name, stat.size).map_err(on_host)?;
                self.fill_later(found, file);
            }
            FileType::Symlink => {
                let target = found.node.read_link().map_err(|errno| errno.to_string())?;
                host::symlink(parent.as_fd(), name, &target).map_err(on_host)?;
            }
            FileType::Fifo => special(found, parent, name)?,
            FileType::CharacterDevice | FileType::BlockDevice if self.keep.all => {
                special(found, parent, name)?;
            }
            kind => {
                let word = crate::item::word(kind);
                return Err(format!("a {word}, which is left out; devices come with -a"));
            }
        }
        if found.node.file_type() != FileType::File {
            let dressed = host::dress_name(parent.as_fd(), name, &found.metadata, self.keep);
            dressed.map_err(on_host)?;
        }
        if stat.links > 1 {
            let first = First {
                directory: parent.clone(),
                name: name.to_vec(),
                to_come: stat.links - 1,
            };
            self.firsts.insert(stat.inode, first);
        }
        Ok(())
    }

    fn fill_later(&mut self, found: &Found, file: OwnedFd) {
        let size = found.metadata.len();
        // An empty one has one stretch, too, which ends it.
        let stretches = size.div_ceil(STRETCH).max(1);
        self.progress.file();
        let target = Arc::new(Target {
            file,
            node: found.node.clone(),
            metadata: found.metadata,
            path: found.path.clone(),
            left: AtomicUsize::new(usize::try_from(stretches).unwrap_or(usize::MAX)),
        });
        for number in 0..stretches {
            let from = number * STRETCH;
            let stretch = Stretch {
                target: target.clone(),
                from,
                to: size.min(from.saturating_add(STRETCH)),
            };
            // They end when this end of the queue does.
            let _ = self.jobs.send(stretch);
        }
    }
}

fn special(found: &Found, parent: &Arc<OwnedFd>, name: &[u8]) -> std::result::Result<(), String> {
    host::special(parent.as_fd(), name, &found.metadata)
        .map_err(|errno| format!("on the host: {errno}"))
}

/// Fills files until there are no more.
fn fill(waiting: &Mutex<Receiver<Stretch>>, keep: Keep, progress: &Progress, problems: &Problems) {
    let mut buffer = vec![0; PIECE];
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(stretch) = next else {
            return;
        };
        let target = &stretch.target;
        if let Err(what) = stretch.copy(&mut buffer, progress) {
            note(problems, &target.path, what);
        }
        if target.left.fetch_sub(1, Ordering::AcqRel) == 1
            && let Err(what) = host::dress(&target.file, &target.node, &target.metadata, keep)
        {
            note(problems, &target.path, what);
        }
    }
}

impl Stretch {
    fn copy(&self, buffer: &mut [u8], progress: &Progress) -> std::result::Result<(), String> {
        let in_image = |errno: Errno| errno.to_string();
        let target = &self.target;
        let mut at = self.from;
        if at == self.to {
            return Ok(());
        }
        let file = target.node.read().map_err(in_image)?;
        while at < self.to {
            at = match file.seek_data(at) {
                Err(Errno::ENXIO) => break,
                data => data.map_err(in_image)?,
            };
            let end = file.seek_hole(at).map_err(in_image)?.min(self.to);
            while at < end {
                if interrupt::is_wanted() {
                    return Err("interrupted; not all of it is there".to_owned());
                }
                let most = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
                let place = format_args!("at byte {at}: ");
                let count = file
                    .read_at(&mut buffer[..most], at)
                    .map_err(|errno| format!("{place}{errno}"))?;
                if count == 0 {
                    return Err(format!("it ends at byte {at}, before its size"));
                }
                host::write(&target.file, &buffer[..count], at)
                    .map_err(|errno| format!("on the host: {errno}"))?;
                at += count as u64;
                progress.bytes(count as u64);
            }
        }
        Ok(())
    }
}
