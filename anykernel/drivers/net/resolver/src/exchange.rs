//! Questions on their way to servers, and answers back: over UDP, and over TCP what does not fit there
//! (RFC 1123 § 6.1.3.2, RFC 7766). Each attempt has a socket, ports and numbers of its own, drawn at random, and hears
//! only the server it asks (RFC 5452).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use base::{Blocking, Errno, Events, Lwp, Wait, block};
use sockets::{Families, Incoming, Outgoing, Socket};
use syscall::consts::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM};
use syscall::{UioIn, UioOut, UserIn, UserOut};

use crate::message::{self, Answer, Kind, Reply};
use crate::name::Name;

const SECOND: u64 = 1_000_000_000;
/// How long a server has to answer, each time it is asked.
const PATIENCE: [u64; 3] = [2 * SECOND, 3 * SECOND, 5 * SECOND];
/// How long a server has to answer over TCP.
const PATIENCE_TCP: u64 = 10 * SECOND;
/// The longest datagram (RFC 1035 § 4.2.1): we ask for no longer ones.
const LONGEST_DATAGRAM: usize = 512;

/// A question, and what came of it.
pub(crate) struct Question {
    pub(crate) kind: Kind,
    pub(crate) answer: Result<Answer, Errno>,
}

impl Question {
    pub(crate) fn new(kind: Kind) -> Self {
        Question {
            kind,
            answer: Err(Errno::ETIMEDOUT),
        }
    }
}

/// Asks the servers in turn for all kinds of addresses at a time, until one of them has answered each question. What a
/// question failed with in the end stands in it; the error is one of the caller, such as `EINTR`.
pub(crate) fn ask(
    lwp: &Lwp<'_>,
    families: &Families,
    servers: &[SocketAddr],
    name: &Name,
    questions: &mut [Question],
) -> Result<(), Errno> {
    for patience in PATIENCE {
        let mut silent = false;
        for server in servers {
            let outcome = ask_one(lwp, families, server, name, questions, patience);
            match outcome {
                Err(errno @ (Errno::EINTR | Errno::EIO)) => return Err(errno),
                Err(errno) => {
                    let open = questions.iter_mut().filter(|it| it.answer.is_err());
                    open.for_each(|question| question.answer = Err(errno));
                }
                Ok(()) => {}
            }
            if questions.iter().all(|question| question.answer.is_ok()) {
                return Ok(());
            }
            silent |= questions
                .iter()
                .any(|question| question.answer == Err(Errno::ETIMEDOUT));
        }
        // Who said no will say no again.
        if !silent {
            break;
        }
    }
    Ok(())
}

/// Asks one server what no other has answered.
fn ask_one(
    lwp: &Lwp<'_>,
    families: &Families,
    server: &SocketAddr,
    name: &Name,
    questions: &mut [Question],
    patience: u64,
) -> Result<(), Errno> {
    let truncated = with_socket(lwp, families, server, SOCK_DGRAM, |socket| {
        over_udp(lwp, socket, name, questions, patience)
    })?;
    for question in questions.iter_mut() {
        if truncated.contains(&question.kind) {
            let reply = with_socket(lwp, families, server, SOCK_STREAM, |socket| {
                over_tcp(lwp, socket, name, question.kind)
            })?;
            question.answer = match reply {
                Reply::Answer(answer) => Ok(answer),
                Reply::Truncated => Err(Errno::EPROTO),
                Reply::Failed(errno) => Err(errno),
            };
        }
    }
    Ok(())
}

/// Runs `f` with a socket that is connected, or on its way to it, and closes that.
fn with_socket<R>(
    lwp: &Lwp<'_>,
    families: &Families,
    server: &SocketAddr,
    kind: u32,
    f: impl FnOnce(&dyn Socket) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let family = match server {
        SocketAddr::V4(_) => AF_INET,
        SocketAddr::V6(_) => AF_INET6,
    };
    let protocol = families.get(family).ok_or(Errno::EAFNOSUPPORT)?;
    let socket: Arc<dyn Socket> = protocol.socket(lwp, kind, 0)?;
    let how = within(lwp, PATIENCE_TCP);
    let connected = block(lwp, socket.readiness(), how, || {
        socket.connect(lwp, &(*server).into())
    });
    let result = connected.and_then(|()| f(&*socket));
    socket.close(lwp);
    result
}

fn within(lwp: &Lwp<'_>, patience: u64) -> Blocking {
    Blocking::new(false)
        .within(lwp, patience)
        .or(Errno::ETIMEDOUT)
}

/// Asks what is open, and gives the kinds whose answers do not fit into a datagram.
fn over_udp(
    lwp: &Lwp<'_>,
    socket: &dyn Socket,
    name: &Name,
    questions: &mut [Question],
    patience: u64,
) -> Result<Vec<Kind>, Errno> {
    let how = within(lwp, patience);
    let mut open: Vec<(u16, &mut Question)> = Vec::new();
    for question in questions.iter_mut().filter(|it| it.answer.is_err()) {
        let id = random_id();
        let bytes = message::question(id, name, question.kind);
        send(lwp, socket, how, &bytes)?;
        question.answer = Err(Errno::ETIMEDOUT);
        open.push((id, question));
    }
    let mut truncated = Vec::new();
    let mut buffer = [0; LONGEST_DATAGRAM];
    while !open.is_empty() {
        let len = match receive(lwp, socket, how, &mut buffer) {
            Err(Errno::ETIMEDOUT) => break,
            other => other?,
        };
        let message = &buffer[..len];
        let found = open.iter().enumerate().find_map(|(at, (id, question))| {
            let reply = message::read(message, *id, name, question.kind)?;
            Some((at, reply))
        });
        if let Some((at, reply)) = found {
            let (_, question) = open.swap_remove(at);
            match reply {
                Reply::Answer(answer) => question.answer = Ok(answer),
                Reply::Truncated => truncated.push(question.kind),
                Reply::Failed(errno) => question.answer = Err(errno),
            }
        }
    }
    Ok(truncated)
}

/// Asks one question. `EPROTO` for an answer that is none to it.
fn over_tcp(lwp: &Lwp<'_>, socket: &dyn Socket, name: &Name, kind: Kind) -> Result<Reply, Errno> {
    let how = within(lwp, PATIENCE_TCP);
    let id = random_id();
    let question = message::question(id, name, kind);
    let mut bytes = (question.len() as u16).to_be_bytes().to_vec();
    bytes.extend(question);
    send(lwp, socket, how, &bytes)?;
    let mut len = [0; 2];
    receive_all(lwp, socket, how, &mut len)?;
    let len = usize::from(u16::from_be_bytes(len));
    let mut answer = Vec::new();
    answer.try_reserve_exact(len).map_err(|_| Errno::ENOMEM)?;
    answer.resize(len, 0);
    receive_all(lwp, socket, how, &mut answer)?;
    message::read(&answer, id, name, kind).ok_or(Errno::EPROTO)
}

fn send(lwp: &Lwp<'_>, socket: &dyn Socket, how: Blocking, bytes: &[u8]) -> Result<(), Errno> {
    let mut data = UioIn::from(UserIn::from(bytes));
    block(lwp, socket.readiness(), how, || {
        socket.try_send(lwp, &mut data, &mut Outgoing::default(), 0)?;
        match data.remaining() {
            0 => Ok(()),
            _ => Err(Wait::For(Events::OUT)),
        }
    })
}

fn receive(
    lwp: &Lwp<'_>,
    socket: &dyn Socket,
    how: Blocking,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    block(lwp, socket.readiness(), how, || {
        let mut data = UioOut::from(UserOut::from(&mut *buffer));
        socket.try_receive(lwp, &mut data, &mut Incoming::default(), 0)
    })
}

fn receive_all(
    lwp: &Lwp<'_>,
    socket: &dyn Socket,
    how: Blocking,
    mut buffer: &mut [u8],
) -> Result<(), Errno> {
    while !buffer.is_empty() {
        match receive(lwp, socket, how, buffer)? {
            0 => return Err(Errno::EPROTO),
            len => buffer = &mut buffer[len..],
        }
    }
    Ok(())
}

fn random_id() -> u16 {
    let mut bytes = [0; 2];
    hypercall::random::fill((&mut bytes[..]).into());
    u16::from_ne_bytes(bytes)
}
