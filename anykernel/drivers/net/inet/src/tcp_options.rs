//! The options of a TCP socket.

use alloc::vec::Vec;

use base::Errno;
use syscall::consts::*;

use crate::options::{self, Common};

/// A connection's buffers may not become larger than this; smoltcp's limit is 1 GiB.
const MAX_BUFFER: usize = 64 << 20;
/// The least that SO_RCVBUF and SO_SNDBUF give, and the parameter: a segment of an Ethernet.
pub(crate) const MIN_BUFFER: usize = 2048;

/// What a program may set, and a connection inherits from its listener.
#[derive(Clone, Copy)]
pub(crate) struct TcpOptions {
    pub(crate) common: Common,
    /// `SO_RCVBUF`, `SO_SNDBUF`: bytes. They count when the connection is made.
    pub(crate) receive_buffer: usize,
    pub(crate) send_buffer: usize,
    pub(crate) no_delay: bool,
    pub(crate) keep_alive: bool,
    /// In seconds.
    pub(crate) keep_idle: u32,
    pub(crate) keep_interval: u32,
    pub(crate) keep_count: u32,
    /// In milliseconds; zero: the usual.
    pub(crate) user_timeout: u32,
    /// How long close waits, in seconds; zero: it resets the connection.
    pub(crate) linger: Option<u32>,
    /// Of packets sent; the usual if none.
    pub(crate) hop_limit: Option<u8>,
    max_segment: u32,
    out_of_band_inline: bool,
}

impl TcpOptions {
    pub(crate) fn new(buffer: usize) -> Self {
        TcpOptions {
            common: Common::default(),
            receive_buffer: buffer,
            send_buffer: buffer,
            no_delay: false,
            keep_alive: false,
            keep_idle: 7200,
            keep_interval: 75,
            keep_count: 9,
            user_timeout: 0,
            linger: None,
            hop_limit: None,
            max_segment: 0,
            out_of_band_inline: false,
        }
    }

    /// The largest packet of a link that carries packets of `mtu` bytes.
    pub(crate) fn limit_mtu(&self, mtu: usize, ipv4: bool) -> usize {
        let headers = if ipv4 { 40 } else { 60 };
        match self.max_segment as usize {
            0 => mtu,
            segment => mtu.min(segment + headers),
        }
    }

    /// Sets an option; `ENOPROTOOPT` for one that is not known.
    pub(crate) fn set(&mut self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        let int = || options::int(value);
        match (level, name) {
            (SOL_SOCKET, SO_RCVBUF) => self.receive_buffer = buffer(int()?),
            (SOL_SOCKET, SO_SNDBUF) => self.send_buffer = buffer(int()?),
            (SOL_SOCKET, SO_KEEPALIVE) => self.keep_alive = int()? != 0,
            (SOL_SOCKET, SO_OOBINLINE) => self.out_of_band_inline = int()? != 0,
            (SOL_SOCKET, SO_LINGER) => {
                let on = int()? != 0;
                let seconds = options::int(value.get(4..).unwrap_or(&[]))?;
                self.linger = on.then_some(seconds.max(0) as u32);
            }
            (IPPROTO_TCP, TCP_NODELAY) => self.no_delay = int()? != 0,
            (IPPROTO_TCP, TCP_MAXSEG) => self.max_segment = between(int()?, 88, 32767)?,
            (IPPROTO_TCP, TCP_KEEPIDLE) => self.keep_idle = between(int()?, 1, 32767)?,
            (IPPROTO_TCP, TCP_KEEPINTVL) => self.keep_interval = between(int()?, 1, 32767)?,
            (IPPROTO_TCP, TCP_KEEPCNT) => self.keep_count = between(int()?, 1, 127)?,
            (IPPROTO_TCP, TCP_USER_TIMEOUT) => self.user_timeout = between(int()?, 0, i32::MAX)?,
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit = options::hop_limit(value)?;
            }
            _ => return self.common.set(level, name, value),
        }
        Ok(())
    }

    /// Reads an option; `ENOPROTOOPT` for one that is not known.
    pub(crate) fn get(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        let int = match (level, name) {
            // Linux counts its own bookkeeping, and so reports the double.
            (SOL_SOCKET, SO_RCVBUF) => 2 * self.receive_buffer as i32,
            (SOL_SOCKET, SO_SNDBUF) => 2 * self.send_buffer as i32,
            (SOL_SOCKET, SO_KEEPALIVE) => self.keep_alive.into(),
            (SOL_SOCKET, SO_OOBINLINE) => self.out_of_band_inline.into(),
            (SOL_SOCKET, SO_LINGER) => {
                let mut bytes = i32::from(self.linger.is_some()).to_ne_bytes().to_vec();
                bytes.extend((self.linger.unwrap_or(0) as i32).to_ne_bytes());
                return Ok(bytes);
            }
            (IPPROTO_TCP, TCP_NODELAY) => self.no_delay.into(),
            (IPPROTO_TCP, TCP_MAXSEG) if self.max_segment == 0 => 536,
            (IPPROTO_TCP, TCP_MAXSEG) => self.max_segment as i32,
            (IPPROTO_TCP, TCP_KEEPIDLE) => self.keep_idle as i32,
            (IPPROTO_TCP, TCP_KEEPINTVL) => self.keep_interval as i32,
            (IPPROTO_TCP, TCP_KEEPCNT) => self.keep_count as i32,
            (IPPROTO_TCP, TCP_USER_TIMEOUT) => self.user_timeout as i32,
            (IPPROTO_IP, IP_TTL) | (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                self.hop_limit.unwrap_or(options::HOP_LIMIT).into()
            }
            _ => return self.common.get(level, name),
        };
        Ok(int.to_ne_bytes().to_vec())
    }
}

fn buffer(asked: i32) -> usize {
    usize::try_from(asked)
        .unwrap_or(MAX_BUFFER)
        .clamp(MIN_BUFFER, MAX_BUFFER)
}

fn between(value: i32, least: i32, most: i32) -> Result<u32, Errno> {
    if (least..=most).contains(&value) {
        Ok(value as u32)
    } else {
        Err(Errno::EINVAL)
    }
}
