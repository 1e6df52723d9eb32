//! An Ethernet segment that joins kernels: `bus:NAME` in this process, `bus:PATH`, with a slash, in a file that
//! processes share.
//!
//! Frames go to whoever their address was last heard from, and to all where it is a group's or not known. What
//! does not fit into the queue of a member is lost to that member: nobody waits for anybody. Nothing is computed
//! on a segment that would only be undone at its other end: checksums stay open, and long TCP segments whole.

mod local;
mod shared;
mod stations;

use hypercall::{Errno, LinkInfo};

use super::End;

/// What Ethernet has unless told otherwise.
const MTU: u32 = 1500;
/// The longest IPv6 packet without jumbo option.
const LONGEST: u32 = 65535 + 40;

/// What every segment is like.
const INFO: LinkInfo = LinkInfo {
    address: [0; 6],
    medium: LinkInfo::ETHERNET,
    mtu: MTU,
    offloads: LinkInfo::CHECKSUM | LinkInfo::TCP4 | LinkInfo::TCP6,
    longest_sent: LONGEST,
    longest_received: LONGEST,
};

/// A place on the segment of this name, which is made if there is none yet.
pub(super) fn open(name: &str) -> Result<Box<dyn End>, Errno> {
    match name {
        "" => Err(Errno::EINVAL),
        path if path.contains('/') => Ok(Box::new(shared::Member::join(path)?)),
        name => Ok(Box::new(local::Member::join(name))),
    }
}

#[cfg(test)]
mod tests;
