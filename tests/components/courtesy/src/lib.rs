//! A provider of what another component from outside owns.
#![no_std]

use base::{Boot, Component, Failure};
use greeter::Greeter;

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("courtesy").start(start);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let greeter = boot.get::<Greeter>();
    greeter.add("good day");
    greeter.add("how do you do");
    Ok(())
}
