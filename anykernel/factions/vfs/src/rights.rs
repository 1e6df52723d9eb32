//! Who may do what with a file: owners, groups, and the bits of a mode.
//!
//! User zero may do everything, but execute what nobody may. There are no capabilities.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use syscall::consts::{S_ISGID, S_ISUID, S_ISVTX};

use crate::{Attributes, Changes, Kind, Vnode};

/// What somebody wants to do: a bit of each of the three triples of a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(pub(crate) u32);

impl Access {
    /// Nothing but that it is there.
    pub const NONE: Access = Access(0);
    /// Run it, or go through a directory.
    pub const EXECUTE: Access = Access(1);
    /// Write it, or change names in a directory.
    pub const WRITE: Access = Access(2);
    /// Read it.
    pub const READ: Access = Access(4);

    /// Both.
    pub const fn and(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    /// Whether it is part of this.
    pub const fn has(self, other: Access) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Whom a process acts for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
    /// Groups beside that.
    pub groups: Vec<u32>,
}

impl Credentials {
    /// Whether everything is allowed.
    pub fn is_root(&self) -> bool {
        self.user == 0
    }

    /// Whether the group is one of these.
    pub fn is_in(&self, group: u32) -> bool {
        self.group == group || self.groups.contains(&group)
    }

    /// Whether a file may be changed as only its owner may.
    pub(crate) fn owns(&self, attributes: &Attributes) -> bool {
        self.is_root() || self.user == attributes.owner
    }

    /// `EACCES` unless the mode says that they may.
    pub fn check(&self, attributes: &Attributes, wanted: Access) -> Result<(), Errno> {
        let mode = attributes.mode;
        if self.is_root() {
            let nobody_runs = attributes.kind == Kind::File && mode & 0o111 == 0;
            return match wanted.has(Access::EXECUTE) && nobody_runs {
                true => Err(Errno::EACCES),
                false => Ok(()),
            };
        }
        let triple = if self.user == attributes.owner {
            mode >> 6
        } else if self.is_in(attributes.group) {
            mode >> 3
        } else {
            mode
        };
        match Access(triple & 7).has(wanted) {
            true => Ok(()),
            false => Err(Errno::EACCES),
        }
    }

    /// `EPERM` if a directory is one where only owners take names away, and neither it nor what is there is theirs.
    pub(crate) fn check_sticky(
        &self,
        directory: &Attributes,
        child: &Attributes,
    ) -> Result<(), Errno> {
        let sticky = directory.mode & S_ISVTX != 0;
        match sticky && !self.owns(directory) && !self.owns(child) {
            true => Err(Errno::EPERM),
            false => Ok(()),
        }
    }

    /// Checks a change of mode, owner or group, and what goes along with it: whoever gives a file away takes its
    /// set-user-id with it. `EPERM`.
    pub(crate) fn check_change(
        &self,
        attributes: &Attributes,
        changes: &mut Changes,
    ) -> Result<(), Errno> {
        if !self.owns(attributes) {
            return Err(Errno::EPERM);
        }
        let gives = changes.owner.is_some_and(|owner| owner != attributes.owner);
        let strange = changes
            .group
            .is_some_and(|group| group != attributes.group && !self.is_in(group));
        if !self.is_root() && (gives || strange) {
            return Err(Errno::EPERM);
        }
        if let Some(mode) = &mut changes.mode {
            let foreign = !self.is_root() && !self.is_in(attributes.group);
            if foreign && attributes.kind != Kind::Directory {
                *mode &= !S_ISGID;
            }
        } else if (changes.owner.is_some() || changes.group.is_some())
            && attributes.kind != Kind::Directory
        {
            changes.mode = without_set_id(attributes.mode);
        }
        Ok(())
    }
}

/// The mode after somebody wrote the file or got it, if that differs: it no longer lends its owner's rights.
pub(crate) fn without_set_id(mode: u32) -> Option<u32> {
    let group_runs = mode & 0o010 != 0;
    let lent = S_ISUID | if group_runs { S_ISGID } else { 0 };
    (mode & lent != 0).then_some(mode & !lent)
}

impl Vnode {
    /// `EACCES` unless these may.
    pub(crate) fn check(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        wanted: Access,
    ) -> Result<(), Errno> {
        if wanted.has(Access::WRITE)
            && !matches!(
                self.kind(),
                Kind::Character(_) | Kind::Block(_) | Kind::Fifo | Kind::Socket
            )
        {
            self.mount().check_writable()?;
        }
        who.check(&self.attributes(lwp)?, wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Time;

    fn file(mode: u32) -> Attributes {
        Attributes {
            number: 1,
            kind: Kind::File,
            mode,
            links: 1,
            owner: 10,
            group: 20,
            size: 0,
            space: 0,
            accessed: Time::default(),
            modified: Time::default(),
            changed: Time::default(),
            created: None,
        }
    }

    fn who(user: u32, group: u32) -> Credentials {
        Credentials {
            user,
            group,
            groups: alloc::vec![30],
        }
    }

    #[test]
    fn one_triple_counts() {
        let attributes = file(0o461);
        assert!(who(10, 20).check(&attributes, Access::READ).is_ok());
        assert_eq!(
            who(10, 20).check(&attributes, Access::WRITE),
            Err(Errno::EACCES)
        );
        assert!(
            who(11, 20)
                .check(&attributes, Access::READ.and(Access::WRITE))
                .is_ok()
        );
        assert!(who(11, 21).check(&attributes, Access::EXECUTE).is_ok());
        assert!(who(11, 21).check(&attributes, Access::READ).is_err());
        assert!(who(0, 0).check(&file(0), Access::WRITE).is_ok());
        assert!(who(0, 0).check(&file(0o600), Access::EXECUTE).is_err());
    }

    #[test]
    fn who_gives_a_file_away_takes_what_it_lends_back() {
        let mut changes = Changes {
            group: Some(30),
            ..Changes::default()
        };
        who(10, 20)
            .check_change(&file(0o6755), &mut changes)
            .unwrap();
        assert_eq!(changes.mode, Some(0o755));
        changes.group = Some(31);
        assert_eq!(
            who(10, 20).check_change(&file(0o755), &mut changes),
            Err(Errno::EPERM)
        );
        assert_eq!(
            who(11, 20).check_change(&file(0o755), &mut Changes::default()),
            Err(Errno::EPERM)
        );
    }
}
