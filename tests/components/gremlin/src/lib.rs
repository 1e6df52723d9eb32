//! A component that panics where it is told to: in a call that holds a lock, in a callout, on receive,
//! at start, and in `Drop`, once of a file and once of its own state.
#![no_std]

extern crate alloc;

mod faults;
pub mod syscalls;

use alloc::sync::Arc;

use base::sync::Mutex;
use base::{Boot, Callout, Component, Failure};

use faults::FaultyState;

/// The component of a kernel.
pub static COMPONENT: Component = Component::new("gremlin").start(start);

/// The state of the component.
pub(crate) struct Gremlin {
    lock: Mutex<u32>,
    callout: Arc<Callout>,
    _at_the_end: Option<FaultyState>,
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let when = boot.text("gremlin");
    if when == "start" {
        panic!("gremlin: at start");
    }
    let gremlin = Gremlin {
        lock: Mutex::new(0),
        callout: Callout::new(|_| panic!("gremlin: in a callout")),
        _at_the_end: (when == "end").then(|| FaultyState),
    };
    boot.publish(Arc::new(gremlin));
    Ok(())
}
