//! Where searches for names ended, so that the next one, which is often for a name close behind, need not begin at the
//! directory's begin.

use alloc::vec::Vec;

use base::sync::Leaf;

use crate::directory::Spot;

/// A search that ended.
struct Search {
    /// Which inode's list was searched.
    reference: u64,
    name: Vec<u8>,
    /// All names before it are less.
    spot: Spot,
}

/// The last search in each of a few directories, the latest first.
pub(crate) struct Searches(Leaf<[Option<Search>; 8]>);

impl Searches {
    pub(crate) fn new() -> Self {
        Searches(Leaf::new([const { None }; 8]))
    }

    /// Where the last search in a directory ended, if no name before that can be this one.
    pub(crate) fn before(&self, reference: u64, name: &[u8]) -> Option<Spot> {
        self.0.with(|searches| {
            let mut ours = searches.iter().flatten();
            let last = ours.find(|search| search.reference == reference)?;
            (&last.name[..] <= name).then_some(last.spot)
        })
    }

    /// Notes where a search ended, instead of the directory's that was there, or of the oldest.
    pub(crate) fn note(&self, reference: u64, name: &[u8], spot: Spot) {
        let mut search = Some(Search {
            reference,
            name: name.to_vec(),
            spot,
        });
        // What goes is dropped outside of the lock.
        self.0.with(|searches| {
            let ours =
                |old: &Option<Search>| old.as_ref().is_none_or(|old| old.reference == reference);
            let place = searches.iter().position(ours).unwrap_or(searches.len() - 1);
            searches[..=place].rotate_right(1);
            core::mem::swap(&mut searches[0], &mut search);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Cursor;

    fn at(byte: u32) -> Spot {
        Spot::new(byte, Cursor::new(0, 0))
    }

    #[test]
    fn only_names_behind_the_last_one_are_looked_for_there() {
        let searches = Searches::new();
        assert!(searches.before(1, b"m").is_none());
        searches.note(1, b"m", at(70));
        for (name, byte) in [(&b"a"[..], None), (b"m", Some(70)), (b"n", Some(70))] {
            assert_eq!(searches.before(1, name).map(|spot| spot.byte), byte);
        }
        searches.note(1, b"b", at(20));
        assert_eq!(searches.before(1, b"m").map(|spot| spot.byte), Some(20));
        // Those that were searched for the longest time ago make room.
        for other in 2..10 {
            searches.note(other, b"", at(0));
        }
        assert!(searches.before(1, b"m").is_none());
        assert!(searches.before(2, b"m").is_some());
    }
}
