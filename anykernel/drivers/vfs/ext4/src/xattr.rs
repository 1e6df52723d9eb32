//! Names of extended attributes, which are stored with a number for what they begin with.

use alloc::vec::Vec;

use base::Errno;
use rsext4::{XattrName, XattrNamespace as Space};

const PREFIXES: &[(&[u8], Space)] = &[
    (b"user.", Space::User),
    (b"trusted.", Space::Trusted),
    (b"security.", Space::Security),
    (b"system.", Space::System),
];

/// Whole names that have a number of their own.
const WHOLE: &[(&[u8], Space)] = &[
    (b"system.posix_acl_access", Space::PosixAclAccess),
    (b"system.posix_acl_default", Space::PosixAclDefault),
];

/// The space that a name is in, and the rest of it. `EOPNOTSUPP` if there is no such space.
pub(crate) fn split(name: &[u8]) -> Result<(Space, &[u8]), Errno> {
    let whole = WHOLE.iter().find(|(text, _)| *text == name);
    if let Some((_, space)) = whole {
        return Ok((*space, b""));
    }
    let mut prefixes = PREFIXES.iter();
    let found = prefixes.find_map(|(prefix, space)| {
        let rest = name.strip_prefix(*prefix)?;
        (!rest.is_empty()).then_some((*space, rest))
    });
    found.ok_or(Errno::EOPNOTSUPP)
}

/// The name as users know it, if they do.
pub(crate) fn join(name: &XattrName) -> Option<Vec<u8>> {
    let mut all = WHOLE.iter().chain(PREFIXES);
    let (start, _) = all.find(|(_, space)| *space == name.namespace)?;
    Some([start, &name.name[..]].concat())
}
