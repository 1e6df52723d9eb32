//! Advertisements for tests.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

/// One that grows.
pub(crate) struct Message(Vec<u8>);

impl Message {
    /// Without options, from a router that is one for so many seconds.
    pub(crate) fn new(router: u16) -> Self {
        let mut bytes = [134, 0, 0, 0, 64, 0].to_vec();
        bytes.extend(router.to_be_bytes());
        bytes.extend([0; 8]);
        Message(bytes)
    }

    pub(crate) fn mtu(mut self, mtu: u32) -> Self {
        self.0.extend([5, 1, 0, 0]);
        self.0.extend(mtu.to_be_bytes());
        self
    }

    /// Flags: 0x80 on the link, 0x40 for addresses.
    pub(crate) fn prefix(
        mut self,
        prefix: &str,
        len: u8,
        flags: u8,
        valid: u32,
        preferred: u32,
    ) -> Self {
        self.0.extend([3, 4, len, flags]);
        self.0.extend(valid.to_be_bytes());
        self.0.extend(preferred.to_be_bytes());
        self.0.extend([0; 4]);
        self.0.extend(prefix.parse::<Ipv6Addr>().unwrap().octets());
        self
    }

    pub(crate) fn servers(mut self, lifetime: u32, servers: &[&str]) -> Self {
        self.0.extend([25, 1 + 2 * servers.len() as u8, 0, 0]);
        self.0.extend(lifetime.to_be_bytes());
        for server in servers {
            self.0.extend(server.parse::<Ipv6Addr>().unwrap().octets());
        }
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}
