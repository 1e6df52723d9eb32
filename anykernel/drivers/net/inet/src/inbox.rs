//! What waits for the lock of a TCP socket: packets, a timer that fired, an error from the network.
//!
//! The other half of it is a rule: whoever releases the lock looks here again. So whoever finds it
//! taken need not wait.

use base::sync::Leaf;
use net::{Batch, Frame};

use crate::icmp::Trouble;

/// Packets that may wait. A peer that keeps to its window and to full segments stays far below.
const LIMIT: usize = 4096;

/// A place where news wait for whoever gets the lock.
pub(crate) struct Inbox(Leaf<News>);

/// News.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) frames: Batch,
    /// The timer fired.
    pub(crate) tick: bool,
    /// What the network says of the segment with this number.
    pub(crate) error: Option<(Trouble, u32)>,
    /// Somebody was told of these.
    announced: bool,
}

impl News {
    fn is_empty(&self) -> bool {
        self.frames.is_empty() && !self.tick && self.error.is_none()
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Inbox(Leaf::new(News::default()))
    }

    /// Adds a packet. True: nobody knows of it yet. `Err`: too many wait.
    pub(crate) fn push(&self, frame: Frame) -> Result<bool, Frame> {
        self.0.with(|news| {
            if news.frames.len() >= LIMIT {
                return Err(frame);
            }
            news.frames.push(frame);
            Ok(!core::mem::replace(&mut news.announced, true))
        })
    }

    /// Says that the timer fired.
    pub(crate) fn tick(&self) {
        self.0.with(|news| news.tick = true);
    }

    /// Says that a segment did not reach the peer. True: nobody knows of it yet.
    pub(crate) fn fail(&self, trouble: Trouble, sequence: u32) -> bool {
        self.0.with(|news| {
            news.error = Some((trouble, sequence));
            !core::mem::replace(&mut news.announced, true)
        })
    }

    /// Takes all there is, in exchange for an empty queue.
    pub(crate) fn take(&self, spare: Batch) -> News {
        self.0.with(|news| {
            core::mem::replace(
                news,
                News {
                    frames: spare,
                    ..News::default()
                },
            )
        })
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.with(|news| news.is_empty())
    }
}
