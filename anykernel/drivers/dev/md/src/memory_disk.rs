//! A disk in memory: pages that are there once something is in them.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use base::sync::Mutex;
use base::{Charge, Errno, Lwp, Memory};
use dev::{Disk, Geometry, Operation, Request};

/// Bytes of a block.
pub(crate) const BLOCK: u32 = 512;

/// Bytes of a page: what is allocated, and given back, at a time.
const PAGE: usize = 16 * 1024;

/// The most bytes of a request.
const LARGEST: usize = 1 << 20;

/// A disk in memory.
pub(crate) struct MemoryDisk {
    size: u64,
    memory: Arc<Memory>,
    /// By their number. What is not here is zeros.
    pages: Mutex<BTreeMap<u64, Page>>,
}

struct Page {
    bytes: Vec<u8>,
    _charge: Charge,
}

impl Page {
    fn new(memory: &Arc<Memory>) -> Result<Self, Errno> {
        let charge = memory.charge_bulk(PAGE)?;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(PAGE);
        room.map_err(|_| Errno::ENOMEM)?;
        bytes.resize(PAGE, 0);
        Ok(Page {
            bytes,
            _charge: charge,
        })
    }
}

/// The pages that bytes lie in, and which of each.
fn pieces(range: Range<u64>) -> impl Iterator<Item = (u64, Range<usize>)> {
    let page = PAGE as u64;
    let numbers = range.start / page..range.end.div_ceil(page);
    numbers.map(move |number| {
        let start = range.start.max(number * page) - number * page;
        let end = range.end.min((number + 1) * page) - number * page;
        (number, start as usize..end as usize)
    })
}

impl MemoryDisk {
    pub(crate) fn new(lwp: &Lwp<'_>, size: u64) -> Self {
        MemoryDisk {
            size,
            memory: lwp.instance().memory().clone(),
            pages: Mutex::new(BTreeMap::new()),
        }
    }

    fn read(&self, lwp: &Lwp<'_>, range: Range<u64>, mut to: &mut [u8]) {
        let pages = self.pages.lock(lwp);
        for (number, part) in pieces(range) {
            let (piece, rest) = to.split_at_mut(part.len());
            match pages.get(&number) {
                Some(page) => piece.copy_from_slice(&page.bytes[part]),
                None => piece.fill(0),
            }
            to = rest;
        }
    }

    fn write(&self, lwp: &Lwp<'_>, range: Range<u64>, mut from: &[u8]) -> Result<(), Errno> {
        let mut pages = self.pages.lock(lwp);
        for (number, part) in pieces(range) {
            let (piece, rest) = from.split_at(part.len());
            match pages.get_mut(&number) {
                Some(page) => page.bytes[part].copy_from_slice(piece),
                None => {
                    let mut page = Page::new(&self.memory)?;
                    page.bytes[part].copy_from_slice(piece);
                    pages.insert(number, page);
                }
            }
            from = rest;
        }
        Ok(())
    }

    fn discard(&self, lwp: &Lwp<'_>, range: Range<u64>) {
        let page = PAGE as u64;
        let whole = range.start.div_ceil(page)..range.end / page;
        let mut given_back = BTreeMap::new();
        let mut pages = self.pages.lock(lwp);
        if whole.start < whole.end {
            given_back = pages.split_off(&whole.start);
            pages.append(&mut given_back.split_off(&whole.end));
        }
        let edges = [
            range.start..range.end.min(whole.start * page),
            range.start.max(whole.end * page)..range.end,
        ];
        for edge in edges.into_iter().filter(|edge| edge.start < edge.end) {
            for (number, part) in pieces(edge) {
                if let Some(page) = pages.get_mut(&number) {
                    page.bytes[part].fill(0);
                }
            }
        }
        drop(pages);
        drop(given_back);
    }
}

impl Disk for MemoryDisk {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: BLOCK,
            blocks: self.size / u64::from(BLOCK),
            read_only: false,
            largest: LARGEST,
        }
    }

    fn most_discarded(&self) -> u64 {
        self.size / u64::from(BLOCK)
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        let block = u64::from(BLOCK);
        let start = request.first * block;
        let end = start + request.buffer.len() as u64;
        let result = match request.operation {
            Operation::Read => {
                self.read(lwp, start..end, &mut request.buffer);
                Ok(())
            }
            Operation::Write => self.write(lwp, start..end, &request.buffer),
            // Nothing here survives a loss of power.
            Operation::Flush => Ok(()),
            Operation::Discard { count } => {
                self.discard(lwp, start..start + count * block);
                Ok(())
            }
        };
        request.complete(lwp, result);
    }
}
