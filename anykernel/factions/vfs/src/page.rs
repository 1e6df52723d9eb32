//! Pages: what of a file's contents is in memory.
//!
//! They are kept in chunks of 64, which share their marks: of pages that differ from the medium, and of pages somebody
//! used since the last look. Nothing here reads, writes or waits.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use crate::frame::Frame;

/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;

/// Pages of a chunk.
pub(crate) const CHUNK: u64 = 64;

struct Chunk {
    frames: [Option<Frame>; CHUNK as usize],
    /// Differ from the medium.
    dirty: u64,
    /// Were used since somebody last looked.
    used: u64,
}

/// The pages of a file, by number.
pub(crate) struct Pages {
    /// Boxed: a node of the tree has room for eleven, and most files have one.
    chunks: BTreeMap<u64, Box<Chunk>>,
    /// How many there are.
    count: u64,
    /// How many differ from the medium.
    dirty: u64,
    /// The file is in the list of those that may differ.
    listed: bool,
}

fn split(page: u64) -> (u64, usize) {
    (page / CHUNK, (page % CHUNK) as usize)
}

impl Pages {
    pub(crate) fn new() -> Self {
        Pages {
            chunks: BTreeMap::new(),
            count: 0,
            dirty: 0,
            listed: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How many pages differ from the medium.
    pub(crate) fn dirty(&self) -> u64 {
        self.dirty
    }

    /// Says whether the file is in the list of those that may differ; whether that is new.
    pub(crate) fn list(&mut self, listed: bool) -> bool {
        core::mem::replace(&mut self.listed, listed) != listed
    }

    /// A page to look at.
    pub(crate) fn get(&mut self, page: u64) -> Option<&[u8; PAGE]> {
        let (chunk, at) = split(page);
        let chunk = self.chunks.get_mut(&chunk)?;
        chunk.used |= 1 << at;
        chunk.frames[at].as_deref()
    }

    /// A page to change: whether it did not differ from the medium before, and the page.
    pub(crate) fn get_dirty(&mut self, page: u64) -> Option<(bool, &mut [u8; PAGE])> {
        let (chunk, at) = split(page);
        let chunk = self.chunks.get_mut(&chunk)?;
        let frame = chunk.frames[at].as_deref_mut()?;
        let newly = chunk.dirty & 1 << at == 0;
        chunk.dirty |= 1 << at;
        chunk.used |= 1 << at;
        self.dirty += u64::from(newly);
        Some((newly, frame))
    }

    /// A page to change in a way that the medium changed, too.
    pub(crate) fn get_clean(&mut self, page: u64) -> Option<&mut [u8; PAGE]> {
        let (chunk, at) = split(page);
        self.chunks.get_mut(&chunk)?.frames[at].as_deref_mut()
    }

    /// Whether a page is there.
    pub(crate) fn has(&self, page: u64) -> bool {
        let (chunk, at) = split(page);
        let chunk = self.chunks.get(&chunk);
        chunk.is_some_and(|chunk| chunk.frames[at].is_some())
    }

    /// Adds a page as the medium has it, if there is none; whether its chunk is new. Gives back a frame that was not
    /// needed.
    pub(crate) fn insert(&mut self, page: u64, frame: Frame) -> (bool, Option<Frame>) {
        let (number, at) = split(page);
        let mut new = false;
        let chunk = self.chunks.entry(number).or_insert_with(|| {
            new = true;
            Box::new(Chunk {
                frames: [const { None }; CHUNK as usize],
                dirty: 0,
                used: 0,
            })
        });
        if chunk.frames[at].is_some() {
            return (false, Some(frame));
        }
        chunk.used |= 1 << at;
        chunk.frames[at] = Some(frame);
        self.count += 1;
        (new, None)
    }

    /// The first run of pages that differ from the medium, from `from` on and at most `most` pages.
    pub(crate) fn next_dirty(&self, from: u64, most: u64) -> Option<Range<u64>> {
        let first = self
            .chunks
            .range(from / CHUNK..)
            .find_map(|(number, chunk)| {
                let before = from.saturating_sub(number * CHUNK).min(CHUNK);
                let dirty = chunk.dirty.checked_shr(before as u32).unwrap_or(0);
                (dirty != 0).then(|| number * CHUNK + before + u64::from(dirty.trailing_zeros()))
            })?;
        let is_dirty = |page: &u64| {
            let (chunk, at) = split(*page);
            let chunk = self.chunks.get(&chunk);
            chunk.is_some_and(|chunk| chunk.dirty & 1 << at != 0)
        };
        let len = (first..first + most).take_while(is_dirty).count();
        Some(first..first + len as u64)
    }

    /// The run from `from` on, and up to `most` pages, that is not there.
    pub(crate) fn missing(&self, from: u64, most: u64) -> u64 {
        (from..from + most)
            .take_while(|page| !self.has(*page))
            .count() as u64
    }

    /// These pages are now as the medium has them, or with `dirty` are not; how many changed.
    pub(crate) fn mark(&mut self, pages: Range<u64>, dirty: bool) -> u64 {
        let mut changed = 0;
        for page in pages {
            let (chunk, at) = split(page);
            let Some(chunk) = self.chunks.get_mut(&chunk) else {
                continue;
            };
            if chunk.frames[at].is_some() && (chunk.dirty & 1 << at != 0) != dirty {
                chunk.dirty ^= 1 << at;
                changed += 1;
            }
        }
        match dirty {
            true => self.dirty += changed,
            false => self.dirty -= changed,
        }
        changed
    }

    /// Takes all pages from `from` on out: their frames, and how many differed from the medium.
    pub(crate) fn cut(&mut self, from: u64) -> (Vec<Frame>, u64) {
        let (number, at) = split(from);
        let before = self.dirty;
        let mut frames = Vec::new();
        if at > 0
            && let Some(chunk) = self.chunks.get_mut(&number)
        {
            let mask = !0 << at;
            self.dirty -= u64::from((chunk.dirty & mask).count_ones());
            chunk.dirty &= !mask;
            frames.extend(chunk.frames[at..].iter_mut().filter_map(Option::take));
        }
        let rest = self.chunks.split_off(&(number + u64::from(at > 0)));
        for chunk in rest.into_values() {
            self.dirty -= u64::from(chunk.dirty.count_ones());
            frames.extend(chunk.frames.into_iter().flatten());
        }
        self.count -= frames.len() as u64;
        (frames, before - self.dirty)
    }

    /// Takes a range of pages out, as [`cut`](Self::cut) does.
    pub(crate) fn take(&mut self, pages: Range<u64>) -> (Vec<Frame>, u64) {
        let dirty = self.mark(pages.clone(), false);
        let mut frames = Vec::new();
        let numbers = pages.start / CHUNK..pages.end.div_ceil(CHUNK);
        for (number, chunk) in self.chunks.range_mut(numbers) {
            for (at, frame) in (number * CHUNK..).zip(&mut chunk.frames) {
                if pages.contains(&at) {
                    frames.extend(frame.take());
                }
            }
        }
        self.count -= frames.len() as u64;
        (frames, dirty)
    }

    /// Takes pages of a chunk out that are as the medium has them and that nobody used since the last look; whether
    /// any is left.
    pub(crate) fn reclaim(&mut self, number: u64, frames: &mut Vec<Frame>) -> bool {
        let Some(chunk) = self.chunks.get_mut(&number) else {
            return false;
        };
        let keep = chunk.dirty | core::mem::take(&mut chunk.used);
        let mut left = false;
        let before = frames.len();
        for (at, frame) in chunk.frames.iter_mut().enumerate() {
            if keep & 1 << at == 0 {
                frames.extend(frame.take());
            }
            left |= frame.is_some();
        }
        self.count -= (frames.len() - before) as u64;
        if !left {
            self.chunks.remove(&number);
        }
        if self.chunks.is_empty() {
            // Else a node of the tree stays.
            self.chunks = BTreeMap::new();
        }
        left
    }

    /// How many pages are there.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Where the next page that is there begins from `from` on, or with `missing` the next that is not.
    pub(crate) fn seek(&self, from: u64, missing: bool) -> Option<u64> {
        if missing {
            return (from..).find(|page| !self.has(*page));
        }
        self.chunks
            .range(from / CHUNK..)
            .find_map(|(number, chunk)| {
                let numbers = number * CHUNK..(number + 1) * CHUNK;
                let there = numbers
                    .zip(&chunk.frames)
                    .filter(|(_, frame)| frame.is_some());
                there.map(|(page, _)| page).find(|page| *page >= from)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pages: &[u64]) -> Pages {
        let mut all = Pages::new();
        for page in pages {
            let mut frames = Vec::new();
            Frame::run(1, &mut frames).unwrap();
            all.insert(*page, frames.remove(0));
        }
        all
    }

    #[test]
    fn runs_that_differ_are_found_across_chunks() {
        let mut pages = with(&[3, 62, 63, 64, 65, 200]);
        assert_eq!(pages.next_dirty(0, 100), None);
        for page in [62, 63, 64, 200] {
            assert!(pages.get_dirty(page).unwrap().0);
            assert!(!pages.get_dirty(page).unwrap().0);
        }
        assert_eq!(pages.dirty(), 4);
        assert_eq!(pages.next_dirty(0, 100), Some(62..65));
        assert_eq!(pages.next_dirty(63, 1), Some(63..64));
        assert_eq!(pages.next_dirty(65, 100), Some(200..201));
        assert_eq!(pages.mark(0..100, false), 3);
        assert_eq!(pages.next_dirty(0, 100), Some(200..201));
        assert_eq!(pages.missing(4, 10), 10);
        assert_eq!(pages.missing(60, 10), 2);
    }

    #[test]
    fn what_is_cut_off_is_gone() {
        let mut pages = with(&[0, 62, 63, 64, 200]);
        pages.get_dirty(63);
        pages.get_dirty(64);
        let (frames, dirty) = pages.cut(63);
        assert_eq!((frames.len(), dirty, pages.dirty()), (3, 2, 0));
        assert!(pages.has(62) && !pages.has(63) && !pages.has(200));
        let (frames, _) = pages.take(0..1);
        assert_eq!((frames.len(), pages.count()), (1, 1));
    }

    #[test]
    fn used_and_differing_pages_stay_for_a_look() {
        let mut pages = with(&[0, 1, 2]);
        let mut frames = Vec::new();
        assert!(pages.reclaim(0, &mut frames));
        pages.get(1);
        pages.get_dirty(2);
        assert!(pages.reclaim(0, &mut frames));
        assert_eq!(frames.len(), 1);
        assert!(pages.reclaim(0, &mut frames));
        assert_eq!(frames.len(), 2);
        pages.mark(2..3, false);
        assert!(!pages.reclaim(0, &mut frames));
        assert!(pages.is_empty());
    }

    #[test]
    fn holes_and_data_are_found() {
        let pages = with(&[1, 2, 70]);
        assert_eq!(pages.seek(0, false), Some(1));
        assert_eq!(pages.seek(1, true), Some(3));
        assert_eq!(pages.seek(3, false), Some(70));
        assert_eq!(pages.seek(71, false), None);
    }
}
