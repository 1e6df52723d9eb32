//! Character devices that every system has: `null` takes everything and holds nothing, `zero` is zeros without end,
//! `random` and `urandom` are the host's randomness, which here never runs out.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

use alloc::sync::Arc;

use base::{Boot, Component, Events, Failure, File, Lwp, Readiness, Wait};
use dev::Dev;
use syscall::{UioIn, UioOut};

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("memdev").start(start);

/// Bytes that are made at a time.
const PIECE: usize = 512;

/// What reading gives.
#[derive(Clone, Copy)]
enum Source {
    Nothing,
    Zeros,
    Random,
}

const UNITS: [(&str, Source); 4] = [
    ("null", Source::Nothing),
    ("zero", Source::Zeros),
    ("random", Source::Random),
    ("urandom", Source::Random),
];

struct Device {
    source: Source,
    readiness: Readiness,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let dev = boot.get::<Dev>();
    for (name, source) in UNITS {
        let file: Arc<dyn File> = Arc::new(Device {
            source,
            readiness: Readiness::new(Events::IN | Events::OUT),
        });
        dev.add_character_as(name, &file)?;
    }
    Ok(())
}

impl File for Device {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, _: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let mut bytes = [0; PIECE];
        let mut read = 0;
        while to.remaining() > 0 {
            let piece = &mut bytes[..to.remaining().min(PIECE)];
            match self.source {
                Source::Nothing => break,
                Source::Zeros => {}
                Source::Random => hypercall::random::fill((&mut *piece).into()),
            }
            read += to.put(piece)?;
        }
        Ok(read)
    }

    /// What is written is taken and forgotten.
    fn try_write(&self, _: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        let mut bytes = [0; PIECE];
        let mut written = 0;
        while from.remaining() > 0 {
            written += from.take(&mut bytes)?;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
