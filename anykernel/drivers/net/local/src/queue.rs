//! What was sent to one side of a connection and not received yet.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Memory, OpenFile};
use sockets::Incoming;
use syscall::consts::{MSG_PEEK, MSG_TRUNC};
use syscall::{UioIn, UioOut};

use crate::ring::Ring;

/// What a packet counts beside its bytes: it takes memory though it may be empty.
const PACKET: usize = 512;

/// Bytes that belong together: a packet, or of a stream what has no border in it.
struct Record {
    len: usize,
    /// The process that sent it.
    sender: i32,
    /// What goes with its first byte.
    files: Vec<Arc<OpenFile>>,
}

/// A queue of bytes, and where it has borders.
pub(crate) struct Queue {
    ring: Ring,
    records: VecDeque<Record>,
    /// How many of them bring files along.
    carrying: usize,
}

impl Queue {
    pub(crate) fn new(memory: &Arc<Memory>) -> Self {
        Queue {
            ring: Ring::new(memory),
            records: VecDeque::new(),
            carrying: 0,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Bytes in all.
    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// What it counts against the sender's buffer.
    #[inline]
    pub(crate) fn counts(&self, packets: bool) -> usize {
        match packets {
            false => self.ring.len(),
            true => self.ring.len() + PACKET * self.records.len(),
        }
    }

    /// Whether any files are on their way.
    #[inline]
    pub(crate) fn brings_files(&self) -> bool {
        self.carrying > 0
    }

    /// Adds `count` bytes of `data`, as a packet or as more of a stream. `ENOMEM`, `EFAULT`: nothing is added.
    #[inline]
    pub(crate) fn push(
        &mut self,
        data: &mut UioIn<'_>,
        count: usize,
        packets: bool,
        sender: i32,
        files: &mut Vec<Arc<OpenFile>>,
    ) -> Result<(), Errno> {
        let goes_on = |last: &&mut Record| {
            !packets && last.sender == sender && last.files.is_empty() && files.is_empty()
        };
        if let Some(last) = self.records.back_mut().filter(goes_on) {
            self.ring.push(data, count)?;
            last.len += count;
            return Ok(());
        }
        self.records.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.ring.push(data, count)?;
        self.carrying += usize::from(!files.is_empty());
        self.records.push_back(Record {
            len: count,
            sender,
            files: core::mem::take(files),
        });
        Ok(())
    }

    /// Receives of a stream: up to its next border, which a change of sender is as well for who hears of it. There is
    /// something.
    #[inline]
    pub(crate) fn take_bytes(
        &mut self,
        to: &mut UioOut<'_>,
        with: &mut Incoming,
        peek: bool,
        by_sender: bool,
    ) -> Result<usize, Errno> {
        let mut len = 0;
        let mut at = 0;
        while let Some(record) = self.records.get_mut(at) {
            if by_sender && with.sender.is_some_and(|sender| sender != record.sender) {
                break;
            }
            let count = record.len.min(to.remaining());
            self.ring.copy(len, to, count)?;
            len += count;
            at += 1;
            with.sender = Some(record.sender);
            let files = record.hand_over(with, peek, &mut self.carrying);
            if files || count < record.len || to.remaining() == 0 {
                break;
            }
        }
        if !peek {
            self.drop_bytes(len);
        }
        Ok(len)
    }

    #[inline]
    fn drop_bytes(&mut self, mut count: usize) {
        self.ring.consume(count);
        while let Some(first) = self.records.front_mut() {
            if first.len > count {
                first.len -= count;
                break;
            }
            count -= first.len;
            self.records.pop_front();
        }
    }

    /// Receives a packet; what `to` has no room for is lost. There is one.
    pub(crate) fn take_packet(
        &mut self,
        to: &mut UioOut<'_>,
        with: &mut Incoming,
        flags: u32,
    ) -> Result<usize, Errno> {
        let Some(record) = self.records.front_mut() else {
            return Ok(0);
        };
        let peek = flags & MSG_PEEK != 0;
        let (whole, count) = (record.len, record.len.min(to.remaining()));
        self.ring.copy(0, to, count)?;
        with.sender = Some(record.sender);
        with.flags = if count < whole { MSG_TRUNC } else { 0 };
        record.hand_over(with, peek, &mut self.carrying);
        if !peek {
            self.ring.consume(whole);
            self.records.pop_front();
        }
        Ok(if flags & MSG_TRUNC != 0 { whole } else { count })
    }

    /// Drops everything but files, which were [taken](Self::take_files) before.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
        self.records = VecDeque::new();
    }

    /// All files on their way.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<OpenFile>> {
        self.records.iter().flat_map(|record| &record.files)
    }

    /// Takes all files out.
    pub(crate) fn take_files(&mut self) -> Vec<Arc<OpenFile>> {
        self.carrying = 0;
        let files = self.records.iter_mut().map(|record| &mut record.files);
        files.flat_map(core::mem::take).collect()
    }
}

impl Record {
    /// Hands its files over, if there are any: who only looks gets references of their own.
    #[inline]
    fn hand_over(&mut self, with: &mut Incoming, peek: bool, carrying: &mut usize) -> bool {
        if self.files.is_empty() {
            return false;
        }
        if peek {
            with.files.extend(self.files.iter().cloned());
        } else {
            with.files.append(&mut self.files);
            *carrying -= 1;
        }
        true
    }
}
