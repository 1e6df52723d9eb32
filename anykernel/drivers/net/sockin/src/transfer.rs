//! Data on its way: from a program to the host, and back.
//!
//! It goes by way of a buffer, a piece at a time. A program may take what is less than it asked for as a sign that
//! there is no more, so a stream goes on piece by piece; but never into an error, which a later call has to report.

use base::{Errno, Events, Lwp, Wait};
use hypercall::{Reception, SocketName, hostsockets};
use sockets::{Incoming, Outgoing};
use syscall::consts::*;
use syscall::{UioIn, UioOut};

use crate::buffers::CHUNK;
use crate::socket::{HostSocket, done, known};
use crate::{control, name};

/// What a program may ask of a send call, and the host hears.
const SEND: u32 = MSG_OOB | MSG_DONTROUTE | MSG_MORE | MSG_CONFIRM | MSG_FASTOPEN;
/// What `HostSocket::opening` says: no send call connects the socket, or one does, or it has.
const NOT: u32 = 0;
const UNDER_WAY: u32 = 1;
const OPEN: u32 = 2;
/// What it may ask of a receive call.
const RECEIVE: u32 = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE;
/// Receive calls that never wait: for what is out of the order of the rest.
const IMPATIENT: u32 = MSG_OOB | MSG_ERRQUEUE;
/// What the host may say of what was received.
const TOLD: u32 = MSG_OOB | MSG_CTRUNC | MSG_TRUNC | MSG_ERRQUEUE;

impl HostSocket {
    /// Sends what the host takes: of a stream all it can, of others a message.
    pub(crate) fn send(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        with: &mut Outgoing,
        flags: u32,
    ) -> Result<usize, Wait> {
        if !self.is_stream() && data.remaining() > CHUNK {
            return Err(Errno::EMSGSIZE.into());
        }
        if data.has_begun() && self.is_broken() {
            return Err(Errno::EPIPE.into());
        }
        let mut to = with.to.as_ref().map(name::to_host).unwrap_or_default();
        let control = control::encode(&with.control);
        let waits = flags & MSG_DONTWAIT == 0;
        let mut flags = flags & SEND;
        if self.is_stream() && flags & MSG_FASTOPEN != 0 {
            // How that ends is news.
            self.watch(lwp)?;
        }
        if self.opening.get() != NOT {
            self.open(&to)?;
            (to, flags) = (SocketName::default(), flags & !MSG_FASTOPEN);
        }
        let mut total = 0;
        loop {
            match self.send_piece(lwp, data, flags, &to, &control) {
                Err(Wait::Fail(Errno::EINPROGRESS)) if waits && self.is_stream() => {
                    self.opening.set(UNDER_WAY);
                    return Err(Wait::For(Events::OUT));
                }
                Err(Wait::For(events)) if total == 0 => return Err(Wait::For(events)),
                Ok((sent, len)) => {
                    self.opening.set(NOT);
                    total += sent;
                    if sent < len || data.remaining() == 0 {
                        return Ok(total);
                    }
                }
                Err(_) if total > 0 => return Ok(total),
                Err(failure) => {
                    self.opening.set(NOT);
                    return Err(failure);
                }
            }
            // An error is for the next call, which is the first that could report it.
            let level = known(hostsockets::events(self.handle));
            if level & (Events::OUT | Events::ALWAYS) != Events::OUT {
                return Ok(total);
            }
        }
    }

    /// Goes on with the connection that a send call has begun to make, to `to`.
    #[cold]
    fn open(&self, to: &SocketName) -> Result<(), Wait> {
        if self.opening.get() == OPEN {
            return Ok(());
        }
        let opened = done(hostsockets::connect(self.handle, to));
        if let Err(Errno::EINPROGRESS | Errno::EALREADY) = opened {
            return Err(Wait::For(Events::OUT));
        }
        self.opening.set(if opened.is_ok() { OPEN } else { NOT });
        Ok(opened?)
    }

    /// Receives what there is: of a stream all there is room for, of others a message.
    pub(crate) fn receive(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Wait> {
        if data.has_begun() && hostsockets::received(self.handle) <= 0 && self.is_broken() {
            return Err(Errno::ECONNRESET.into());
        }
        let mut total = 0;
        loop {
            let (received, filled, len) = match self.receive_piece(lwp, data, with, flags) {
                Err(_) if total > 0 => return Ok(total),
                piece => piece?,
            };
            if !self.is_stream() {
                let all = flags & MSG_TRUNC != 0;
                return Ok(if all { received } else { filled });
            }
            total += filled;
            // More is taken only if it is there: an error or the end is for the next call.
            if flags & RECEIVE != 0
                || filled < len
                || data.remaining() == 0
                || hostsockets::received(self.handle) <= 0
            {
                return Ok(total);
            }
        }
    }

    /// Whether there is an error. Calls that go on with what has begun leave it to the next, which can report it.
    fn is_broken(&self) -> bool {
        known(hostsockets::events(self.handle)).contains(Events::ERR)
    }

    /// Whether it receives no datagrams any more. The host says so only to those who wait, which none does there.
    #[cold]
    fn is_shut(&self) -> bool {
        !self.is_stream() && known(hostsockets::events(self.handle)).contains(Events::RDHUP)
    }

    /// Sends the next piece of data and returns how much was taken of how much.
    fn send_piece(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        flags: u32,
        to: &SocketName,
        control: &[u8],
    ) -> Result<(usize, usize), Wait> {
        let len = data.remaining().min(CHUNK);
        self.sockin.buffers.with(len, |piece| {
            let mut rest = *data;
            rest.take(piece)?;
            let sent = self.ask(lwp, Events::OUT, || {
                let piece = (&*piece).into();
                Errno::check(hostsockets::send(
                    self.handle,
                    piece,
                    flags,
                    to,
                    control.into(),
                ))
            })?;
            let sent = usize::try_from(sent).map_or(len, |sent| sent.min(len));
            if sent == len {
                *data = rest;
            } else {
                data.take(&mut piece[..sent])?;
            }
            Ok((sent, len))
        })?
    }

    /// Receives the next piece of data: how much there was, how much of it found room, and how much room there was.
    fn receive_piece(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<(usize, usize, usize), Wait> {
        let waits = flags & MSG_DONTWAIT == 0;
        let flags = flags & RECEIVE;
        let len = data.remaining().min(CHUNK);
        self.sockin.buffers.with(len, |place| {
            let mut told = Reception::default();
            let mut records = [0; control::ROOM];
            let records = match self.tells.get() {
                0 => &mut [][..],
                _ => &mut records[..],
            };
            let received = self.ask(lwp, Events::IN, || {
                let (place, records) = ((&mut *place).into(), (&mut *records).into());
                let answer = hostsockets::receive(self.handle, place, flags, &mut told, records);
                match Errno::check(answer) {
                    // There is nothing to wait for.
                    Err(Errno::EAGAIN) if flags & IMPATIENT != 0 => Ok(None),
                    Err(Errno::EAGAIN) if waits && self.is_shut() => Ok(Some(0)),
                    answer => answer.map(Some),
                }
            })?;
            let received = received.ok_or(Errno::EAGAIN)?;
            let received = usize::try_from(received).unwrap_or(usize::MAX);
            let filled = received.min(len);
            // Of a stream it means to throw away what comes.
            if !(self.is_stream() && flags & MSG_TRUNC != 0) {
                data.put(&place[..filled])?;
            }
            if !self.is_stream() {
                with.from = name::from_host(&told.from);
            }
            with.flags = told.flags & TOLD;
            let records = records.get(..told.control as usize).unwrap_or(&[]);
            with.control = control::decode(records);
            Ok((received, filled, len))
        })?
    }
}
