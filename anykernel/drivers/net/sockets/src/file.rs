//! A socket as a file.

use alloc::sync::Arc;

use base::sync::Word;
use base::{Blocking, Errno, Events, File, Lwp, OpenFile, Readiness, Wait, block};
use syscall::consts::{FIONREAD, SO_LINGER, SOCK_STREAM, SOL_SOCKET};
use syscall::{IoctlArg, UioIn, UioOut};

use crate::timeouts::Timeouts;
use crate::{Incoming, Outgoing, Socket, rights};

/// What a descriptor of a socket stands for.
pub(crate) struct SocketFile {
    socket: Arc<dyn Socket>,
    timeouts: Timeouts,
    /// Whether a call began to connect it and none heard how that ended.
    connecting: Word,
}

impl SocketFile {
    pub(crate) fn new(socket: Arc<dyn Socket>) -> Arc<Self> {
        Arc::new(SocketFile {
            socket,
            timeouts: Timeouts::new(),
            connecting: Word::new(0),
        })
    }

    /// A socket that was accepted; it has what its listener has.
    pub(crate) fn accepted(&self, socket: Arc<dyn Socket>) -> Arc<Self> {
        let file = SocketFile::new(socket);
        let inherited = self.timeouts.get();
        file.timeouts.set(|spans| *spans = inherited);
        file
    }

    #[inline]
    pub(crate) fn socket(&self) -> &Arc<dyn Socket> {
        &self.socket
    }

    #[inline]
    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    #[inline]
    pub(crate) fn is_stream(&self) -> bool {
        self.socket.kind() == SOCK_STREAM
    }

    /// What a call that cannot wait for a connection is told: it began to make one, or an earlier
    /// call did.
    pub(crate) fn connect_errno(&self) -> Errno {
        let settled = Events::OUT | Events::ERR | Events::HUP;
        if self.connecting.get() != 0 && !self.socket.readiness().level().intersects(settled) {
            Errno::EALREADY
        } else {
            self.socket.connecting_errno()
        }
    }

    pub(crate) fn set_connecting(&self, connecting: bool) {
        self.connecting.set(u32::from(connecting));
    }

    /// How long closing may wait for the last data to arrive, in nanoseconds.
    fn linger(&self, lwp: &Lwp<'_>) -> Option<u64> {
        let value = self.socket.option(lwp, SOL_SOCKET, SO_LINGER).ok()?;
        let word = |at: usize| Some(i32::from_ne_bytes(value.get(at..at + 4)?.try_into().ok()?));
        let (on, seconds) = (word(0)?, word(4)?);
        let seconds = u64::try_from(seconds).ok()?;
        (on != 0 && seconds > 0).then_some(seconds * 1_000_000_000)
    }
}

/// The socket that an open file is, if it is one.
pub fn socket_of(open: &OpenFile) -> Option<&Arc<dyn Socket>> {
    open.downcast::<SocketFile>().map(SocketFile::socket)
}

impl File for SocketFile {
    fn readiness(&self) -> &Readiness {
        self.socket.readiness()
    }

    fn events(&self, lwp: &Lwp<'_>) -> Events {
        self.socket.events(lwp)
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let mut with = Incoming::default();
        let received = self.socket.try_receive(lwp, to, &mut with, 0);
        rights::release(lwp, with.files);
        received
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        self.socket.try_send(lwp, from, &mut Outgoing::default(), 0)
    }

    fn writes_all(&self) -> bool {
        self.is_stream()
    }

    fn read_timeout(&self) -> u64 {
        self.timeouts.receive()
    }

    fn write_timeout(&self) -> u64 {
        self.timeouts.send()
    }

    fn ioctl(&self, lwp: &Lwp<'_>, argument: &IoctlArg<'_>) -> Result<i32, Errno> {
        match argument.request() {
            FIONREAD => {
                let count = self.socket.readable(lwp)?;
                argument.write_int(i32::try_from(count).unwrap_or(i32::MAX))?;
                Ok(0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }

    fn close(&self, lwp: &Lwp<'_>) {
        // The kernel itself closes what is left when everything ends, and does not wait.
        let linger = match lwp.process().pid() {
            0 => None,
            _ => self.linger(lwp),
        };
        self.socket.close(lwp);
        let Some(span) = linger else { return };
        let readiness = self.socket.readiness();
        let how = Blocking::new(false).within(lwp, span);
        // Whether the data arrived or not: `close` has done what it was asked for.
        let _ = block(lwp, readiness, how, || {
            if readiness.level().contains(Events::HUP) {
                Ok(())
            } else {
                Err(Wait::For(Events::HUP))
            }
        });
    }
}
