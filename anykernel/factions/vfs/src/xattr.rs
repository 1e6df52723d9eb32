//! Extended attributes: who may have to do with which, and how they reach a caller.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp};
use syscall::consts::*;
use syscall::{Path, UioIn, UserIn, UserOut};

use crate::calls::put;
use crate::rights::Access;
use crate::{Existence, Kind, Person, Vnode};

/// Bytes of an extended attribute's name, and of its value, at most.
const XATTR_NAME: usize = 255;
const XATTR_VALUE: usize = 64 * 1024;

fn xattr_name<'a>(name: &Path<'a>) -> Result<&'a [u8], Errno> {
    let name = name.get()?;
    match name.len() {
        0 => Err(Errno::ERANGE),
        len if len > XATTR_NAME => Err(Errno::ERANGE),
        _ if name.contains(&b'.') => Ok(name),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Copies all of it, or with no room says how long it is. `ERANGE` for too little room.
fn all_or_length(bytes: &[u8], to: UserOut<'_>) -> Result<usize, Errno> {
    match to.len() {
        0 => Ok(bytes.len()),
        room if room < bytes.len() => Err(Errno::ERANGE),
        _ => put(bytes, to),
    }
}

/// The value of an extended attribute.
pub(crate) fn xattr(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    name: Path<'_>,
    value: UserOut<'_>,
) -> Result<usize, Errno> {
    let name = xattr_name(&name)?;
    vnode.check_xattr(lwp, name, Access::READ)?;
    all_or_length(&vnode.fs().xattr(lwp, vnode.number(), name)?, value)
}

/// Sets an extended attribute.
pub(crate) fn set_xattr(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    name: Path<'_>,
    value: UserIn<'_>,
    flags: u32,
) -> Result<(), Errno> {
    let existence = match flags {
        0 => Existence::Any,
        XATTR_CREATE => Existence::New,
        XATTR_REPLACE => Existence::Old,
        _ => return Err(Errno::EINVAL),
    };
    if value.len() > XATTR_VALUE {
        return Err(Errno::E2BIG);
    }
    let mut bytes = alloc::vec![0; value.len()];
    UioIn::from(value).take(&mut bytes)?;
    vnode.set_xattr(lwp, xattr_name(&name)?, Some(&bytes), existence)
}

/// Takes an extended attribute away.
pub(crate) fn remove_xattr(lwp: &Lwp<'_>, vnode: &Arc<Vnode>, name: Path<'_>) -> Result<(), Errno> {
    vnode.set_xattr(lwp, xattr_name(&name)?, None, Existence::Old)
}

/// The names of all extended attributes.
pub(crate) fn xattrs(
    lwp: &Lwp<'_>,
    vnode: &Arc<Vnode>,
    names: UserOut<'_>,
) -> Result<usize, Errno> {
    let all = match vnode.fs().xattrs(lwp, vnode.number()) {
        Err(Errno::EOPNOTSUPP) => Default::default(),
        all => all?,
    };
    let root = Person::of(lwp)?.credentials().is_root();
    let mut bytes = Vec::new();
    for name in all {
        if root || !name.starts_with(b"trusted.") {
            bytes.extend_from_slice(&name);
            bytes.push(0);
        }
    }
    all_or_length(&bytes, names)
}

impl Vnode {
    /// Who may have to do with an extended attribute: that goes by its name's first part.
    fn check_xattr(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        name: &[u8],
        wanted: Access,
    ) -> Result<(), Errno> {
        let who = Person::of(lwp)?.credentials();
        if name.starts_with(b"user.") {
            // Others say nothing of who may: a link is everybody's, and a device's mode is not about these.
            return match self.kind() {
                Kind::File | Kind::Directory => self.check(lwp, &who, wanted),
                _ if wanted == Access::READ => Err(Errno::ENODATA),
                _ => Err(Errno::EPERM),
            };
        }
        match who.is_root() || (wanted == Access::READ && !name.starts_with(b"trusted.")) {
            true => Ok(()),
            false if wanted == Access::READ => Err(Errno::ENODATA),
            false => Err(Errno::EPERM),
        }
    }

    fn set_xattr(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        self.mount().check_writable()?;
        self.check_xattr(lwp, name, Access::WRITE)?;
        self.turn.with(lwp, |()| {
            self.fs_to_change(lwp)
                .set_xattr(lwp, self.number(), name, value, existence)
        })??;
        self.forget_attributes();
        self.happened(lwp, IN_ATTRIB);
        Ok(())
    }
}
