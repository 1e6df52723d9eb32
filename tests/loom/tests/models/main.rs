//! Every order in which two or three threads may meet in the locks and waits of base, up to a
//! number of preemptions. A wake-up that gets lost is a deadlock, which loom reports; so is a
//! value that is not seen.

mod deferred;
mod epoll;
mod locks;
mod platform;
mod waits;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use base::{Component, Config, Kernel, System};

static SYSTEM: System = System {
    name: "model",
    devices: &[],
    components: &[&COMPONENT],
    params: &[],
};

static COMPONENT: Component = Component::new("model");

/// Runs `model` in all orders with at most `preemptions` of them.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    println!("{} orders", runs.load(Relaxed));
}

fn boot() -> Kernel {
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}
