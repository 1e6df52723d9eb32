//! The group `irq`: who is told of a vector. All interrupts of devices go to the first processor.

use alloc::vec::Vec;

use hypercall::{Errno, Message, Upcall};

use super::local::Local;
use super::{EVENTS, FIRST, IO};
use crate::lock::Lock;
use crate::{Platform, cpu};

/// Where devices write to interrupt the first processor; its number goes into bits 12 to 19.
const MESSAGES: u64 = 0xfee0_0000;

/// Somebody who is told.
struct Listener {
    handle: u64,
    arrived: Upcall,
    /// It was told, and has not said that its device asserts the line no more.
    busy: bool,
}

/// A vector in use.
struct Source {
    vector: u8,
    /// The line; none for messages.
    line: Option<u32>,
    level: bool,
    listeners: Vec<Listener>,
    /// Listeners are being told right now.
    telling: bool,
}

/// Vectors in use, and the number of the next handle.
struct Sources {
    used: Vec<Source>,
    next: u64,
}

static SOURCES: Lock<Sources> = Lock::new(Sources {
    used: Vec::new(),
    next: 1,
});

impl Sources {
    /// Takes a vector into use, for a line or for messages. `ENOSPC` if all are.
    fn add(&mut self, line: Option<u32>, level: bool) -> Result<&mut Source, Errno> {
        let free = |vector: &u8| self.used.iter().all(|source| source.vector != *vector);
        let vector = (FIRST..EVENTS).find(free).ok_or(Errno::ENOSPC)?;
        self.used.push(Source {
            vector,
            line,
            level,
            listeners: Vec::new(),
            telling: false,
        });
        self.source(vector).ok_or(Errno::ENOSPC)
    }

    fn source(&mut self, vector: u8) -> Option<&mut Source> {
        self.used.iter_mut().find(|source| source.vector == vector)
    }

    /// The number of a new handle, but for the vector.
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next << 8
    }
}

impl Source {
    /// Tells `arrived` from now on; the handle, in which the lowest bits are the vector.
    fn listen(&mut self, number: u64, arrived: Upcall) -> i64 {
        let handle = number | u64::from(self.vector);
        self.listeners.push(Listener {
            handle,
            arrived,
            busy: false,
        });
        handle as i64
    }

    /// Lets the line interrupt again if nobody's device asserts it.
    fn unmask_if_free(&self) {
        if self.level
            && !self.listeners.iter().any(|listener| listener.busy)
            && let Some(line) = self.line
        {
            IO.lock().mask(line, false);
        }
    }
}

/// An interrupt was taken: masks its line if that is level-triggered, and tells who listens.
pub(super) fn serve(vector: u8) {
    let mut upcalls = [const { None }; 8];
    let mut told = 0;
    loop {
        let mut sources = SOURCES.lock();
        let Some(source) = sources.source(vector) else {
            Local.end();
            return;
        };
        if told == 0 {
            if let (true, Some(line)) = (source.level, source.line) {
                IO.lock().mask(line, true);
            }
            Local.end();
        }
        source.telling = true;
        // In portions: nothing is allocated here, and nobody is called under the lock.
        let mut count = 0;
        for (listener, place) in source.listeners.iter_mut().skip(told).zip(&mut upcalls) {
            listener.busy = source.level;
            *place = Some(listener.arrived);
            count += 1;
        }
        if count == 0 {
            source.telling = false;
            return;
        }
        told += count;
        drop(sources);
        for upcall in upcalls[..count].iter_mut().filter_map(Option::take) {
            upcall.call();
        }
    }
}

impl hypercall::Irq for Platform {
    fn attach(line: u32, level: bool, arrived: Upcall) -> i64 {
        let mut sources = SOURCES.lock();
        let number = sources.number();
        let mut used = sources.used.iter_mut();
        if let Some(shared) = used.find(|source| source.line == Some(line)) {
            return match shared.level == level {
                true => shared.listen(number, arrived),
                false => Errno::EBUSY.to_answer(),
            };
        }
        let source = match sources.add(Some(line), level) {
            Ok(source) => source,
            Err(errno) => return errno.to_answer(),
        };
        let (vector, handle) = (source.vector, source.listen(number, arrived));
        if !IO.lock().connect(line, level, vector, cpu::first()) {
            sources.used.retain(|source| source.vector != vector);
            return Errno::ENXIO.to_answer();
        }
        handle
    }

    fn message(arrived: Upcall, message: &mut Message) -> i64 {
        let mut sources = SOURCES.lock();
        let number = sources.number();
        match sources.add(None, false) {
            Ok(source) => {
                *message = Message {
                    address: MESSAGES | u64::from(cpu::first()) << 12,
                    data: u32::from(source.vector),
                };
                source.listen(number, arrived)
            }
            Err(errno) => errno.to_answer(),
        }
    }

    fn done(handle: u64) {
        let mut sources = SOURCES.lock();
        if let Some(source) = sources.source(handle as u8) {
            for listener in &mut source.listeners {
                listener.busy &= listener.handle != handle;
            }
            source.unmask_if_free();
        }
    }

    fn detach(handle: u64) {
        loop {
            let mut sources = SOURCES.lock();
            let Some(source) = sources.source(handle as u8) else {
                return;
            };
            if source.telling {
                // On another processor: upcalls do not detach.
                drop(sources);
                core::hint::spin_loop();
                continue;
            }
            source
                .listeners
                .retain(|listener| listener.handle != handle);
            if !source.listeners.is_empty() {
                source.unmask_if_free();
            } else {
                if let Some(line) = source.line {
                    IO.lock().mask(line, true);
                }
                sources.used.retain(|source| source.vector != handle as u8);
            }
            return;
        }
    }
}
