//! What is going to happen: calls of kernels and frames on their way, in order of time, and of their
//! making where the time is the same.

use std::collections::BTreeMap;

use hypercall::Upcall;

use crate::wire::{self, Frame};
use crate::world::{self, Kernel, World};
use crate::{Platform, devices, disks};

pub(crate) enum Event {
    /// A kernel has something due.
    Run(u64),
    /// A frame reaches a port.
    Deliver { port: u64, frame: Frame },
    /// The kernel hears of an interrupt.
    Interrupt(u64),
    /// An operation of a disk ends.
    DiskEnds { disk: u64, number: u64 },
    /// A device goes on with what it put off.
    Device { device: usize, what: u64 },
}

/// The events to come.
#[derive(Default)]
pub(crate) struct Events {
    queue: BTreeMap<(u64, u64), Event>,
    made: u64,
}

impl Events {
    pub(crate) fn add(&mut self, time: u64, event: Event) -> (u64, u64) {
        self.made += 1;
        let key = (time, self.made);
        self.queue.insert(key, event);
        key
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn next_time(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((time, _), _)| *time)
    }
}

/// What the kernel is to be told of an event.
enum News {
    Nothing,
    Call(Upcall),
}

impl World {
    /// Moves the clock to the next event, if that is not after `end`, and takes it.
    fn take_event(&mut self, end: u64) -> Option<News> {
        if self.events.next_time()? > end {
            return None;
        }
        let ((time, _), event) = self.events.queue.pop_first()?;
        self.now = self.now.max(time);
        Some(match event {
            Event::Deliver { port, frame } => match wire::deliver(self, port, frame) {
                Some(arrived) => News::Call(arrived),
                None => News::Nothing,
            },
            Event::Interrupt(handle) => match devices::arrived(self, handle) {
                Some(arrived) => News::Call(arrived),
                None => News::Nothing,
            },
            Event::DiskEnds { disk, number } => match disks::ends(self, disk, number) {
                Some(ended) => News::Call(ended),
                None => News::Nothing,
            },
            Event::Device { device, what } => {
                devices::elapsed(self, device, what);
                News::Nothing
            }
            Event::Run(handle) => match self.kernels.get_mut(&handle) {
                Some(kernel) => {
                    kernel.due = None;
                    News::Call(kernel.run)
                }
                None => News::Nothing,
            },
        })
    }

    fn request(&mut self, handle: u64, deadline: u64) {
        let time = deadline.max(self.now);
        let Some(kernel) = self.kernels.get_mut(&handle) else {
            return;
        };
        if deadline == u64::MAX || kernel.due.is_some_and(|(due, _)| due <= time) {
            return;
        }
        if let Some(before) = kernel.due.take() {
            self.events.queue.remove(&before);
        }
        kernel.due = Some(self.events.add(time, Event::Run(handle)));
    }
}

/// Lets the next event happen, if there is one not after `end`. The kernel is called with the world
/// free, since it uses it.
pub(crate) fn next_by(end: u64) -> bool {
    match world::with(|world| world.take_event(end)) {
        None => return false,
        Some(News::Nothing) => {}
        Some(News::Call(upcall)) => upcall.call(),
    }
    true
}

impl hypercall::Work for Platform {
    fn attach(run: Upcall) -> u64 {
        world::with(|world| {
            let handle = world.new_handle();
            world.kernels.insert(handle, Kernel { run, due: None });
            handle
        })
    }

    fn request(handle: u64, deadline: u64) {
        world::with(|world| world.request(handle, deadline));
    }

    fn detach(handle: u64) {
        world::with(|world| {
            let kernel = world.kernels.remove(&handle);
            if let Some(due) = kernel.and_then(|kernel| kernel.due) {
                world.events.queue.remove(&due);
            }
        });
    }

    fn wait(deadline: u64) {
        if next_by(deadline) {
            return;
        }
        assert_ne!(
            deadline,
            u64::MAX,
            "sim: a call waits for ever: no timer is set and no frame is on its way"
        );
        world::with(|world| world.now = world.now.max(deadline));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Work;
    use std::cell::{Cell, RefCell};

    thread_local! {
        static CALLS: RefCell<Vec<(usize, u64)>> = const { RefCell::new(Vec::new()) };
        static AGAIN: Cell<u64> = const { Cell::new(0) };
    }

    extern "C-unwind" fn note(cookie: usize) {
        CALLS.with_borrow_mut(|calls| calls.push((cookie, crate::now())));
    }

    extern "C-unwind" fn once_more(cookie: usize) {
        note(cookie);
        if let handle @ 1.. = AGAIN.replace(0) {
            Platform::request(handle, 0);
        }
    }

    #[test]
    fn calls_come_in_order_of_time_and_the_earliest_request_counts() {
        let start = crate::now();
        let a = Platform::attach(Upcall::new(note, 1));
        let b = Platform::attach(Upcall::new(note, 2));
        Platform::request(a, start + 30);
        Platform::request(b, start + 20);
        Platform::request(a, start + 10);
        Platform::request(a, u64::MAX);
        crate::advance(100);
        assert_eq!(CALLS.take(), [(1, start + 10), (2, start + 20)]);
        assert_eq!(crate::now(), start + 100);
        Platform::request(a, 0);
        Platform::detach(a);
        assert!(crate::run_until_idle(1000));
        assert_eq!(CALLS.take(), []);
    }

    #[test]
    fn wait_does_one_thing_or_reaches_the_deadline() {
        let start = crate::now();
        let kernel = Platform::attach(Upcall::new(once_more, 1));
        AGAIN.set(kernel);
        Platform::request(kernel, start + 10);
        Platform::wait(start + 50);
        assert_eq!(CALLS.take(), [(1, start + 10)]);
        Platform::wait(start + 50);
        assert_eq!(CALLS.take(), [(1, start + 10)]);
        Platform::wait(start + 50);
        assert_eq!((CALLS.take(), crate::now()), (Vec::new(), start + 50));
    }
}
