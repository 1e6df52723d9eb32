//! Messages to people.

use crate::{Bytes, group};

group! {
    /// The place for messages to people.
    pub trait Console as console {
        /// Writes whole lines, each ending in a newline. Never fails and never waits for a reader.
        fn write(text: Bytes<'_>);
    }
}
