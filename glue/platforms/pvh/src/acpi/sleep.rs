//! Soft off, state S5: what to write to the control register, from the package `_S5_` of the AML code.

use super::{Fadt, signed};

/// The type of sleep for the first control register in state S5, 0 to 7.
pub(crate) fn soft_off(fadt: &Fadt) -> Option<u8> {
    sleep_type(signed(fadt.dsdt, b"DSDT")?)
}

/// Finds the package and its first number (ACPI specification 6.5, 7.4.2 and 20.2.5).
fn sleep_type(aml: &[u8]) -> Option<u8> {
    const NAME: u8 = 0x08;
    const PACKAGE: u8 = 0x12;
    // Words are compared, not bytes one by one: tables are long.
    let named = |word: &[u8]| word.first_chunk() == Some(b"_S5_");
    let at = aml.windows(4).position(named)?;
    let before = &aml[..at];
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    if before.last() != Some(&NAME) {
        return None;
    }
    let rest = &aml[at..];
    let [PACKAGE, len, rest @ ..] = rest.get(4..)? else {
        return None;
    };
    // The length's first byte says how many follow it; then the number of elements.
    match *rest.get(usize::from(len >> 6) + 1..)? {
        // Zero and one have opcodes of their own.
        [kind @ (0 | 1), ..] => Some(kind),
        [0x0a, value, ..] => Some(value & 7),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_read_in_its_forms() {
        let of = |package: &[u8]| sleep_type(&[b"\x10\x20\x08_S5_", package].concat());
        assert_eq!(of(&[0x12, 6, 4, 0x0a, 5, 0x0a, 5, 0, 0]), Some(5));
        assert_eq!(of(&[0x12, 6, 4, 0, 0, 0, 0]), Some(0));
        assert_eq!(of(&[0x12, 0x46, 0, 4, 1, 0]), Some(1));
        assert_eq!(of(&[0x12, 6]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(sleep_type(b"\x08\\_S5_\x12\x06\x04\x0a\x07"), Some(7));
    }
}
