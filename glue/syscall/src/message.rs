//! Messages with an address and control data: `sendmsg` and `recvmsg`.

use alloc::vec::Vec;

use crate::{Errno, NewFd, SockAddr, SockAddrIn, UioIn, UioOut};

/// Control data of a message, without the frame that C puts around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Whose it is, `SOL_…`.
    pub level: u32,
    /// What it is, `SCM_…` of level `SOL_SOCKET`.
    pub kind: u32,
    /// The bytes, in the caller's layout, as those of socket options are.
    pub data: Vec<u8>,
}

/// The message `sendmsg` reads: destination, data and control data.
#[derive(Clone, Copy)]
pub struct MsgIn<'a>(Result<(SockAddrIn, UioIn<'a>, &'a [Control]), Errno>);

impl<'a> MsgIn<'a> {
    /// A message, or why there is none.
    pub fn new(message: Result<(SockAddrIn, UioIn<'a>, &'a [Control]), Errno>) -> Self {
        MsgIn(message)
    }

    /// Destination, data and control data.
    pub fn get(&self) -> Result<(SockAddrIn, UioIn<'a>, &'a [Control]), Errno> {
        self.0
    }
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The process.
    pub pid: i32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What `recvmsg` says beside the data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MsgResult {
    /// The sender, where there is one.
    pub from: Option<SockAddr>,
    /// `MSG_TRUNC` and its like.
    pub flags: u32,
    /// What the protocol says of it, where the caller wants to hear of it.
    pub control: Vec<Control>,
    /// Who sent it, where the caller wants to hear of it.
    pub credentials: Option<Credentials>,
    /// New descriptors for files that came along; no more than there is [room](MsgOut::descriptors) for.
    pub descriptors: Vec<NewFd>,
}

/// The message `recvmsg` fills in.
pub struct MsgOut<'a> {
    data: Result<UioOut<'a>, Errno>,
    descriptors: [usize; 2],
    result: &'a mut MsgResult,
}

impl<'a> MsgOut<'a> {
    /// A place for data, or why there is none, how many descriptors there is room for alone and beside credentials,
    /// and a place for the rest.
    pub fn new(
        data: Result<UioOut<'a>, Errno>,
        descriptors: [usize; 2],
        result: &'a mut MsgResult,
    ) -> Self {
        MsgOut {
            data,
            descriptors,
            result,
        }
    }

    /// Where the data goes.
    pub fn uio(&self) -> Result<UioOut<'a>, Errno> {
        self.data
    }

    /// How many descriptors the caller has room for, beside credentials if those are told.
    pub fn descriptors(&self, credentials: bool) -> usize {
        self.descriptors[usize::from(credentials)]
    }

    /// Says the rest.
    pub fn finish(&mut self, result: MsgResult) {
        *self.result = result;
    }
}

/// Where two new descriptors go, as of `socketpair`.
pub struct FdPair<'a>(Option<&'a mut [NewFd; 2]>);

impl<'a> FdPair<'a> {
    /// A place, if the caller has one.
    pub fn new(place: Option<&'a mut [NewFd; 2]>) -> Self {
        FdPair(place)
    }

    /// `EFAULT` if the caller has no place for them.
    pub fn require(&self) -> Result<(), Errno> {
        self.0.as_ref().map(|_| ()).ok_or(Errno::EFAULT)
    }

    /// Puts them there.
    pub fn put(&mut self, pair: [NewFd; 2]) {
        if let Some(place) = &mut self.0 {
            **place = pair;
        }
    }
}
