//! The faction on the simulated platform.

use alloc::sync::Arc;

use base::{Config, Kernel, Lwp, System, enter};

use crate::Dev;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &crate::COMPONENT],
    params: &[],
};

pub(crate) fn dev_of(lwp: &Lwp<'_>) -> Arc<Dev> {
    lwp.state().unwrap()
}

pub(crate) fn in_kernel(f: impl FnOnce(&Lwp<'_>)) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        f(lwp);
        Ok(())
    })
    .unwrap();
}
