//! What writing back failed with: each open file is told once, as on Linux.
//!
//! A failure that nobody was told of yet is news to whoever opens the file after it, too.

use base::Errno;

/// The failures of a file.
#[derive(Default)]
pub(crate) struct Failures {
    /// How many there were.
    count: u64,
    last: Option<Errno>,
    /// Somebody knows of the last.
    told: bool,
}

/// How many failures an open file knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known(u64);

impl Failures {
    /// Notes one.
    pub(crate) fn note(&mut self, errno: Errno) {
        self.count += 1;
        self.last = Some(errno);
        self.told = false;
    }

    /// What somebody knows who opens the file now.
    pub(crate) fn known(&self) -> Known {
        Known(self.count - u64::from(self.last.is_some() && !self.told))
    }

    /// Tells of the last failure, if that is news.
    pub(crate) fn tell(&mut self, known: &mut Known) -> Result<(), Errno> {
        if known.0 == self.count {
            return Ok(());
        }
        known.0 = self.count;
        self.told = true;
        self.last.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once() {
        let mut failures = Failures::default();
        let mut early = [failures.known(); 2];
        failures.note(Errno::EIO);
        let mut late = failures.known();
        assert_eq!(failures.tell(&mut early[0]), Err(Errno::EIO));
        assert_eq!(failures.tell(&mut early[0]), Ok(()));
        assert_eq!(failures.tell(&mut early[1]), Err(Errno::EIO));
        assert_eq!(failures.tell(&mut late), Err(Errno::EIO));
        let mut later = failures.known();
        assert_eq!(failures.tell(&mut later), Ok(()));
        failures.note(Errno::ENOSPC);
        failures.note(Errno::EIO);
        assert_eq!(failures.tell(&mut later), Err(Errno::EIO));
        assert_eq!(failures.tell(&mut later), Ok(()));
    }
}
