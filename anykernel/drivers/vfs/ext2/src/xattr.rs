//! Extended attributes as bytes: entries one behind the other, and their values from the end on.
//!
//! Lists of access rights have a form of their own on the disk; they are kept, but not told.

use alloc::vec::Vec;

use base::Errno;

use crate::bytes::{put_u16, put_u32, u16_at, u32_at};

/// Bytes of an entry before its name.
const HEAD: usize = 16;

/// What names begin with, by number.
const PREFIXES: &[(u8, &[u8])] = &[(1, b"user."), (4, b"trusted."), (6, b"security.")];

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Xattr {
    pub(crate) prefix: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// The number of what a name begins with, and the rest. `EOPNOTSUPP` if there is no such.
pub(crate) fn split(name: &[u8]) -> Result<(u8, &[u8]), Errno> {
    let found = PREFIXES.iter().find_map(|(number, prefix)| {
        let rest = name.strip_prefix(*prefix)?;
        (!rest.is_empty() && rest.len() < 256).then_some((*number, rest))
    });
    found.ok_or(Errno::EOPNOTSUPP)
}

impl Xattr {
    /// Its name as users know it, if they do.
    pub(crate) fn full_name(&self) -> Option<Vec<u8>> {
        let mut prefixes = PREFIXES.iter();
        let (_, prefix) = prefixes.find(|(number, _)| *number == self.prefix)?;
        Some([prefix, &self.name[..]].concat())
    }

    pub(crate) fn is(&self, (prefix, name): (u8, &[u8])) -> bool {
        self.prefix == prefix && self.name == name
    }

    fn entry_len(&self) -> usize {
        HEAD + self.name.len().next_multiple_of(4)
    }

    /// What stands in an entry so that it is told from others fast.
    fn hash(&self) -> u32 {
        let name = self
            .name
            .iter()
            .fold(0u32, |hash, byte| hash << 5 ^ hash >> 27 ^ u32::from(*byte));
        self.value.chunks(4).fold(name, |hash, chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            hash << 16 ^ hash >> 16 ^ u32::from_le_bytes(word)
        })
    }
}

/// Takes attributes apart, whose entries begin at a byte; places of values count from the byte `base`. Nothing if they
/// are wrong.
pub(crate) fn decode(raw: &[u8], first: usize, base: usize) -> Option<Vec<Xattr>> {
    let mut all = Vec::new();
    let mut at = first;
    loop {
        if *raw.get(at..at + 4)? == [0; 4] {
            return Some(all);
        }
        let head = raw.get(at..at + HEAD)?;
        let name = raw.get(at + HEAD..at + HEAD + usize::from(head[0]))?;
        let len = u32_at(head, 8) as usize;
        let value = match len {
            0 => &[],
            _ => {
                let start = base + usize::from(u16_at(head, 2));
                raw.get(start..start.checked_add(len)?)?
            }
        };
        // A value elsewhere is of a feature that is not known here.
        if u32_at(head, 4) != 0 {
            return None;
        }
        let one = Xattr {
            prefix: head[1],
            name: name.to_vec(),
            value: value.to_vec(),
        };
        at += one.entry_len();
        all.push(one);
    }
}

/// Puts attributes where [`decode`] finds them. `ENOSPC` if they do not fit.
pub(crate) fn encode(
    all: &mut [Xattr],
    raw: &mut [u8],
    first: usize,
    base: usize,
) -> Result<(), Errno> {
    all.sort_by(|one, other| {
        let key = |xattr: &Xattr| (xattr.prefix, xattr.name.len());
        key(one).cmp(&key(other)).then(one.name.cmp(&other.name))
    });
    let values = all.iter().map(|one| one.value.len().next_multiple_of(4));
    let entries = all.iter().map(Xattr::entry_len);
    let needed = entries.chain(values).sum::<usize>() + 4;
    if needed > raw.len() - first {
        return Err(Errno::ENOSPC);
    }
    raw[first..].fill(0);
    let (mut at, mut end) = (first, raw.len());
    for one in &*all {
        let head = &mut raw[at..at + HEAD];
        head[0] = one.name.len() as u8;
        head[1] = one.prefix;
        put_u32(head, 8, one.value.len() as u32);
        put_u32(head, 12, one.hash());
        if !one.value.is_empty() {
            end -= one.value.len().next_multiple_of(4);
            put_u16(head, 2, (end - base) as u16);
        }
        raw[at + HEAD..at + HEAD + one.name.len()].copy_from_slice(&one.name);
        raw[end..end + one.value.len()].copy_from_slice(&one.value);
        at += one.entry_len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattr(name: &[u8], len: usize) -> Xattr {
        Xattr {
            prefix: 1,
            name: name.to_vec(),
            value: alloc::vec![7; len],
        }
    }

    #[test]
    fn what_is_put_is_found_and_what_does_not_fit_is_refused() {
        let mut raw = [0xee; 128];
        let mut all = [xattr(b"long name", 9), xattr(b"b", 0), xattr(b"a", 17)];
        encode(&mut all, &mut raw, 4, 4).unwrap();
        let order: Vec<_> = all.iter().map(|one| &one.name[..]).collect();
        assert_eq!(order, [&b"a"[..], b"b", b"long name"]);
        assert_eq!(decode(&raw, 4, 4), Some(all.to_vec()));
        let mut large = [xattr(b"a", 110)];
        assert_eq!(encode(&mut large, &mut raw, 4, 4), Err(Errno::ENOSPC));
        assert_eq!(decode(&raw, 4, 4), Some(all.to_vec()));
    }

    #[test]
    fn what_leads_out_of_the_bytes_is_refused() {
        let mut raw = [0; 64];
        encode(&mut [xattr(b"a", 8)], &mut raw, 0, 0).unwrap();
        for (at, value) in [(0, 255), (2, 60), (3, 255), (8, 255), (11, 255), (4, 1)] {
            let mut wrong = raw;
            wrong[at] = value;
            assert_eq!(decode(&wrong, 0, 0), None, "byte {at}");
        }
        assert_eq!(decode(&[1; 20], 0, 0), None);
        assert_eq!(decode(&[], 0, 0), None);
    }
}
