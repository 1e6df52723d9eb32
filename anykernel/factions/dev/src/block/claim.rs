//! Who counts on nobody else to change a unit, as a file system does. A disk and its partitions have the same blocks under
//! several names, so that a claim of the one is a claim of the other.

use alloc::sync::Arc;

use base::Errno;

use super::Block;

/// Claims of a unit, and of all its parts together.
#[derive(Default)]
pub(super) struct Claims {
    own: Claimants,
    parts: Claimants,
}

#[derive(Clone, Copy, Default)]
struct Claimants {
    readers: usize,
    writers: usize,
}

impl Claimants {
    /// Whether one more cannot be among them.
    fn exclude(self, writes: bool) -> bool {
        self.writers > 0 || writes && self.readers > 0
    }

    fn of(&mut self, writes: bool) -> &mut usize {
        match writes {
            true => &mut self.writers,
            false => &mut self.readers,
        }
    }
}

/// A unit nobody else changes, until this is dropped; if it is claimed to be written, nobody else has a claim of it.
pub struct Claim {
    unit: Arc<Block>,
    writes: bool,
}

impl Block {
    /// Claims the unit. `EBUSY` if another has claimed it, the disk that it is a part of, or a part of it, and one of the two
    /// writes.
    pub fn claim(self: &Arc<Self>, writes: bool) -> Result<Claim, Errno> {
        let excluded = self.claims.with(|claims| {
            let excluded = claims.own.exclude(writes) || claims.parts.exclude(writes);
            *claims.own.of(writes) += usize::from(!excluded);
            excluded
        });
        if excluded {
            return Err(Errno::EBUSY);
        }
        let claim = Claim {
            unit: self.clone(),
            writes,
        };
        let Some(whole) = self.disk.whole() else {
            return Ok(claim);
        };
        let excluded = whole.claims.with(|claims| {
            *claims.parts.of(writes) += 1;
            claims.own.exclude(writes)
        });
        match excluded {
            true => Err(Errno::EBUSY),
            false => Ok(claim),
        }
    }

    /// `EBUSY` if somebody who has no claim must not write the unit: its blocks are claimed under another name. Claims of this
    /// very name are the business of whoever uses it.
    pub fn check_unclaimed(&self) -> Result<(), Errno> {
        let is_claimed = |claimants: Claimants| claimants.exclude(true);
        let whole = self.disk.whole();
        let in_parts = self.claims.with(|claims| is_claimed(claims.parts));
        match in_parts || whole.is_some_and(|it| it.claims.with(|claims| is_claimed(claims.own))) {
            true => Err(Errno::EBUSY),
            false => Ok(()),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let writes = self.writes;
        self.unit.claims.with(|claims| *claims.own.of(writes) -= 1);
        if let Some(whole) = self.unit.disk.whole() {
            whole.claims.with(|claims| *claims.parts.of(writes) -= 1);
        }
    }
}
