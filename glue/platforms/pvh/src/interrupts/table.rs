//! The group `irq`: who is told of a vector. All interrupts of devices go to the first processor.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hypercall::{Errno, Message, Upcall};

use super::local::Local;
use super::{FIRST, IO, WAKE};
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
    /// The line; none for messages.
    line: Option<u32>,
    level: bool,
    listeners: Vec<Listener>,
    /// Listeners are being told right now.
    telling: bool,
}

/// Vectors in use, and the number of the next handle.
struct Sources {
    vectors: BTreeMap<u8, Source>,
    next: u64,
}

static SOURCES: Lock<Sources> = Lock::new(Sources {
    vectors: BTreeMap::new(),
    next: 1,
});

impl Sources {
    fn unused(&self) -> Option<u8> {
        (FIRST..WAKE).find(|vector| !self.vectors.contains_key(vector))
    }

    fn listen(&mut self, vector: u8, arrived: Upcall) -> i64 {
        let handle = self.next << 8 | u64::from(vector);
        self.next += 1;
        if let Some(source) = self.vectors.get_mut(&vector) {
            source.listeners.push(Listener {
                handle,
                arrived,
                busy: false,
            });
        }
        handle as i64
    }

    /// The listener's vector and its source.
    fn source(&mut self, handle: u64) -> Option<&mut Source> {
        self.vectors.get_mut(&(handle as u8))
    }
}

impl Source {
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
        let Some(source) = sources.vectors.get_mut(&vector) else {
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
        let shared = sources
            .vectors
            .iter()
            .find(|(_, source)| source.line == Some(line));
        if let Some((vector, source)) = shared {
            let vector = *vector;
            return match source.level == level {
                true => sources.listen(vector, arrived),
                false => Errno::EBUSY.to_answer(),
            };
        }
        let Some(vector) = sources.unused() else {
            return Errno::ENOSPC.to_answer();
        };
        let source = Source {
            line: Some(line),
            level,
            listeners: Vec::new(),
            telling: false,
        };
        sources.vectors.insert(vector, source);
        let handle = sources.listen(vector, arrived);
        if !IO.lock().connect(line, level, vector, cpu::first()) {
            sources.vectors.remove(&vector);
            return Errno::ENXIO.to_answer();
        }
        handle
    }

    fn message(arrived: Upcall, message: &mut Message) -> i64 {
        let mut sources = SOURCES.lock();
        let Some(vector) = sources.unused() else {
            return Errno::ENOSPC.to_answer();
        };
        *message = Message {
            address: MESSAGES | u64::from(cpu::first()) << 12,
            data: u32::from(vector),
        };
        let source = Source {
            line: None,
            level: false,
            listeners: Vec::new(),
            telling: false,
        };
        sources.vectors.insert(vector, source);
        sources.listen(vector, arrived)
    }

    fn done(handle: u64) {
        let mut sources = SOURCES.lock();
        if let Some(source) = sources.source(handle) {
            for listener in &mut source.listeners {
                listener.busy &= listener.handle != handle;
            }
            source.unmask_if_free();
        }
    }

    fn detach(handle: u64) {
        loop {
            let mut sources = SOURCES.lock();
            let Some(source) = sources.source(handle) else {
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
                sources.vectors.remove(&(handle as u8));
            }
            return;
        }
    }
}
