//! A Unix stream socket with frames in it, each behind its length in four bytes, the highest first: what
//! QEMU's `-netdev stream` and `passt` speak. It needs no rights beyond those to the socket.
//!
//! We connect. A peer that goes away is waited for, with longer and longer pauses between attempts; what is
//! sent meanwhile is refused, as by a cable without its other end. The kernel hears of both.

mod input;
mod output;
mod socket;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hypercall::{Errno, LinkInfo, Segment};

use super::{End, Link};
use input::{Input, Next};
use output::Output;

/// What Ethernet has unless told otherwise, which neither protocol does.
const MTU: u32 = 1500;
/// The longest frame that a peer may announce: QEMU's own limit. Whoever announces more speaks another language.
const LONGEST: usize = 4096 + 65536;
/// The pauses before an attempt to connect: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];

/// Our end of a connection.
pub(super) struct Stream {
    path: String,
    state: Mutex<State>,
}

struct State {
    line: Line,
    /// The kernel has found nothing, and is to be told of what comes.
    hungry: bool,
    input: Input,
    output: Output,
}

enum Line {
    Connected(UnixStream),
    /// There is nobody. The timer expires after the pause.
    Waiting {
        timer: OwnedFd,
        pause: Duration,
    },
    Closed,
}

impl Stream {
    /// Connects to the socket of this path.
    pub(super) fn open(path: &str) -> Result<Stream, Errno> {
        let socket = socket::connect(path)?;
        Ok(Stream {
            path: path.to_owned(),
            state: Mutex::new(State {
                line: Line::Connected(socket),
                hungry: true,
                input: Input::new(),
                output: Output::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is watched now, and for which events.
    fn interest(&self) -> Option<(BorrowedFd<'_>, i32)> {
        match &self.line {
            Line::Connected(socket) => {
                let input = if self.hungry { libc::EPOLLIN } else { 0 };
                let output = if self.output.is_empty() {
                    0
                } else {
                    libc::EPOLLOUT
                };
                Some((socket.as_fd(), input | output))
            }
            Line::Waiting { timer, .. } => Some((timer.as_fd(), libc::EPOLLIN)),
            Line::Closed => None,
        }
    }

    fn watch_again(&self, link: &Link) {
        if let Some((fd, events)) = self.interest()
            && events != 0
        {
            link.watch_again(fd, events);
        }
    }

    /// Watches something else from now on.
    fn change(&mut self, link: &Link, line: Line) {
        if let Some((fd, _)) = self.interest() {
            link.forget(fd);
        }
        self.line = line;
        if let Some((fd, events)) = self.interest() {
            // Fails where the system has no memory left; the link is then as good as closed.
            let _ = link.watch(fd, events);
        }
    }

    /// The peer is gone. What it began to say, and what it was not told yet, goes with it.
    fn lose(&mut self, link: &Link) {
        self.input.clear();
        self.output.clear();
        self.hungry = true;
        self.wait(link, PAUSES[0]);
    }

    /// Takes note of events, and says whether they are the kernel's business.
    fn happened(&mut self, link: &Link, path: &str, events: u32) -> bool {
        match &self.line {
            Line::Connected(socket) => {
                if self.output.flush(socket).is_err() {
                    self.lose(link);
                    return true;
                }
                let arrived = self.hungry && events & !(libc::EPOLLOUT as u32) != 0;
                self.hungry &= !arrived;
                self.watch_again(link);
                arrived
            }
            // What was said of a connection may come after it was lost.
            Line::Waiting { timer, .. } if !socket::expired(timer) => false,
            Line::Waiting { pause, .. } => {
                let next = (*pause * 2).min(PAUSES[1]);
                let connected = socket::connect(path);
                let is_news = connected.is_ok();
                match connected {
                    Ok(socket) => self.change(link, Line::Connected(socket)),
                    Err(_) => self.wait(link, next),
                }
                is_news
            }
            Line::Closed => false,
        }
    }

    /// Sends frames, and says how many were taken; or that the peer was lost.
    fn send(&mut self, link: &Link, frames: &[Segment<'_>]) -> Result<usize, ()> {
        let Line::Connected(socket) = &self.line else {
            return Ok(0);
        };
        let was_empty = self.output.is_empty();
        let sent = self.output.send(socket, frames);
        if sent.is_err() {
            self.lose(link);
        } else if was_empty && !self.output.is_empty() {
            self.watch_again(link);
        }
        sent.map_err(|_| ())
    }

    fn wait(&mut self, link: &Link, pause: Duration) {
        match socket::timer(pause) {
            Ok(timer) => self.change(link, Line::Waiting { timer, pause }),
            Err(_) => self.change(link, Line::Closed),
        }
    }
}

impl End for Stream {
    fn info(&self) -> LinkInfo {
        LinkInfo {
            mtu: MTU,
            ..LinkInfo::default()
        }
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        match self.state().interest() {
            Some((fd, events)) => link.watch(fd, events),
            None => Ok(()),
        }
    }

    fn happened(&self, link: &Link, events: u32) {
        let is_news = self.state().happened(link, &self.path, events);
        if is_news {
            link.arrived.tell();
        }
    }

    fn carrier(&self) -> bool {
        matches!(self.state().line, Line::Connected(_))
    }

    fn receive(&self, link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let mut state = self.state();
        let state = &mut *state;
        let mut filled = 0;
        while let Some(buffer) = buffers.get_mut(filled) {
            let Line::Connected(socket) = &state.line else {
                break;
            };
            match state.input.next(socket) {
                Ok(Next::Frame(frame)) => {
                    // One that is too long arrives as nothing, which the kernel drops and counts.
                    if let Some(room) = buffer.buffer().get_mut(..frame.len()) {
                        room.copy_from_slice(frame);
                        buffer.set_len(frame.len());
                    }
                    filled += 1;
                }
                Ok(Next::Nothing) => {
                    state.hungry = true;
                    state.watch_again(link);
                    break;
                }
                Err(_) => state.lose(link),
            }
        }
        filled
    }

    fn transmit(&self, link: &Link, frames: &[Segment<'_>]) -> usize {
        let taken = self.state().send(link, frames);
        taken.unwrap_or_else(|()| {
            link.arrived.tell();
            0
        })
    }

    fn end(&self, link: &Link) {
        self.state().change(link, Line::Closed);
    }
}

#[cfg(test)]
mod tests;
