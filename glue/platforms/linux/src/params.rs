//! Configuration, from the environment: parameter `tcp-buffer` is `RUMP_TCP_BUFFER`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use hypercall::{Bytes, BytesMut};

use crate::Platform;

fn variable(name: &[u8]) -> OsString {
    let mut variable = b"RUMP_".to_vec();
    variable.extend(name.iter().map(|byte| match byte {
        b'-' | b'.' => b'_',
        byte => byte.to_ascii_uppercase(),
    }));
    OsString::from_vec(variable)
}

impl hypercall::Params for Platform {
    fn get(name: Bytes<'_>, mut value: BytesMut<'_>) -> i64 {
        let name = name.as_slice();
        // Such a name is no variable's, and `var_os` must not be asked for it.
        if name.iter().any(|byte| matches!(byte, 0 | b'=')) {
            return -1;
        }
        let Some(found) = std::env::var_os(variable(name)) else {
            return -1;
        };
        let (found, place) = (found.as_bytes(), value.as_mut_slice());
        let fits = found.len().min(place.len());
        place[..fits].copy_from_slice(&found[..fits]);
        found.len() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hypercall::Params;

    #[test]
    fn names_become_upper_case_variables() {
        assert_eq!(variable(b"tcp-buffer"), "RUMP_TCP_BUFFER");
    }

    #[test]
    fn absent_means_minus_one() {
        let mut place = [0; 4];
        let place: &mut [u8] = &mut place;
        assert_eq!(Platform::get("no-such-thing".into(), place.into()), -1);
    }
}
