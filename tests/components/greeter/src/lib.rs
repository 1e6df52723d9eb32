//! A component from outside the tree: it owns the concept of a phrase, has a system call, a parameter,
//! and draws phrases by chance where the host has that.
#![no_std]

extern crate alloc;

pub mod syscalls;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Failure};

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("greeter").start(start);

/// The state of the component.
pub struct Greeter {
    greeted: String,
    phrases: Leaf<Vec<&'static str>>,
    count: Leaf<u32>,
}

impl Greeter {
    /// Adds something polite to say.
    pub fn add(&self, phrase: &'static str) {
        self.phrases.with(|phrases| phrases.push(phrase));
    }

    pub(crate) fn greeting(&self) -> String {
        self.count.with(|count| *count += 1);
        let phrase = self.phrases.with(|phrases| match phrases.len() {
            0 => "",
            len => phrases[draw(len)],
        });
        alloc::format!("{phrase}, {}", self.greeted)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count.with(|count| *count)
    }
}

#[cfg(feature = "random")]
fn draw(of: usize) -> usize {
    let mut byte = [0];
    hypercall::random::fill((&mut byte[..]).into());
    usize::from(byte[0]) % of
}

#[cfg(not(feature = "random"))]
fn draw(_of: usize) -> usize {
    0
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Greeter {
        greeted: boot.text("greeted").to_string(),
        phrases: Leaf::new(Vec::new()),
        count: Leaf::new(0),
    }));
    Ok(())
}
