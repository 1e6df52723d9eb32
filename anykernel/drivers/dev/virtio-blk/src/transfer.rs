//! A request on its way to the device and back (section 5.2.6).

use alloc::vec::Vec;
use core::mem;

use base::Errno;
use dev::{Operation, Request};
use virtio::Chain;

use crate::layout::SECTOR;

const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;
const DISCARD: u32 = 11;

const OK: u8 = 0;
const UNSUPPORTED: u8 = 2;

/// A request and what the device has of it.
pub(crate) struct Transfer {
    header: [u8; 16],
    /// The request's buffer, or what says what to discard.
    data: Vec<u8>,
    status: [u8; 1],
    /// Without its buffer. Taken when the device is given up.
    request: Option<Request>,
    operation: Operation,
}

impl Transfer {
    pub(crate) fn new(mut request: Request, block_size: u32) -> Self {
        let kind = match request.operation {
            Operation::Read => IN,
            Operation::Write => OUT,
            Operation::Flush => FLUSH,
            Operation::Discard { .. } => DISCARD,
        };
        // It fits the geometry, and so do its products.
        let sectors = u64::from(block_size) / SECTOR;
        let (sector, data) = match request.operation {
            Operation::Read | Operation::Write => {
                (request.first * sectors, mem::take(&mut request.buffer))
            }
            Operation::Flush => (0, Vec::new()),
            Operation::Discard { count } => (0, segment(request.first * sectors, count * sectors)),
        };
        let mut header = [0; 16];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..].copy_from_slice(&sector.to_le_bytes());
        Transfer {
            header,
            data,
            // No device says this: it is seen whether it said anything.
            status: [0xff],
            operation: request.operation,
            request: Some(request),
        }
    }

    /// The request that has come back with `len` bytes written, and what came of it.
    pub(crate) fn end(self, len: usize) -> Option<(Request, Result<(), Errno>)> {
        let expected = match self.operation {
            Operation::Read => self.data.len() + self.status.len(),
            _ => self.status.len(),
        };
        let result = match self.status {
            [OK] if len >= expected => Ok(()),
            [UNSUPPORTED] => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EIO),
        };
        Some((self.give_up()?, result))
    }

    /// The request, with its buffer.
    pub(crate) fn give_up(mut self) -> Option<Request> {
        let mut request = self.request.take()?;
        if let Operation::Read | Operation::Write = self.operation {
            request.buffer = self.data;
        }
        Some(request)
    }

    /// The request without its buffer, which the device may still write to.
    pub(crate) fn salvage(&mut self) -> Option<Request> {
        self.request.take()
    }
}

/// What is to be discarded, in sectors: no more than the device said it can, which are fewer than 2³².
fn segment(first: u64, count: u64) -> Vec<u8> {
    let flags = 0u32;
    let mut segment = Vec::with_capacity(16);
    segment.extend_from_slice(&first.to_le_bytes());
    segment.extend_from_slice(&(count as u32).to_le_bytes());
    segment.extend_from_slice(&flags.to_le_bytes());
    segment
}

impl Chain for Transfer {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        match self.operation {
            Operation::Read => f(&[&self.header], &mut [&mut self.data, &mut self.status]),
            Operation::Write | Operation::Discard { .. } => {
                f(&[&self.header, &self.data], &mut [&mut self.status])
            }
            Operation::Flush => f(&[&self.header], &mut [&mut self.status]),
        }
    }
}
