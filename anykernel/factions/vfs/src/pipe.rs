//! Pipes, with names or without.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Mutex;
use base::{Blocking, Errno, Events, File, Lwp, Readiness, Wait, Wakes, block};
use syscall::{UioIn, UioOut};

/// Bytes a pipe holds, as on Linux.
const CAPACITY: usize = 64 * 1024;

/// Bytes that are written whole, or not at all yet (`PIPE_BUF`).
const WHOLE: usize = 4096;

struct State {
    bytes: VecDeque<u8>,
    readers: u32,
    writers: u32,
    /// How many there ever were: who opens a FIFO waits for another to come, even if that leaves at once.
    readers_seen: u32,
    writers_seen: u32,
}

/// Who had ends when somebody opened some.
struct Others {
    readers: u32,
    writers: u32,
    readers_seen: u32,
    writers_seen: u32,
}

/// What both ends of a pipe have in common.
pub(crate) struct Pipe {
    state: Mutex<State>,
    reading: Readiness,
    writing: Readiness,
    /// News of somebody who opened an end.
    opened: Readiness,
}

/// Which ends somebody has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

/// An end of a pipe, as a file; of a FIFO opened for both, both.
pub(crate) struct PipeEnd {
    pipe: Arc<Pipe>,
    ends: Ends,
}

impl Pipe {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Pipe {
            state: Mutex::new(State {
                bytes: VecDeque::new(),
                readers: 0,
                writers: 0,
                readers_seen: 0,
                writers_seen: 0,
            }),
            reading: Readiness::new(Events::NONE),
            writing: Readiness::new(Events::NONE),
            opened: Readiness::new(Events::NONE),
        })
    }

    /// Opens ends.
    pub(crate) fn open(self: &Arc<Self>, lwp: &Lwp<'_>, ends: Ends) -> Arc<PipeEnd> {
        self.open_and_look(lwp, ends).0
    }

    /// Opens ends; what is there at that moment.
    fn open_and_look(self: &Arc<Self>, lwp: &Lwp<'_>, ends: Ends) -> (Arc<PipeEnd>, Others) {
        let mut state = self.state.lock(lwp);
        let others = Others {
            readers: state.readers,
            writers: state.writers,
            readers_seen: state.readers_seen,
            writers_seen: state.writers_seen,
        };
        if ends.reads {
            state.readers += 1;
            state.readers_seen += 1;
        }
        if ends.writes {
            state.writers += 1;
            state.writers_seen += 1;
        }
        let (state, wakes) = state.split();
        self.tell(state, wakes);
        self.opened.update(Events::NONE, Events::IN, wakes);
        let end = Arc::new(PipeEnd {
            pipe: self.clone(),
            ends,
        });
        (end, others)
    }

    /// Opens ends of a FIFO: waits for somebody at the other end, or with `nonblock` does not; a writer then is refused
    /// (`ENXIO`).
    pub(crate) fn open_named(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        ends: Ends,
        nonblock: bool,
    ) -> Result<Arc<PipeEnd>, Errno> {
        if nonblock && ends.writes && !ends.reads && self.state.lock(lwp).readers == 0 {
            return Err(Errno::ENXIO);
        }
        let (end, others) = self.open_and_look(lwp, ends);
        // Whoever is there may be gone before the next look.
        let met_at_once = match (ends.reads, ends.writes) {
            (true, false) => others.writers > 0,
            (false, true) => others.readers > 0,
            _ => true,
        };
        if nonblock || met_at_once {
            return Ok(end);
        }
        let met = block(lwp, &self.opened, Blocking::new(false), || {
            let state = self.state.lock(lwp);
            let met = match ends.reads {
                true => state.writers_seen != others.writers_seen,
                false => state.readers_seen != others.readers_seen,
            };
            met.then_some(()).ok_or(Wait::For(Events::IN))
        });
        match met {
            Ok(()) => Ok(end),
            Err(errno) => {
                end.close(lwp);
                Err(errno)
            }
        }
    }

    fn tell(&self, state: &State, wakes: &mut Wakes) {
        let (reading, writing) = state.levels();
        self.reading.update(reading, reading, wakes);
        self.writing.update(writing, writing, wakes);
    }
}

impl State {
    /// What either end is ready for.
    fn levels(&self) -> (Events, Events) {
        let data = Events::IN.when(!self.bytes.is_empty());
        let ended = Events::HUP.when(self.writers == 0 && self.writers_seen > 0);
        let room = Events::OUT.when(CAPACITY - self.bytes.len() >= WHOLE);
        let broken = Events::ERR.when(self.readers == 0);
        (data | ended, room | broken)
    }
}

impl File for PipeEnd {
    fn readiness(&self) -> &Readiness {
        match self.ends.reads {
            true => &self.pipe.reading,
            false => &self.pipe.writing,
        }
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let mut state = self.pipe.state.lock(lwp);
        if state.bytes.is_empty() {
            return match state.writers {
                0 => Ok(0),
                _ => Err(Wait::For(Events::IN)),
            };
        }
        let (first, second) = state.bytes.as_slices();
        let mut count = to.put(first)?;
        if count == first.len() {
            count += to.put(second)?;
        }
        state.bytes.drain(..count);
        let (state, wakes) = state.split();
        self.pipe.tell(state, wakes);
        Ok(count)
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        let len = from.remaining();
        if len == 0 {
            return Ok(0);
        }
        let mut state = self.pipe.state.lock(lwp);
        if state.readers == 0 {
            return Err(Errno::EPIPE.into());
        }
        let room = CAPACITY - state.bytes.len();
        let whole = len <= WHOLE && !from.has_begun();
        if room == 0 || (whole && room < len) {
            return Err(Wait::For(Events::OUT));
        }
        let mut piece: Vec<u8> = alloc::vec![0; room.min(len)];
        let count = from.take(&mut piece)?;
        state.bytes.extend(&piece[..count]);
        let (state, wakes) = state.split();
        self.pipe.tell(state, wakes);
        Ok(count)
    }

    fn writes_all(&self) -> bool {
        true
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let mut state = self.pipe.state.lock(lwp);
        state.readers -= u32::from(self.ends.reads);
        state.writers -= u32::from(self.ends.writes);
        if state.readers == 0 && state.writers == 0 {
            state.bytes.clear();
        }
        let (state, wakes) = state.split();
        self.pipe.tell(state, wakes);
    }
}
