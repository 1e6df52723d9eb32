//! The options of level `SOL_SOCKET` that hold for every protocol.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use syscall::OptIn;
use syscall::consts::*;

use crate::file::SocketFile;
use crate::filter::FilterOptions;
use crate::timeouts;

/// The least an option's value has: every one of this level begins with an `int`.
const INT: usize = 4;

/// Sets an option, here or in the protocol.
pub(crate) fn set(
    lwp: &Lwp<'_>,
    file: &SocketFile,
    level: u32,
    name: u32,
    value: &OptIn<'_>,
) -> Result<(), Errno> {
    if level == SOL_SOCKET
        && let SO_ATTACH_FILTER | SO_DETACH_FILTER | SO_LOCK_FILTER = name
    {
        let (options, place) = FilterOptions::of(lwp, file.socket())?;
        return (options.set)(lwp, place, name, value);
    }
    let value = &value.bytes()?[..];
    if level != SOL_SOCKET {
        return file.socket().set_option(lwp, level, name, value);
    }
    // The name of a device is not an `int`.
    if name != SO_BINDTODEVICE && value.len() < INT {
        return Err(Errno::EINVAL);
    }
    match name {
        SO_TYPE | SO_DOMAIN | SO_PROTOCOL => Err(Errno::ENOPROTOOPT),
        SO_RCVTIMEO => {
            let span = timeouts::decode(value)?;
            file.timeouts().set(|spans| spans.receive = span);
            Ok(())
        }
        SO_SNDTIMEO => {
            let span = timeouts::decode(value)?;
            file.timeouts().set(|spans| spans.send = span);
            Ok(())
        }
        _ => file.socket().set_option(lwp, level, name, value),
    }
}

/// The value of an option, from here or from the protocol.
pub(crate) fn get(
    lwp: &Lwp<'_>,
    file: &SocketFile,
    level: u32,
    name: u32,
) -> Result<Vec<u8>, Errno> {
    let socket = file.socket();
    let number = match (level, name) {
        (SOL_SOCKET, SO_TYPE) => socket.kind(),
        (SOL_SOCKET, SO_DOMAIN) => u32::from(socket.domain()),
        (SOL_SOCKET, SO_PROTOCOL) => socket.protocol(),
        (SOL_SOCKET, SO_RCVTIMEO) => {
            return Ok(timeouts::encode(file.timeouts().get().receive).to_vec());
        }
        (SOL_SOCKET, SO_SNDTIMEO) => {
            return Ok(timeouts::encode(file.timeouts().get().send).to_vec());
        }
        (SOL_SOCKET, SO_LOCK_FILTER) => FilterOptions::of(lwp, socket)?.1.is_locked().into(),
        _ => return socket.option(lwp, level, name),
    };
    Ok(number.to_ne_bytes().to_vec())
}
