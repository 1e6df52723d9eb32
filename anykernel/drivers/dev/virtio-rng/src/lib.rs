//! The driver of virtio's sources of entropy (Virtual I/O Device 1.2, section 5.4): what they give is stirred
//! into the host's randomness, at the start and now and then.
//!
//! A source is not believed to be good: stirring takes nothing away from what is there.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::{Leaf, Mutex};
use base::{Boot, Callout, Component, Failure, Level, Lwp, Work, log};
use dev::Dev;
use hypercall::random;
use virtio::{Broken, Chain, Device, Port, Queue};

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtio-rng").start(start).stop(stop);

/// The request queue's number.
const QUEUE: u16 = 0;

/// Bytes asked for at a time.
const SEED: usize = 64;

/// Time between two requests, in nanoseconds: an idle kernel is woken rarely.
const INTERVAL: u64 = 600_000_000_000;

/// Room for entropy.
struct Seed([u8; SEED]);

impl Chain for Seed {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[], &mut [&mut self.0])
    }
}

/// The sources of an instance.
struct Sources(Leaf<Vec<Arc<Source>>>);

struct Source {
    port: Port,
    /// None once it is stopped.
    queue: Mutex<Option<Box<Queue<Seed, 2>>>>,
    next: Arc<Callout>,
    name: alloc::string::String,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    let sources = Arc::new(Sources(Leaf::new(Vec::new())));
    boot.publish(sources.clone());
    dev.drive(boot, move |lwp, device: Device, place| {
        let source = Source::attach(lwp, device, place)?;
        sources.0.with(|sources| sources.push(source));
        Ok(Some("entropy".into()))
    });
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(sources) = lwp.state::<Sources>() {
        for source in sources.0.with(core::mem::take) {
            source.halt(lwp);
        }
    }
}

impl Source {
    fn attach(lwp: &Lwp<'_>, mut device: Device, place: &str) -> Result<Arc<Self>, Failure> {
        let found: Arc<Leaf<Weak<Source>>> = Arc::new(Leaf::new(Weak::new()));
        let action = |action: fn(&Source, &Lwp<'_>)| {
            let found = found.clone();
            move |lwp: &Lwp<'_>| {
                if let Some(source) = found.with(|source| source.upgrade()) {
                    action(&source, lwp);
                }
            }
        };
        let serve = Work::new(lwp.instance(), action(Source::serve));
        let changed = Work::new(lwp.instance(), action(Source::changed));
        device.negotiate(|_| 0)?;
        let queue = device.queue(QUEUE)?;
        let source = Arc::new(Source {
            port: device.start(&serve, &changed)?,
            queue: Mutex::new(Some(queue)),
            next: Callout::new(action(Source::ask)),
            name: place.into(),
        });
        found.with(|place| *place = Arc::downgrade(&source));
        source.ask(lwp);
        Ok(source)
    }

    /// Asks for entropy, unless that is under way.
    fn ask(&self, lwp: &Lwp<'_>) {
        if let Some(queue) = &mut *self.queue.lock(lwp)
            && queue.under_way() == 0
            && queue.add(Seed([0; SEED])).is_ok()
        {
            queue.kick();
        }
    }

    fn serve(&self, lwp: &Lwp<'_>) {
        self.port.acknowledge();
        match self.take(lwp) {
            Ok(false) => {}
            Ok(true) => self.next.set(lwp, lwp.now() + INTERVAL),
            Err(broken) => self.fail(lwp, format_args!("{broken}")),
        }
    }

    /// Stirs in what has come. Whether anything has.
    fn take(&self, lwp: &Lwp<'_>) -> Result<bool, Broken> {
        let mut guard = self.queue.lock(lwp);
        let mut any = false;
        while let Some(queue) = &mut *guard
            && let Some((seed, len)) = queue.pop()?
        {
            random::stir(seed.0[..len].into());
            any = true;
        }
        Ok(any)
    }

    fn changed(&self, lwp: &Lwp<'_>) {
        if self.port.has_failed() {
            self.fail(lwp, format_args!("it says that it cannot go on"));
        }
    }

    fn fail(&self, lwp: &Lwp<'_>, why: core::fmt::Arguments<'_>) {
        if self.halt(lwp) {
            let line = format!("{}: {why}; the device is detached", self.name);
            log!(lwp.instance(), Level::Error, "{line}");
        }
    }

    /// Ends the device's work. Whether it was at work until now.
    fn halt(&self, lwp: &Lwp<'_>) -> bool {
        let Some(queue) = self.queue.lock(lwp).take() else {
            return false;
        };
        self.next.cancel(lwp);
        if let Some(quiet) = self.port.reset() {
            queue.end(quiet);
        }
        true
    }
}

#[cfg(test)]
mod tests;
