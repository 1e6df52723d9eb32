//! Where directories are, for a file system whose medium does not say, or may lie.

use alloc::collections::BTreeMap;

use base::Errno;
use base::sync::Leaf;

use crate::Ino;

/// The directories that have been found, each with the one it is in. A directory that is found in two places, as in a
/// loop, is refused: so a tree stays one, whatever stands on the medium.
pub struct Places(Leaf<BTreeMap<Ino, Ino>>);

impl Places {
    /// Only the root is known.
    pub fn new(root: Ino) -> Self {
        Places(Leaf::new(BTreeMap::from([(root, root)])))
    }

    /// A directory was found in `parent`. `EUCLEAN` if it is somewhere else.
    pub fn found(&self, directory: Ino, parent: Ino) -> Result<(), Errno> {
        let place = self
            .0
            .with(|known| *known.entry(directory).or_insert(parent));
        match place == parent {
            true => Ok(()),
            false => Err(Errno::EUCLEAN),
        }
    }

    /// Nobody uses an inode any more. The root stays.
    pub fn forget(&self, inode: Ino) {
        self.0.with(|known| {
            if known.get(&inode) != Some(&inode) {
                known.remove(&inode);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_in_one_place() {
        let places = Places::new(1);
        assert_eq!(places.found(2, 1), Ok(()));
        assert_eq!(places.found(3, 2), Ok(()));
        assert_eq!(places.found(3, 2), Ok(()));
        // Loops: to itself, to one above, to the root.
        for inside in [3, 2, 1] {
            assert_eq!(places.found(inside, 3), Err(Errno::EUCLEAN));
        }
        places.forget(3);
        assert_eq!(places.found(3, 1), Ok(()));
        places.forget(1);
        assert_eq!(places.found(1, 3), Err(Errno::EUCLEAN));
    }
}
