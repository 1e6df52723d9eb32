//! The socket options that all protocols have, and how their values are written.

use alloc::vec::Vec;

use base::Errno;
use syscall::consts::*;

/// The hop limit of packets whose sender did not say one (RFC 1700).
pub(crate) const HOP_LIMIT: u8 = 64;

/// Options of every socket.
#[derive(Clone, Copy, Default)]
pub(crate) struct Common {
    pub(crate) reuse_addr: bool,
    pub(crate) reuse_port: bool,
    pub(crate) broadcast: bool,
    pub(crate) v6only: bool,
    dont_route: bool,
    type_of_service: u8,
    receive_low_water: u32,
}

impl Common {
    /// How many bytes make a stream readable.
    pub(crate) fn low_water(&self) -> usize {
        self.receive_low_water.max(1) as usize
    }

    /// Sets an option; `ENOPROTOOPT` for one that is not known.
    pub(crate) fn set(&mut self, level: u32, name: u32, value: &[u8]) -> Result<(), Errno> {
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => self.reuse_addr = int(value)? != 0,
            (SOL_SOCKET, SO_REUSEPORT) => self.reuse_port = int(value)? != 0,
            (SOL_SOCKET, SO_BROADCAST) => self.broadcast = int(value)? != 0,
            (SOL_SOCKET, SO_DONTROUTE) => self.dont_route = int(value)? != 0,
            (SOL_SOCKET, SO_RCVLOWAT) => self.receive_low_water = int(value)?.max(0) as u32,
            (IPPROTO_IP, IP_TOS) => self.type_of_service = small_int(value)? as u8,
            (IPPROTO_IPV6, IPV6_V6ONLY) => self.v6only = int(value)? != 0,
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    /// Reads an option; `ENOPROTOOPT` for one that is not known.
    pub(crate) fn get(&self, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
        let int: i32 = match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => self.reuse_addr.into(),
            (SOL_SOCKET, SO_REUSEPORT) => self.reuse_port.into(),
            (SOL_SOCKET, SO_BROADCAST) => self.broadcast.into(),
            (SOL_SOCKET, SO_DONTROUTE) => self.dont_route.into(),
            (SOL_SOCKET, SO_RCVLOWAT) => self.low_water() as i32,
            (SOL_SOCKET, SO_SNDLOWAT) => 1,
            (IPPROTO_IP, IP_TOS) => self.type_of_service.into(),
            (IPPROTO_IPV6, IPV6_V6ONLY) => self.v6only.into(),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(int.to_ne_bytes().to_vec())
    }
}

/// The `int` a value begins with; `EINVAL` if it is too short for one.
pub(crate) fn int(value: &[u8]) -> Result<i32, Errno> {
    value
        .first_chunk()
        .map(|bytes| i32::from_ne_bytes(*bytes))
        .ok_or(Errno::EINVAL)
}

/// An `int` of an option of IP, which may be a single byte.
pub(crate) fn small_int(value: &[u8]) -> Result<i32, Errno> {
    match value {
        [] => Err(Errno::EINVAL),
        [byte, ..] if value.len() < 4 => Ok((*byte).into()),
        _ => int(value),
    }
}

/// The value of `IP_TTL` and its like: from 1 to 255, or -1 for the usual.
pub(crate) fn hop_limit(value: &[u8]) -> Result<Option<u8>, Errno> {
    match small_int(value)? {
        -1 => Ok(None),
        limit @ 1..=255 => Ok(Some(limit as u8)),
        _ => Err(Errno::EINVAL),
    }
}
