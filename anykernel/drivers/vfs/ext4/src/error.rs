//! The crate's errors as error numbers.

use base::Errno;
use rsext4::{Ext4Error, Ext4ErrorKind as Kind};

/// The number nearest to an error.
pub(crate) fn errno(error: Ext4Error) -> Errno {
    match error.kind() {
        Kind::Io | Kind::JournalAborted => Errno::EIO,
        Kind::Corrupted | Kind::ChecksumMismatch | Kind::BadSuperblock | Kind::InvalidMagic => {
            Errno::EUCLEAN
        }
        Kind::UnsupportedFeature | Kind::UnsupportedCapability | Kind::Unsupported => {
            Errno::EOPNOTSUPP
        }
        Kind::ReadOnly => Errno::EROFS,
        Kind::NoSpace => Errno::ENOSPC,
        Kind::NoMemory => Errno::ENOMEM,
        Kind::QuotaExceeded => Errno::EDQUOT,
        Kind::TooManyLinks => Errno::EMLINK,
        Kind::PermissionDenied => Errno::EPERM,
        Kind::NotFound => Errno::ENOENT,
        Kind::AlreadyExists => Errno::EEXIST,
        Kind::NotDirectory => Errno::ENOTDIR,
        Kind::IsDirectory => Errno::EISDIR,
        Kind::NotEmpty => Errno::ENOTEMPTY,
        Kind::Busy => Errno::EBUSY,
        Kind::BadFileDescriptor | Kind::InvalidInput => Errno::EINVAL,
        Kind::Overflow => Errno::EOVERFLOW,
        Kind::FileTooLarge => Errno::EFBIG,
        Kind::Timeout => Errno::ETIMEDOUT,
    }
}
