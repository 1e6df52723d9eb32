//! Configuration: what the command line says.

use alloc::string::String;
use alloc::vec::Vec;

use hypercall::{Bytes, BytesMut};

use crate::Platform;
use crate::once::Once;

static GIVEN: Once<Vec<(String, String)>> = Once::new();

/// Makes the parameters known.
pub(crate) fn start(params: Vec<(String, String)>) {
    GIVEN.set(params);
}

/// The value of a parameter; of several the last.
pub(crate) fn get(name: &str) -> Option<&'static str> {
    let mut given = GIVEN.get()?.iter().rev();
    given
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.as_str())
}

/// Whether a parameter that is a flag is set.
pub(crate) fn flag(name: &str) -> bool {
    matches!(get(name), Some("true" | "on" | "yes" | "1"))
}

impl hypercall::Params for Platform {
    fn get(name: Bytes<'_>, mut value: BytesMut<'_>) -> i64 {
        let Some(found) = core::str::from_utf8(name.as_slice()).ok().and_then(get) else {
            return -1;
        };
        let place = value.as_mut_slice();
        let fits = found.len().min(place.len());
        place[..fits].copy_from_slice(&found.as_bytes()[..fits]);
        found.len() as i64
    }
}
