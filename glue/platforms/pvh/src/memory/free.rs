//! Which memory is free: what the map calls so, without what is taken.

use crate::boot::start_info::{MapEntry, Range};

/// Calls `give` with each free piece between `from` and `to`, in whole pages.
pub(crate) fn free(
    map: impl Iterator<Item = MapEntry> + Clone,
    taken: impl Iterator<Item = Range> + Clone,
    within: Range,
    mut give: impl FnMut(Range),
) {
    let others = map.clone().filter(|entry| !entry.ram);
    let taken = taken.chain(others.map(|entry| entry.range));
    for entry in map.filter(|entry| entry.ram) {
        let end = entry.range.end.min(within.end);
        let mut start = entry.range.start.max(within.start);
        while start < end {
            // What covers the start pushes it up; what begins next ends the piece.
            let covers = |range: &Range| range.start <= start && start < range.end;
            if let Some(range) = taken.clone().find(covers) {
                start = range.end;
                continue;
            }
            let begins = taken.clone().filter(|range| range.start < range.end);
            let next = begins.map(|range| range.start).filter(|next| *next > start);
            let stop = next.min().unwrap_or(end).min(end);
            whole_pages(Range { start, end: stop }).map(&mut give);
            start = stop;
        }
    }
}

/// The whole pages in a range.
fn whole_pages(range: Range) -> Option<Range> {
    let start = range.start.checked_next_multiple_of(super::PAGE as u64)?;
    let end = range.end & !(super::PAGE as u64 - 1);
    (start < end).then_some(Range { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(map: &[(u64, u64, bool)], taken: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let map = map.iter().map(|&(start, end, ram)| MapEntry {
            range: Range { start, end },
            ram,
        });
        let taken = taken.iter().map(|&(start, end)| Range { start, end });
        let mut found = Vec::new();
        let within = Range {
            start: 0x1000,
            end: 0x100_0000,
        };
        free(map, taken, within, |piece| {
            found.push((piece.start, piece.end))
        });
        found
    }

    #[test]
    fn what_is_taken_is_cut_out() {
        let taken = [(0x10_0000, 0x14_3210), (0x20_0008, 0x20_0010), (0, 0)];
        assert_eq!(
            pieces(&[(0, 0x9_fc00, true), (0x10_0000, 0x40_0000, true)], &taken),
            [
                (0x1000, 0x9_f000),
                (0x14_4000, 0x20_0000),
                (0x20_1000, 0x40_0000)
            ]
        );
    }

    #[test]
    fn reserved_wins_over_ram_and_limits_hold() {
        let map = [(0x10_0000, u64::MAX, true), (0x18_0000, 0x20_0000, false)];
        assert_eq!(
            pieces(&map, &[]),
            [(0x10_0000, 0x18_0000), (0x20_0000, 0x100_0000)]
        );
        assert_eq!(pieces(&map, &[(0, u64::MAX)]), []);
        assert_eq!(pieces(&[(0x1800, 0x2800, true)], &[]), []);
    }
}
