//! Classic packet filters on sockets: the options `SO_ATTACH_FILTER`, `SO_DETACH_FILTER` and `SO_LOCK_FILTER`
//! (`socket(7)`). Errors and their order are Linux's.
//!
//! What a program sees is Linux's, too: of UDP and TCP from their header on, of raw sockets from the network's header on
//! over IPv4 and from what follows it over IPv6, of Unix-domain sockets the data. A socket has no link's header any
//! more, so loads from there (`SKF_LL_OFF`) drop the packet.
//!
//! Protocols have a place for a filter in their sockets, and know when to ask it; this crate joins the two.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod packet;

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Boot, Charge, Errno, Failure, Lwp};
use bpf::{Instruction, MOST, Program};
use sockets::{Arrival, Filter, FilterOptions, FilterPlace};
use syscall::consts::{SO_ATTACH_FILTER, SO_DETACH_FILTER};
use syscall::{OptIn, copy};

/// The driver as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("socket-filter").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(FilterOptions { set }));
    Ok(())
}

/// A program on a socket.
struct Attached {
    program: Program,
    _charge: Charge,
}

impl Filter for Attached {
    fn judge(&self, arrival: &mut Arrival<'_>) -> usize {
        let kept = self.program.run(&packet::of(arrival)) as usize;
        match kept {
            0 => 0,
            kept => packet::cut(arrival, kept),
        }
    }
}

fn set(lwp: &Lwp<'_>, place: &FilterPlace, name: u32, value: &OptIn<'_>) -> Result<(), Errno> {
    if name == SO_ATTACH_FILTER {
        let list = value.list()?;
        if place.is_locked() {
            return Err(Errno::EPERM);
        }
        let charge = lwp.instance().memory().charge(list.len())?;
        let program = read(&copy(list, MOST * Instruction::LEN)?)?;
        let attached = Attached {
            program,
            _charge: charge,
        };
        return place.replace(Some(Arc::new(attached))).map(drop);
    }
    let value = value.bytes()?;
    let number = value.first_chunk().ok_or(Errno::EINVAL)?;
    match name {
        SO_DETACH_FILTER => match place.replace(None)? {
            Some(_) => Ok(()),
            None => Err(Errno::ENOENT),
        },
        _ => place.lock(i32::from_ne_bytes(*number) != 0),
    }
}

/// The program that a list of `struct sock_filter` is.
fn read(bytes: &[u8]) -> Result<Program, Errno> {
    let (instructions, _) = bytes.as_chunks();
    let instructions: Vec<_> = instructions
        .iter()
        .map(|bytes| Instruction::from_bytes(*bytes))
        .collect();
    Program::new(instructions).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests;
