//! Control data as it crosses to the host: records of level, kind, length and bytes.

use alloc::vec::Vec;

use syscall::Control;

/// Room for all that a socket can be asked to tell.
pub(crate) const ROOM: usize = 1024;

/// Records for the host.
pub(crate) fn encode(all: &[Control]) -> Vec<u8> {
    let mut records = Vec::new();
    for one in all {
        let words = [one.level, one.kind, one.data.len() as u32];
        records.extend(words.map(u32::to_ne_bytes).as_flattened());
        records.extend(&one.data);
        records.resize(records.len().next_multiple_of(4), 0);
    }
    records
}

/// The records of the host, up to one that is not whole.
pub(crate) fn decode(records: &[u8]) -> Vec<Control> {
    let (words, _) = records.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_ne_bytes(*word));
    let mut all = Vec::new();
    let mut at = 0usize;
    while let (Some(level), Some(kind), Some(len)) = (words.next(), words.next(), words.next()) {
        let len = len as usize;
        let begin = at + 12;
        let Some(data) = begin
            .checked_add(len)
            .and_then(|end| records.get(begin..end))
        else {
            break;
        };
        all.push(Control {
            level,
            kind,
            data: data.to_vec(),
        });
        let padded = len.next_multiple_of(4);
        at = begin + padded;
        if padded > 0 {
            words.nth(padded / 4 - 1);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn records_survive_the_way_there_and_back() {
        let control = |kind, data: &[u8]| Control {
            level: 41,
            kind,
            data: data.to_vec(),
        };
        let all = vec![control(1, b""), control(2, b"abc"), control(3, b"abcd")];
        let records = encode(&all);
        assert_eq!(records.len(), 3 * 12 + 8);
        assert_eq!(decode(&records), all);
        assert_eq!(decode(&records[..records.len() - 1]), all[..2]);
        assert_eq!(decode(&records[..23]), all[..1]);
    }

    #[test]
    fn lengths_that_cannot_be() {
        let mut records = encode(&[Control {
            level: 0,
            kind: 0,
            data: vec![0; 8],
        }]);
        for len in [9, 12, 1 << 20, u32::MAX] {
            records[8..12].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(decode(&records), [], "{len}");
        }
    }
}
