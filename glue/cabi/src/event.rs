//! `struct pollfd` and `struct epoll_event`.

use alloc::vec::Vec;
use core::slice;

use base::Errno;
use syscall::{EpollEvent, PollFd};

/// The most entries of one `poll`: a process has no more descriptors.
const MOST_ENTRIES: u64 = 1 << 20;

/// `struct pollfd`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawPollfd {
    pub fd: i32,
    pub events: u16,
    pub revents: u16,
}

/// Decoder of a set for `poll`.
pub struct PollFds {
    entries: *mut RawPollfd,
    set: Result<Vec<PollFd>, Errno>,
}

impl PollFds {
    /// # Safety
    ///
    /// `entries` is null or good for reading and writing `count` of them.
    pub unsafe fn new(entries: *mut RawPollfd, count: u64) -> Self {
        // SAFETY: the caller's word.
        let set = unsafe { read_set(entries, count) };
        PollFds { entries, set }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::PollFds<'_> {
        let set = self.set.as_mut().map(Vec::as_mut_slice);
        syscall::PollFds::new(set.map_err(|error| *error))
    }

    /// Copies out what there is of each entry.
    pub fn finish(self) -> Result<(), Errno> {
        for (index, entry) in self.set?.iter().enumerate() {
            // SAFETY: the contract of `new`; the set has as many entries as the caller's.
            unsafe { (*self.entries.add(index)).revents = entry.revents };
        }
        Ok(())
    }
}

unsafe fn read_set(entries: *const RawPollfd, count: u64) -> Result<Vec<PollFd>, Errno> {
    if count > MOST_ENTRIES {
        return Err(Errno::EINVAL);
    }
    let mut set = Vec::new();
    if count == 0 {
        return Ok(set);
    }
    if entries.is_null() {
        return Err(Errno::EFAULT);
    }
    let count = count as usize;
    set.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    // SAFETY: the caller's word, that of `PollFds::new`.
    let entries = unsafe { slice::from_raw_parts(entries, count) };
    set.extend(entries.iter().map(|entry| PollFd {
        fd: entry.fd,
        events: entry.events,
        revents: 0,
    }));
    Ok(set)
}

/// `struct epoll_event`, which is packed on x86-64 only.
#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RawEpollEvent {
    pub events: u32,
    pub data: u64,
}

/// Decoder of the event of `epoll_ctl`.
pub struct EpollEventIn(syscall::EpollEventIn);

impl EpollEventIn {
    /// # Safety
    ///
    /// `event` is null or good for reading.
    pub unsafe fn new(event: *const RawEpollEvent) -> Self {
        if event.is_null() {
            return EpollEventIn(syscall::EpollEventIn::new(Err(Errno::EFAULT)));
        }
        // SAFETY: the caller's word.
        let RawEpollEvent { events, data } = unsafe { event.read_unaligned() };
        EpollEventIn(syscall::EpollEventIn::new(Ok(EpollEvent { events, data })))
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::EpollEventIn {
        self.0
    }

    /// Nothing is copied out.
    pub fn finish(self) -> Result<(), Errno> {
        Ok(())
    }
}

/// Decoder of a place for events.
pub struct EpollEvents {
    place: *mut RawEpollEvent,
    capacity: i32,
    events: Vec<EpollEvent>,
}

impl EpollEvents {
    /// # Safety
    ///
    /// `place` is null or good for writing `capacity` events.
    pub unsafe fn new(place: *mut RawEpollEvent, capacity: i32) -> Self {
        EpollEvents {
            place,
            capacity,
            events: Vec::new(),
        }
    }

    /// The argument.
    pub fn arg(&mut self) -> syscall::EpollEvents<'_> {
        syscall::EpollEvents::new(&mut self.events, self.capacity)
    }

    /// Copies the events out.
    pub fn finish(self) -> Result<(), Errno> {
        if self.place.is_null() && !self.events.is_empty() {
            return Err(Errno::EFAULT);
        }
        let room = usize::try_from(self.capacity).unwrap_or(0);
        for (index, event) in self.events.iter().take(room).enumerate() {
            let raw = RawEpollEvent {
                events: event.events,
                data: event.data,
            };
            // SAFETY: the contract of `new`, and `index` is below `capacity`.
            unsafe { self.place.add(index).write_unaligned(raw) };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syscall::consts::{POLLIN, POLLOUT};

    #[test]
    fn poll_answers_in_place() {
        let mut raw = [RawPollfd {
            fd: 3,
            events: POLLIN,
            revents: 0xffff,
        }];
        // SAFETY: one entry there is.
        let mut decoder = unsafe { PollFds::new(raw.as_mut_ptr(), 1) };
        let set = decoder.arg().get().unwrap();
        let expected = PollFd {
            fd: 3,
            events: POLLIN,
            revents: 0,
        };
        assert_eq!(set, [expected]);
        set[0].revents = POLLOUT;
        assert_eq!(decoder.finish(), Ok(()));
        assert_eq!(raw[0].revents, POLLOUT);
    }

    #[test]
    fn bad_sets() {
        let check = |entries, count| {
            // SAFETY: null and counts that are refused are not read.
            unsafe { PollFds::new(entries, count) }.arg().get().err()
        };
        assert_eq!(check(core::ptr::null_mut(), 1), Some(Errno::EFAULT));
        assert_eq!(check(core::ptr::null_mut(), 0), None);
        assert_eq!(check(core::ptr::null_mut(), u64::MAX), Some(Errno::EINVAL));
    }

    #[test]
    fn epoll_events_have_the_host_s_layout() {
        let expected = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
        assert_eq!(size_of::<RawEpollEvent>(), expected);
        let mut raw = [RawEpollEvent { events: 0, data: 0 }; 2];
        // SAFETY: two events there is room for.
        let mut decoder = unsafe { EpollEvents::new(raw.as_mut_ptr(), 2) };
        let event = EpollEvent { events: 1, data: 2 };
        decoder.arg().events().extend([event; 3]);
        assert_eq!(decoder.finish(), Ok(()));
        assert_eq!(({ raw[1].events }, { raw[1].data }), (1, 2));
    }
}
