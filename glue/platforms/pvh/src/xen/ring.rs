//! The ring of a guest's console, in a page that the guest shares with whoever reads it
//! (xen/include/public/io/console.h). Written to and never read: nobody asks for what is typed.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// Bytes that there is room for.
const SIZE: u32 = 2048;

/// The page. Positions count on; what the reader says of its own may be wrong.
#[repr(C)]
pub(super) struct Page {
    typed: [AtomicU8; 1024],
    said: [AtomicU8; SIZE as usize],
    typed_read: AtomicU32,
    typed_written: AtomicU32,
    read: AtomicU32,
    written: AtomicU32,
}

/// The ring.
pub(super) struct Ring {
    page: &'static Page,
    /// How far it is written, by our own account.
    written: u32,
}

impl Ring {
    /// The ring in a page, to go on where writing ended.
    pub(super) fn new(page: &'static Page) -> Ring {
        let written = page.written.load(Ordering::Relaxed);
        Ring { page, written }
    }

    /// Whether there is room for a byte.
    pub(super) fn has_room(&self) -> bool {
        // Before what was read there is overwritten.
        let read = self.page.read.load(Ordering::Acquire);
        self.written.wrapping_sub(read) < SIZE
    }

    /// Writes a byte, for which there is room. The reader does not see it yet.
    pub(super) fn put(&mut self, byte: u8) {
        self.page.said[(self.written % SIZE) as usize].store(byte, Ordering::Relaxed);
        self.written = self.written.wrapping_add(1);
    }

    /// Lets the reader see what was written.
    pub(super) fn publish(&self) {
        self.page.written.store(self.written, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(at: u32) -> &'static Page {
        let zero = |_| AtomicU8::new(0);
        Box::leak(Box::new(Page {
            typed: std::array::from_fn(zero),
            said: std::array::from_fn(zero),
            typed_read: AtomicU32::new(0),
            typed_written: AtomicU32::new(0),
            read: AtomicU32::new(at),
            written: AtomicU32::new(at),
        }))
    }

    #[test]
    fn everything_is_where_xen_has_it() {
        assert_eq!(core::mem::offset_of!(Page, said), 1024);
        assert_eq!(core::mem::offset_of!(Page, read), 3080);
        assert_eq!(core::mem::offset_of!(Page, written), 3084);
    }

    /// What the reader gets, `count` bytes at most.
    fn take(page: &Page, count: u32) -> Vec<u8> {
        let read = page.read.load(Ordering::Relaxed);
        let waiting = page.written.load(Ordering::Acquire).wrapping_sub(read);
        let end = read.wrapping_add(waiting.min(count));
        page.read.store(end, Ordering::Release);
        let bytes = (0..waiting.min(count)).map(|index| read.wrapping_add(index) % SIZE);
        bytes
            .map(|place| page.said[place as usize].load(Ordering::Relaxed))
            .collect()
    }

    #[test]
    fn bytes_arrive_in_order_past_all_ends() {
        let page = page(u32::MAX - 3000);
        let mut ring = Ring::new(page);
        let mut got = Vec::new();
        let sent: Vec<u8> = (0..20_000u32).map(|n| (n * 7 / 8) as u8).collect();
        for byte in &sent {
            while !ring.has_room() {
                ring.publish();
                got.extend(take(page, 700));
            }
            ring.put(*byte);
        }
        assert!(take(page, 0).is_empty() && got.len() < sent.len());
        ring.publish();
        got.extend(take(page, SIZE));
        assert!(got == sent);
        // Another goes on where this one ended.
        assert_eq!(Ring::new(page).written, ring.written);
    }

    #[test]
    fn a_reader_that_lies_makes_no_room() {
        let page = page(5);
        let mut ring = Ring::new(page);
        (0..SIZE).for_each(|_| ring.put(1));
        assert!(!ring.has_room());
        for lie in [6 + SIZE, u32::MAX, 4, 5u32.wrapping_sub(SIZE)] {
            page.read.store(lie, Ordering::Relaxed);
            assert!(!ring.has_room(), "{lie}");
        }
        // What it says of the writer counts for nothing.
        page.written.store(77, Ordering::Relaxed);
        page.read.store(6, Ordering::Relaxed);
        assert!(ring.has_room());
        ring.publish();
        assert_eq!(page.written.load(Ordering::Relaxed), 5 + SIZE);
    }
}
