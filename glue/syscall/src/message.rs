//! Messages with an address: `sendmsg` and `recvmsg`.

use crate::{Errno, SockAddr, SockAddrIn, UioIn, UioOut};

/// The message `sendmsg` reads. Control data is decoded by the C layer, which knows none so far
/// and refuses it.
#[derive(Clone, Copy)]
pub struct MsgIn<'a>(Result<(SockAddrIn, UioIn<'a>), Errno>);

impl<'a> MsgIn<'a> {
    /// A destination and data, or why there is no message.
    pub fn new(message: Result<(SockAddrIn, UioIn<'a>), Errno>) -> Self {
        MsgIn(message)
    }

    /// Destination and data.
    pub fn get(&self) -> Result<(SockAddrIn, UioIn<'a>), Errno> {
        self.0
    }
}

/// What `recvmsg` says beside the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MsgResult {
    /// The sender, where there is one.
    pub from: Option<SockAddr>,
    /// `MSG_TRUNC` and its like.
    pub flags: u32,
}

/// The message `recvmsg` fills in.
pub struct MsgOut<'a> {
    data: Result<UioOut<'a>, Errno>,
    result: &'a mut MsgResult,
}

impl<'a> MsgOut<'a> {
    /// A place for data, or why there is none, and one for the rest.
    pub fn new(data: Result<UioOut<'a>, Errno>, result: &'a mut MsgResult) -> Self {
        MsgOut { data, result }
    }

    /// Where the data goes.
    pub fn uio(&self) -> Result<UioOut<'a>, Errno> {
        self.data
    }

    /// Says the rest.
    pub fn finish(&mut self, result: MsgResult) {
        *self.result = result;
    }
}
