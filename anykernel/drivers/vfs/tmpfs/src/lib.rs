//! Files in memory: names and attributes. What is in files is the faction's pages alone.
//!
//! Inodes stand in a table by number. A directory keeps its entries twice, by name and in the order they were made, which
//! is the order they are given in: so whoever reads a directory while others change it misses nothing.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod inode;
mod tmpfs;

use alloc::sync::Arc;

use base::{Boot, Component, Errno, Failure, Lwp};
use vfs::{FileSystem, Format, MountArguments, Vfs};

use crate::tmpfs::Tmpfs;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("tmpfs").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.get::<Vfs>().register(Arc::new(InMemory));
    Ok(())
}

struct InMemory;

impl Format for InMemory {
    fn name(&self) -> &'static str {
        "tmpfs"
    }

    fn recognises(&self, _lwp: &Lwp<'_>, _source: &[u8]) -> bool {
        false
    }

    fn mount(
        &self,
        lwp: &Lwp<'_>,
        arguments: &MountArguments<'_>,
    ) -> Result<Arc<dyn FileSystem>, Failure> {
        let mut limit = 0;
        let options = arguments.options.split(',');
        for option in options.filter(|option| !option.is_empty()) {
            limit = size(option).ok_or_else(|| {
                let message = alloc::format!(
                    "tmpfs knows no option {option}; there is size=BYTES, with k, m or g behind it"
                );
                Failure::new(Errno::EINVAL, message)
            })?;
        }
        Ok(Arc::new(Tmpfs::new(lwp, limit)))
    }
}

/// Bytes that `size=…` asks for.
fn size(option: &str) -> Option<u64> {
    let value = option.strip_prefix("size=")?;
    let (digits, shift) = match value.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (&value[..value.len() - 1], 10),
        b'm' => (&value[..value.len() - 1], 20),
        b'g' => (&value[..value.len() - 1], 30),
        _ => (value, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
