//! What an instance has open on its host.
//!
//! Nothing of a dead instance is touched again, so that nobody in it is left to close what others may want:
//! the instance does it, when it dies.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::Instance;
use crate::spin::Spin;

/// A handle of the host, and the hypercall that closes it. Nobody closes it twice.
#[derive(Clone)]
pub struct HostHandle(Arc<Spin<Option<Open>>>);

struct Open {
    handle: u64,
    close: fn(u64),
}

impl HostHandle {
    /// Closes it. False if it was closed before.
    pub fn close(&self) -> bool {
        let open = self.0.with(Option::take);
        open.map(|open| (open.close)(open.handle)).is_some()
    }

    /// Whether it was closed, by its owner or because the instance died.
    pub fn is_closed(&self) -> bool {
        self.0.with(|open| open.is_none())
    }
}

/// All of an instance. Shared between threads in every build, as the instance's end is.
pub(crate) struct Handles(Spin<Vec<HostHandle>>);

impl Handles {
    pub(crate) fn new() -> Self {
        Handles(Spin::new(Vec::new()))
    }

    /// Closes those that are open.
    #[cold]
    pub(crate) fn close(&self) {
        for handle in self.0.with(core::mem::take) {
            handle.close();
        }
    }
}

impl Instance {
    /// Takes charge of a handle of the host: `close` is called with it if the instance dies before its owner
    /// closes it.
    pub fn keep(&self, handle: u64, close: fn(u64)) -> HostHandle {
        let kept = HostHandle(Arc::new(Spin::new(Some(Open { handle, close }))));
        self.handles.0.with(|all| {
            all.retain(|handle| !handle.is_closed());
            all.push(kept.clone());
        });
        kept
    }
}
