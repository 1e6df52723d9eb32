//! Socket addresses, in Linux's layouts.

use core::net::{Ipv6Addr, SocketAddrV4, SocketAddrV6};
use core::{ptr, slice};

use base::Errno;
use syscall::SockAddr;
use syscall::consts::{AF_INET, AF_INET6, AF_UNSPEC};

/// Room for every address: `struct sockaddr_storage`.
const STORAGE: usize = 128;
/// `struct sockaddr_in`.
const INET: usize = 16;
/// `struct sockaddr_in6`.
const INET6: usize = 28;
/// `struct sockaddr_in6` before it had a scope (RFC 2133), which Linux takes too.
const INET6_SHORT: usize = 24;

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

/// Reads an address; `EINVAL` if it is too short for its family, or longer than any.
pub(crate) fn decode(bytes: &[u8]) -> Result<SockAddr, Errno> {
    if bytes.len() < 2 || bytes.len() > STORAGE {
        return Err(Errno::EINVAL);
    }
    let port = || u16::from_be_bytes(array(bytes, 2));
    match u16::from_ne_bytes(array(bytes, 0)) {
        AF_UNSPEC => Ok(SockAddr::Unspec),
        AF_INET | AF_INET6 if bytes.len() < INET => Err(Errno::EINVAL),
        AF_INET => {
            let address = SocketAddrV4::new(array::<4>(bytes, 4).into(), port());
            Ok(match bytes.len() < INET6_SHORT {
                true => SockAddr::Inet(address),
                false => SockAddr::InetLong(address),
            })
        }
        AF_INET6 if bytes.len() < INET6_SHORT => Err(Errno::EINVAL),
        AF_INET6 => {
            let flow = u32::from_be_bytes(array(bytes, 4));
            let address = Ipv6Addr::from(array::<16>(bytes, 8));
            let scope = match bytes.len() < INET6 {
                true => 0,
                false => u32::from_ne_bytes(array(bytes, 24)),
            };
            let address = SocketAddrV6::new(address, port(), flow, scope);
            Ok(SockAddr::Inet6(address))
        }
        family => {
            let mut data = [0; STORAGE - 2];
            data[..bytes.len() - 2].copy_from_slice(&bytes[2..]);
            Ok(SockAddr::Other {
                family,
                data,
                len: (bytes.len() - 2) as u8,
            })
        }
    }
}

/// Writes an address into `to` and says how long it is.
pub(crate) fn encode(address: &SockAddr, to: &mut [u8; STORAGE]) -> usize {
    to[..2].copy_from_slice(&address.family().to_ne_bytes());
    match address {
        SockAddr::Unspec => 2,
        SockAddr::Inet(address) | SockAddr::InetLong(address) => {
            to[2..4].copy_from_slice(&address.port().to_be_bytes());
            to[4..8].copy_from_slice(&address.ip().octets());
            to[8..INET].fill(0);
            INET
        }
        SockAddr::Inet6(address) => {
            to[2..4].copy_from_slice(&address.port().to_be_bytes());
            to[4..8].copy_from_slice(&address.flowinfo().to_be_bytes());
            to[8..24].copy_from_slice(&address.ip().octets());
            to[24..INET6].copy_from_slice(&address.scope_id().to_ne_bytes());
            INET6
        }
        SockAddr::Other { data, len, .. } => {
            let len = usize::from(*len).min(data.len());
            to[2..2 + len].copy_from_slice(&data[..len]);
            2 + len
        }
    }
}

/// Reads the address of a call; `None` for null.
///
/// # Safety
///
/// `address` is null or good for reading `len` bytes.
pub(crate) unsafe fn read(address: *const u8, len: u32) -> Result<Option<SockAddr>, Errno> {
    if address.is_null() {
        return Ok(None);
    }
    if len as usize > STORAGE {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller's word.
    decode(unsafe { slice::from_raw_parts(address, len as usize) }).map(Some)
}

/// Writes as much of the address as there is room for, and returns its full length; zero for none.
///
/// # Safety
///
/// `to` is good for writing `room` bytes.
pub(crate) unsafe fn write(address: Option<&SockAddr>, to: *mut u8, room: usize) -> u32 {
    let mut bytes = [0; STORAGE];
    let len = address.map_or(0, |address| encode(address, &mut bytes));
    // SAFETY: the caller's word, and `bytes` has `len`.
    unsafe { ptr::copy(bytes.as_ptr(), to, len.min(room)) };
    len as u32
}

/// Decoder of an address that the call reads.
pub struct SockAddrIn(syscall::SockAddrIn);

impl SockAddrIn {
    /// # Safety
    ///
    /// `address` is null or good for reading `len` bytes.
    pub unsafe fn new(address: *const u8, len: u32) -> Self {
        // SAFETY: the caller's word.
        SockAddrIn(syscall::SockAddrIn::new(unsafe { read(address, len) }))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::SockAddrIn {
        self.0
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Decoder of a place for an address. Null: the caller wants none.
pub struct SockAddrOut {
    address: *mut u8,
    len: *mut u32,
    result: Option<SockAddr>,
}

impl SockAddrOut {
    /// # Safety
    ///
    /// `address` is null or good for writing as many bytes as `len` points at, and `len` null or good
    /// for reading and writing.
    pub unsafe fn new(address: *mut u8, len: *mut u32) -> Self {
        SockAddrOut {
            address,
            len,
            result: None,
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::SockAddrOut<'_> {
        syscall::SockAddrOut::new((!self.address.is_null()).then_some(&mut self.result))
    }

    /// Copies the address out, as far as there is room, and its full length.
    pub fn finish(self) -> Result<(), Errno> {
        if self.address.is_null() {
            return Ok(());
        }
        if self.len.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the contract of `new`. A length with the sign bit is a negative `socklen_t` to Linux.
        unsafe {
            let room = i32::try_from(self.len.read_unaligned()).map_err(|_| Errno::EINVAL)?;
            let len = write(self.result.as_ref(), self.address, room as usize);
            self.len.write_unaligned(len);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn bytes(address: &SockAddr) -> Vec<u8> {
        let mut bytes = [0; STORAGE];
        let len = encode(address, &mut bytes);
        bytes[..len].to_vec()
    }

    #[test]
    fn addresses_survive_the_way_out_and_in() {
        let other = decode(&[17, 0, 1, 2, 3]).unwrap();
        assert_eq!(bytes(&other), [17, 0, 1, 2, 3]);
        let v4 = SockAddr::Inet("10.1.2.3:80".parse().unwrap());
        assert_eq!(bytes(&v4)[..8], [2, 0, 0, 80, 10, 1, 2, 3]);
        let v6: SocketAddrV6 = "[fe80::1]:443".parse().unwrap();
        let v6 = SockAddr::Inet6(SocketAddrV6::new(*v6.ip(), 443, 7, 3));
        assert_eq!(bytes(&v6).len(), INET6);
        for address in [SockAddr::Unspec, v4, v6, other] {
            assert_eq!(decode(&bytes(&address)), Ok(address));
        }
    }

    #[test]
    fn short_and_long_addresses_are_refused() {
        let v4 = bytes(&SockAddr::Inet("10.1.2.3:80".parse().unwrap()));
        let v6 = bytes(&SockAddr::Inet6("[::1]:80".parse().unwrap()));
        for short in [&v4[..0], &v4[..1], &v4[..15], &v6[..23], &[10; 129]] {
            assert_eq!(decode(short), Err(Errno::EINVAL));
        }
        assert!(decode(&v6[..24]).is_ok());
    }

    #[test]
    fn a_small_room_gets_what_fits_and_the_full_length() {
        let (mut room, mut len) = ([0xffu8; 8], 4u32);
        // SAFETY: the room is larger than `len` says.
        let mut decoder = unsafe { SockAddrOut::new(room.as_mut_ptr(), &mut len) };
        let v4 = SockAddr::Inet("10.1.2.3:80".parse().unwrap());
        decoder.arg().put(v4);
        assert_eq!(decoder.finish(), Ok(()));
        assert_eq!((room, len), ([2, 0, 0, 80, 255, 255, 255, 255], 16));
    }
}
