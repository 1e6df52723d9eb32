//! `struct msghdr`.

use alloc::vec::Vec;
use base::Errno;
use syscall::consts::MSG_CTRUNC;
use syscall::{Control, MsgResult};

use crate::memory::{Places, RawIovec};
use crate::{address, control};

/// The longest address; a longer length is cut, as Linux does here.
const STORAGE: u32 = 128;

/// `struct msghdr`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawMsghdr {
    pub msg_name: *mut u8,
    pub msg_namelen: u32,
    pub msg_iov: *mut RawIovec,
    pub msg_iovlen: usize,
    pub msg_control: *mut u8,
    pub msg_controllen: usize,
    pub msg_flags: i32,
}

impl RawMsghdr {
    /// The places of the data.
    ///
    /// # Safety
    ///
    /// The header is as C's `sendmsg` and `recvmsg` want it.
    unsafe fn places(&self) -> Result<Places, Errno> {
        if self.msg_namelen > i32::MAX as u32 {
            return Err(Errno::EINVAL);
        }
        // SAFETY: the caller's word.
        unsafe { Places::read(self.msg_iov, self.msg_iovlen, Errno::EMSGSIZE) }
    }
}

/// Decoder of a message that the call sends.
pub struct MsgIn {
    to: syscall::SockAddrIn,
    places: Result<Places, Errno>,
    control: Result<Vec<Control>, Errno>,
}

impl MsgIn {
    /// # Safety
    ///
    /// `message` is null or good for reading, and so is what it points at until the call ends.
    pub unsafe fn new(message: *const RawMsghdr) -> Self {
        // SAFETY: the caller's word, here and below.
        let Some(header) = (unsafe { message.as_ref() }) else {
            return MsgIn {
                to: syscall::SockAddrIn::new(Ok(None)),
                places: Err(Errno::EFAULT),
                control: Ok(Vec::new()),
            };
        };
        // SAFETY: as above.
        let places = unsafe { header.places() };
        // SAFETY: as above.
        let to = unsafe { address::read(header.msg_name, header.msg_namelen.min(STORAGE)) };
        MsgIn {
            to: syscall::SockAddrIn::new(to),
            places,
            // SAFETY: as above.
            control: unsafe { control::read(header.msg_control, header.msg_controllen) },
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::MsgIn<'_> {
        let uio = Places::iov_in(&self.places).uio();
        let control = self.control.as_deref().map_err(|error| *error);
        syscall::MsgIn::new(uio.and_then(|uio| Ok((self.to, uio, control?))))
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Decoder of a place for a message.
pub struct MsgOut {
    message: *mut RawMsghdr,
    places: Result<Places, Errno>,
    descriptors: [usize; 2],
    result: MsgResult,
}

impl MsgOut {
    /// # Safety
    ///
    /// `message` is null or good for reading and writing, and what it points at for writing until the
    /// call ends.
    pub unsafe fn new(message: *mut RawMsghdr) -> Self {
        // SAFETY: the caller's word.
        let header = unsafe { message.as_ref() };
        let control = header.filter(|header| !header.msg_control.is_null());
        MsgOut {
            message,
            // SAFETY: as above.
            places: header.map_or(Err(Errno::EFAULT), |header| unsafe { header.places() }),
            descriptors: control::room(control.map_or(0, |header| header.msg_controllen)),
            result: MsgResult::default(),
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::MsgOut<'_> {
        let uio = Places::iov_out(&self.places).uio();
        syscall::MsgOut::new(uio, self.descriptors, &mut self.result)
    }

    /// Copies out the sender, the flags, and credentials and descriptors as control data.
    pub fn finish(self) -> Result<(), Errno> {
        // SAFETY: the contract of `new`; a null pointer made the call fail.
        let Some(header) = (unsafe { self.message.as_mut() }) else {
            return Err(Errno::EFAULT);
        };
        if !header.msg_name.is_null() {
            let room = header.msg_namelen.min(STORAGE) as usize;
            let from = self.result.from.as_ref();
            // SAFETY: the contract of `new`.
            header.msg_namelen = unsafe { address::write(from, header.msg_name, room) };
        }
        let room = match header.msg_control.is_null() {
            true => 0,
            false => header.msg_controllen,
        };
        // SAFETY: the contract of `new`.
        let (len, cut) = unsafe { control::write(&self.result, header.msg_control, room) };
        header.msg_controllen = len;
        let cut = if cut { MSG_CTRUNC } else { 0 };
        header.msg_flags = (self.result.flags | cut) as i32;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::ptr;

    use super::*;
    use syscall::SockAddr;

    fn header(name: &mut [u8], places: &mut [RawIovec]) -> RawMsghdr {
        RawMsghdr {
            msg_name: name.as_mut_ptr(),
            msg_namelen: name.len() as u32,
            msg_iov: places.as_mut_ptr(),
            msg_iovlen: places.len(),
            msg_control: ptr::null_mut(),
            msg_controllen: 0,
            msg_flags: -1,
        }
    }

    #[test]
    fn a_message_out() {
        let (mut name, mut data) = ([0; 16], [0; 4]);
        let mut places = [RawIovec {
            iov_base: data.as_mut_ptr(),
            iov_len: data.len(),
        }];
        let mut header = header(&mut name, &mut places);
        // SAFETY: the header points at local arrays.
        let mut decoder = unsafe { MsgOut::new(&mut header) };
        let mut argument = decoder.arg();
        argument.uio().unwrap().put(b"data").unwrap();
        argument.finish(MsgResult {
            from: Some(SockAddr::Inet("1.2.3.4:5".parse().unwrap())),
            flags: syscall::consts::MSG_TRUNC,
            ..MsgResult::default()
        });
        assert_eq!(decoder.finish(), Ok(()));
        assert_eq!((header.msg_namelen, header.msg_flags), (16, 0x20));
        assert_eq!(
            (&data, &name[..8]),
            (b"data", &[2, 0, 0, 5, 1, 2, 3, 4][..])
        );
    }

    #[test]
    fn a_message_in() {
        let (mut name, mut data) = ([2, 0, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0], *b"data");
        let mut places = [RawIovec {
            iov_base: data.as_mut_ptr(),
            iov_len: data.len(),
        }];
        let mut header = header(&mut name, &mut places);
        let get = |header: &RawMsghdr| {
            // SAFETY: the header points at local arrays.
            let mut decoder = unsafe { MsgIn::new(header) };
            let (to, mut uio, control) = decoder.arg().get()?;
            assert!(control.is_empty());
            let mut bytes = [0; 4];
            uio.take(&mut bytes)?;
            Ok((to.optional()?, bytes))
        };
        let to = SockAddr::Inet("1.2.3.4:5".parse().unwrap());
        assert_eq!(get(&header), Ok((Some(to), *b"data")));
        header.msg_iovlen = 1025;
        assert_eq!(get(&header), Err(Errno::EMSGSIZE));
        header.msg_iovlen = 1;
        header.msg_namelen = 15;
        assert_eq!(get(&header), Err(Errno::EINVAL));
        header.msg_name = ptr::null_mut();
        assert_eq!(get(&header), Ok((None, *b"data")));
        (header.msg_control, header.msg_controllen) = (ptr::null_mut(), 1);
        assert_eq!(get(&header), Err(Errno::EFAULT));
    }
}
