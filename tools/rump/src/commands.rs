//! The commands, a file each.

pub(crate) mod cat;
pub(crate) mod check;
pub(crate) mod cp;
pub(crate) mod du;
pub(crate) mod find;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mkfs;
pub(crate) mod mount;
pub(crate) mod mv;
pub(crate) mod rm;
pub(crate) mod shell;
pub(crate) mod stat;
pub(crate) mod tar;
pub(crate) mod tree;
