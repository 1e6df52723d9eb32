//! What panics in somebody else's hands.

use alloc::sync::Arc;

use base::{Events, File, Lwp, Readiness};
use net::{Frame, Interface, IpInfo, IpReceiver};

/// A part of the component's state that cannot be dropped.
pub(crate) struct FaultyState;

impl Drop for FaultyState {
    fn drop(&mut self) {
        panic!("gremlin: at the end");
    }
}

/// A file that cannot be dropped.
pub(crate) struct FaultyFile(Readiness);

impl FaultyFile {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(FaultyFile(Readiness::new(Events::IN)))
    }
}

impl File for FaultyFile {
    fn readiness(&self) -> &Readiness {
        &self.0
    }
}

impl Drop for FaultyFile {
    fn drop(&mut self) {
        panic!("gremlin: in Drop of a file");
    }
}

/// Where packets go that cannot be received.
pub(crate) struct FaultyReceiver;

impl IpReceiver for FaultyReceiver {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, _: Frame, _: IpInfo) {
        panic!("gremlin: on receive");
    }

    fn settle(&self, _: &Lwp<'_>) {}
}
