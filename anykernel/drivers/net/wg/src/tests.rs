//! Tunnels without a network between them ([`pair`]), and kernels on a cable.

mod abuse;
mod kernels;
mod pair;
mod sessions;

use alloc::vec::Vec;

/// Bytes written in hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
