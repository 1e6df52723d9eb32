//! Names of sockets as the system has them.

use std::mem;

use hypercall::SocketName;

/// An address of any family.
pub(super) struct Name {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Name {
    /// Room for an address.
    pub(super) fn empty() -> Name {
        Name {
            // SAFETY: the structure is plain data for which zeros are good.
            storage: unsafe { mem::zeroed() },
            len: mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t,
        }
    }

    /// The address of this name, if it is one.
    pub(super) fn of(name: &SocketName) -> Option<Name> {
        (name.family != SocketName::NONE).then(|| Name::of_any(name))
    }

    /// The address of this name; of none, the one that says so.
    pub(super) fn of_any(name: &SocketName) -> Name {
        let mut it = Name::empty();
        match name.family {
            SocketName::IPV4 => {
                let [a, b, c, d, ..] = name.address;
                let address = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: (name.port as u16).to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes([a, b, c, d]),
                    },
                    sin_zero: [0; 8],
                };
                it.len = mem::size_of_val(&address) as libc::socklen_t;
                // SAFETY: there is room, aligned, for every address.
                unsafe {
                    (&raw mut it.storage)
                        .cast::<libc::sockaddr_in>()
                        .write(address)
                };
            }
            SocketName::IPV6 => {
                let address = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: (name.port as u16).to_be(),
                    sin6_flowinfo: name.flow.to_be(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: name.address,
                    },
                    sin6_scope_id: name.scope,
                };
                it.len = mem::size_of_val(&address) as libc::socklen_t;
                // SAFETY: as above.
                unsafe {
                    (&raw mut it.storage)
                        .cast::<libc::sockaddr_in6>()
                        .write(address)
                };
            }
            family => it.storage.ss_family = family as libc::sa_family_t,
        }
        it
    }

    /// What a call reads: an address, and its length.
    pub(super) fn parts(&self) -> (&libc::sockaddr_storage, libc::socklen_t) {
        (&self.storage, self.len)
    }

    /// What a call fills in.
    pub(super) fn place(&mut self) -> (&mut libc::sockaddr_storage, &mut libc::socklen_t) {
        (&mut self.storage, &mut self.len)
    }

    /// The name that a call filled in.
    pub(super) fn read(&self) -> SocketName {
        let has = |size: usize| self.len as usize >= size;
        match c_int(self.storage.ss_family) {
            libc::AF_INET if has(mem::size_of::<libc::sockaddr_in>()) => {
                // SAFETY: the family says so, and there is as much.
                let address = unsafe { *(&raw const self.storage).cast::<libc::sockaddr_in>() };
                let mut name = SocketName {
                    family: SocketName::IPV4,
                    port: u16::from_be(address.sin_port).into(),
                    ..SocketName::default()
                };
                name.address[..4].copy_from_slice(&address.sin_addr.s_addr.to_ne_bytes());
                name
            }
            libc::AF_INET6 if has(mem::size_of::<libc::sockaddr_in6>()) => {
                // SAFETY: as above.
                let address = unsafe { *(&raw const self.storage).cast::<libc::sockaddr_in6>() };
                SocketName {
                    family: SocketName::IPV6,
                    port: u16::from_be(address.sin6_port).into(),
                    address: address.sin6_addr.s6_addr,
                    flow: u32::from_be(address.sin6_flowinfo),
                    scope: address.sin6_scope_id,
                }
            }
            _ => SocketName::default(),
        }
    }
}

fn c_int(family: libc::sa_family_t) -> libc::c_int {
    family.into()
}
