//! The options of a socket.

use alloc::vec::Vec;

use base::Errno;
use syscall::consts::*;

/// What a socket may send before somebody receives it, unless SO_SNDBUF says otherwise (Linux's default).
const BUFFER: usize = 212_992;
/// The most that may be asked for, and the least that is given.
const MOST: usize = 64 << 20;
const LEAST_SEND: usize = 4608;
const LEAST_RECEIVE: usize = 2304;

/// Options of every socket.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    /// Bytes that may be sent and not received yet.
    pub(crate) send_buffer: usize,
    /// Known for who asks; it limits nothing, as on Linux.
    receive_buffer: usize,
    /// The receiver hears who sent.
    pub(crate) pass_credentials: bool,
    /// Options that mean nothing here, a bit each.
    idle: u32,
}

impl Options {
    pub(crate) fn new() -> Self {
        Options {
            send_buffer: BUFFER,
            receive_buffer: BUFFER,
            pass_credentials: false,
            idle: 0,
        }
    }

    /// Sets an option; `ENOPROTOOPT` for one that is not known, `EOPNOTSUPP` for another level.
    pub(crate) fn set(&mut self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        if level != SOL_SOCKET {
            return Err(Errno::EOPNOTSUPP);
        }
        let value = value.first_chunk().ok_or(Errno::EINVAL)?;
        let value = i32::from_ne_bytes(*value);
        match name {
            SO_SNDBUF => self.send_buffer = buffer(value).max(LEAST_SEND),
            SO_RCVBUF => self.receive_buffer = buffer(value).max(LEAST_RECEIVE),
            SO_PASSCRED => self.pass_credentials = value != 0,
            SO_REUSEADDR | SO_BROADCAST | SO_KEEPALIVE | SO_DONTROUTE | SO_OOBINLINE => {
                self.idle = self.idle & !(1 << name) | u32::from(value != 0) << name;
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// Reads an option; `ENOPROTOOPT` for one that is not known, `EOPNOTSUPP` for another level.
    pub(crate) fn get(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        if level != SOL_SOCKET {
            return Err(Errno::EOPNOTSUPP);
        }
        let value = match name {
            SO_SNDBUF => self.send_buffer as i32,
            SO_RCVBUF => self.receive_buffer as i32,
            SO_SNDLOWAT => 1,
            SO_PASSCRED => self.pass_credentials.into(),
            SO_REUSEADDR | SO_BROADCAST | SO_KEEPALIVE | SO_DONTROUTE | SO_OOBINLINE => {
                (self.idle >> name & 1) as i32
            }
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(value.to_ne_bytes().to_vec())
    }
}

/// Linux gives the double of what is asked, for its own bookkeeping.
fn buffer(asked: i32) -> usize {
    2 * usize::try_from(asked).unwrap_or(MOST).min(MOST)
}

/// `struct ucred` of a process, or of nobody.
pub(crate) fn credentials(pid: Option<i32>) -> Vec<u8> {
    let user = if pid.is_some() { 0 } else { u32::MAX };
    let words = [pid.unwrap_or(0) as u32, user, user];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}
