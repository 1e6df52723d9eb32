//! Panics, contained.

use crate::{Upcall, group};

group! {
    /// Containment of panics.
    ///
    /// A host that cannot unwind implements `catch` as a plain call, `panicking` as `false`, and
    /// ends the machine in `raise`.
    pub trait Fault as fault {
        /// Calls `run` and says whether it panicked. A panic ends here.
        fn catch(run: Upcall) -> bool;
        /// Whether the calling thread is unwinding.
        fn panicking() -> bool;
        /// Unwinds the calling thread to its `catch`, silently: the panic was reported when it happened.
        fn raise() -> !;
    }
}
