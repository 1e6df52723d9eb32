//! A socket, and the one of the host that it is.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::{Leaf, Mutex, Word};
use base::{Charge, Errno, Events, Lwp, Readiness, Wait, Wakes};
use hypercall::{SocketName, hostsockets};
use sockets::{Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UioIn, UioOut};

use crate::linger::Linger;
use crate::protocol::Sockin;
use crate::{name, options};

/// The longest value of an option.
const VALUE: usize = 512;

/// What a socket can be ready for.
pub(crate) fn known(bits: u32) -> Events {
    let all = Events::IN | Events::PRI | Events::OUT | Events::RDHUP | Events::ALWAYS;
    Events(bits) & all
}

/// What kind of socket it is.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) domain: u16,
    pub(crate) kind: u32,
    pub(crate) protocol: u32,
}

/// A socket of the host.
pub(crate) struct HostSocket {
    pub(crate) me: Weak<HostSocket>,
    pub(crate) sockin: Arc<Sockin>,
    pub(crate) handle: u64,
    pub(crate) kind: Kind,
    pub(crate) readiness: Readiness,
    /// Whether the host tells of news.
    watched: Word,
    watching: Mutex<()>,
    /// Whether a send call that connects (`MSG_FASTOPEN`) waits for that: see `transfer`.
    pub(crate) opening: Word,
    /// Whether control data is to be had.
    pub(crate) tells: Word,
    pub(crate) linger: Leaf<Linger>,
    _charge: Charge,
}

impl HostSocket {
    /// Takes charge of a socket that the host opened. `ENOMEM`, and it is closed.
    pub(crate) fn new(
        lwp: &Lwp<'_>,
        sockin: &Arc<Sockin>,
        kind: Kind,
        handle: u64,
    ) -> Result<Arc<Self>, Errno> {
        let charge = lwp.instance().memory().charge(size_of::<HostSocket>());
        let charge = charge.inspect_err(|_| hostsockets::close(handle))?;
        Ok(Arc::new_cyclic(|me| HostSocket {
            me: me.clone(),
            sockin: sockin.clone(),
            handle,
            kind,
            readiness: Readiness::new(Events::NONE),
            watched: Word::new(0),
            watching: Mutex::new(()),
            opening: Word::new(0),
            tells: Word::new(0),
            linger: Leaf::new(Linger::default()),
            _charge: charge,
        }))
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.kind.kind == SOCK_STREAM
    }

    /// Has the host tell of news from now on.
    pub(crate) fn watch(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.watched.get() != 0 {
            return Ok(());
        }
        let _alone = self.watching.lock(lwp);
        if self.watched.get() == 0 {
            self.sockin.watch(self)?;
            self.watched.set(1);
        }
        Ok(())
    }

    /// The host has news.
    pub(crate) fn hear(&self, lwp: &Lwp<'_>, news: Events) {
        let news = known(news.0);
        Wakes::deliver_after(lwp, |wakes| {
            let level = self.readiness.level() | news;
            self.readiness.update(level, news, wakes);
        });
        self.go_on_lingering(lwp);
    }

    /// Asks the host; if it cannot answer yet, says what to wait for. News that come from before the question on are
    /// heard.
    pub(crate) fn ask<T>(
        &self,
        lwp: &Lwp<'_>,
        events: Events,
        mut question: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Wait> {
        let was_watched = self.watched.get() != 0;
        match question() {
            Err(Errno::EAGAIN) if was_watched => return Err(Wait::For(events)),
            Err(Errno::EAGAIN) => self.watch(lwp)?,
            answer => return Ok(answer?),
        }
        match question() {
            Err(Errno::EAGAIN) => Err(Wait::For(events)),
            answer => Ok(answer?),
        }
    }

    /// Closes it on the host, once.
    pub(crate) fn end(&self, lwp: &Lwp<'_>) {
        self.sockin.close(self);
        Wakes::deliver_after(lwp, |wakes| {
            self.readiness.update(Events::HUP, Events::HUP, wakes);
        });
    }
}

/// What a call that gives no number answered.
pub(crate) fn done(answer: i64) -> Result<(), Errno> {
    Errno::check(answer).map(drop)
}

impl Socket for HostSocket {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// The host is asked, and what it has noticed by then is heard first: it would be taken for news later. A socket
    /// that cannot be watched is of no use to whoever waits.
    fn events(&self, lwp: &Lwp<'_>) -> Events {
        let watched = self.watch(lwp);
        let level = known(hostsockets::events(self.handle));
        self.sockin.hear(lwp);
        level | Events::ERR.when(watched.is_err())
    }

    fn domain(&self) -> u16 {
        self.kind.domain
    }

    fn kind(&self) -> u32 {
        self.kind.kind
    }

    fn protocol(&self) -> u32 {
        self.kind.protocol
    }

    fn bind(&self, _lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Errno> {
        if name::is_foreign(self.kind.domain, address) {
            return Err(Errno::EAFNOSUPPORT);
        }
        done(hostsockets::bind(self.handle, &name::to_host(address)))
    }

    fn listen(&self, _lwp: &Lwp<'_>, backlog: u32) -> Result<(), Errno> {
        done(hostsockets::listen(self.handle, backlog))
    }

    fn try_accept(&self, lwp: &Lwp<'_>) -> Result<(Arc<dyn Socket>, SockAddr), Wait> {
        let mut from = SocketName::default();
        let handle = self.ask(lwp, Events::IN, || {
            Errno::check(hostsockets::accept(self.handle, &mut from))
        })?;
        let accepted = HostSocket::new(lwp, &self.sockin, self.kind, handle)?;
        accepted.tells.set(self.tells.get());
        let inherited = self.linger.with(|linger| linger.inherited());
        accepted.linger.with(|linger| *linger = inherited);
        let unspecified = name::unspecified(self.kind.domain);
        let from = name::from_host(&from).unwrap_or(unspecified);
        Ok((accepted, from))
    }

    fn connect(&self, lwp: &Lwp<'_>, address: &SockAddr) -> Result<(), Wait> {
        if self.is_stream() {
            if name::is_foreign(self.kind.domain, address) {
                return Err(Errno::EAFNOSUPPORT.into());
            }
            // How it ends is news; how it was before is over.
            self.watch(lwp)?;
            Wakes::deliver_after(lwp, |wakes| {
                self.readiness.update(Events::NONE, Events::NONE, wakes);
            });
        }
        match done(hostsockets::connect(self.handle, &name::to_host(address))) {
            Err(Errno::EINPROGRESS | Errno::EALREADY) => Err(Wait::For(Events::OUT)),
            answer => Ok(answer?),
        }
    }

    fn try_send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait> {
        self.send(lwp, data, with, flags)
    }

    fn try_receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait> {
        self.receive(lwp, data, with, flags)
    }

    fn shutdown(&self, _lwp: &Lwp<'_>, how: u32) -> Result<(), Errno> {
        done(hostsockets::shutdown(self.handle, how))
    }

    fn local_address(&self, _lwp: &Lwp<'_>) -> SockAddr {
        let mut local = SocketName::default();
        // The host may have nothing to say of it, and then there is no name.
        let _ = hostsockets::name(self.handle, &mut local);
        name::from_host(&local).unwrap_or(name::unspecified(self.kind.domain))
    }

    fn peer_address(&self, _lwp: &Lwp<'_>) -> Result<SockAddr, Errno> {
        let mut peer = SocketName::default();
        done(hostsockets::peer(self.handle, &mut peer))?;
        name::from_host(&peer).ok_or(Errno::ENOTCONN)
    }

    fn set_option(&self, _lwp: &Lwp<'_>, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        if !options::is_known(level, name) {
            return Err(Errno::ENOPROTOOPT);
        }
        if (level, name) == (SOL_SOCKET, SO_LINGER) {
            return self.set_linger(value);
        }
        done(hostsockets::set_option(
            self.handle,
            level,
            name,
            value.into(),
        ))?;
        if options::tells(level, name) && value.iter().any(|byte| *byte != 0) {
            self.tells.set(1);
        }
        Ok(())
    }

    fn option(&self, _lwp: &Lwp<'_>, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if !options::is_known(level, name) {
            return Err(Errno::ENOPROTOOPT);
        }
        if (level, name) == (SOL_SOCKET, SO_LINGER) {
            return Ok(self.linger.with(|linger| linger.value()));
        }
        let mut value = [0; VALUE];
        let place = value.as_mut_slice().into();
        let len = Errno::check(hostsockets::option(self.handle, level, name, place))?;
        let len = usize::try_from(len).map_or(VALUE, |len| len.min(VALUE));
        Ok(value[..len].to_vec())
    }

    fn readable(&self, _lwp: &Lwp<'_>) -> Result<usize, Errno> {
        let received = Errno::check(hostsockets::received(self.handle))?;
        Ok(usize::try_from(received).unwrap_or(usize::MAX))
    }

    fn close(&self, lwp: &Lwp<'_>) {
        if !self.begin_to_linger(lwp) {
            self.end(lwp);
        }
    }
}
