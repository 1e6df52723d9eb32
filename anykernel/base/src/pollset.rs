//! `poll`: which of a few files are ready, asked once.

use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::consts::POLLNVAL;
use syscall::{Fd, PollFd};

use crate::readiness::Observer;
use crate::{Blocking, Errno, Events, Lwp, OpenFile, Readiness, Wait, Wakes, block};

/// Hears of the news of all files of one `poll`.
struct PollSet {
    readiness: Readiness,
}

impl Observer for PollSet {
    fn notify(self: Arc<Self>, news: Events, wakes: &mut Wakes) {
        self.readiness.update(news, news, wakes);
    }
}

/// Fills in what the files are ready for and returns how many are ready for anything asked; waits for
/// one until `deadline`, and returns zero then.
pub(crate) fn poll(lwp: &Lwp<'_>, entries: &mut [PollFd], how: Blocking) -> Result<usize, Errno> {
    let files: Vec<Option<Arc<OpenFile>>> = entries
        .iter()
        .map(|entry| lwp.process().get(lwp, Fd(entry.fd)).ok())
        .collect();
    let ready = look(lwp, entries, &files);
    let result = if ready > 0 || how.nonblock {
        Ok(ready)
    } else {
        wait(lwp, entries, &files, how)
    };
    for open in files.into_iter().flatten() {
        open.release(lwp);
    }
    result
}

fn wait(
    lwp: &Lwp<'_>,
    entries: &mut [PollFd],
    files: &[Option<Arc<OpenFile>>],
    how: Blocking,
) -> Result<usize, Errno> {
    let set = Arc::new(PollSet {
        readiness: Readiness::new(Events::NONE),
    });
    let observer: Arc<dyn Observer> = set.clone();
    for open in files.iter().flatten() {
        open.file().readiness().observe(observer.clone());
    }
    let anything = Events(u32::MAX);
    let found = block(
        lwp,
        &set.readiness,
        how.or(Errno::ETIMEDOUT),
        || match look(lwp, entries, files) {
            0 => Err(Wait::For(anything)),
            ready => Ok(ready),
        },
    );
    for open in files.iter().flatten() {
        open.file().readiness().unobserve(&observer);
    }
    match found {
        Err(Errno::ETIMEDOUT) => Ok(0),
        other => other,
    }
}

fn look(lwp: &Lwp<'_>, entries: &mut [PollFd], files: &[Option<Arc<OpenFile>>]) -> usize {
    let mut ready = 0;
    for (entry, open) in entries.iter_mut().zip(files) {
        entry.revents = match open {
            Some(open) => {
                let wanted = Events(u32::from(entry.events)) | Events::ALWAYS;
                (open.file().events(lwp).with_aliases() & wanted).0 as u16
            }
            None if entry.fd < 0 => 0,
            None => POLLNVAL,
        };
        ready += usize::from(entry.revents != 0);
    }
    ready
}
