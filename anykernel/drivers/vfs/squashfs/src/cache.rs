//! Blocks that were decompressed lately.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;

/// A block, and where the next is on the medium.
#[derive(Clone)]
pub(crate) struct Cached {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) next: u64,
}

/// So many blocks, by where they are on the medium; the last used first.
pub(crate) struct Cache {
    blocks: Leaf<VecDeque<(u64, Cached)>>,
    most: usize,
}

impl Cache {
    pub(crate) fn new(most: usize) -> Self {
        Cache {
            blocks: Leaf::new(VecDeque::with_capacity(most + 1)),
            most,
        }
    }

    pub(crate) fn get(&self, at: u64) -> Option<Cached> {
        self.blocks.with(|blocks| {
            let index = blocks.iter().position(|(place, _)| *place == at)?;
            let found = blocks.remove(index)?;
            blocks.push_front(found);
            Some(blocks[0].1.clone())
        })
    }

    pub(crate) fn put(&self, at: u64, block: Cached) {
        let _dropped_outside = self.blocks.with(|blocks| {
            blocks.push_front((at, block));
            match blocks.len() > self.most {
                true => blocks.pop_back(),
                false => None,
            }
        });
    }
}
