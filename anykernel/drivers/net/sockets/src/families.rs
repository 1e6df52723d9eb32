//! The protocol families of a kernel.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Failure, Lwp};

use crate::Protocol;

/// The state of the component: who serves which address family.
pub struct Families(Leaf<Vec<Arc<dyn Protocol>>>);

impl Families {
    /// Makes a family known.
    pub fn add(&self, protocol: Arc<dyn Protocol>) {
        self.0.with(|all| all.push(protocol));
    }

    /// The protocol of an address family, `AF_…`.
    pub fn get(&self, family: u16) -> Option<Arc<dyn Protocol>> {
        let wanted = |protocol: &&Arc<dyn Protocol>| protocol.family() == family;
        self.0.with(|all| all.iter().find(wanted).cloned())
    }
}

pub(crate) fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(Families(Leaf::new(Vec::new()))));
    Ok(())
}

/// Gives up the protocols, so that nothing keeps itself alive.
pub(crate) fn stop(lwp: &Lwp<'_>) {
    if let Ok(families) = lwp.state::<Families>() {
        let _dropped_outside = families.0.with(core::mem::take);
    }
}
