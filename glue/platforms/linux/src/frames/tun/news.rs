//! When an interface of the host comes up or goes down: the system says so of all of them at once (`rtnetlink(7)`).

use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

/// News of the host's interfaces.
pub(super) struct News(OwnedFd);

impl News {
    /// From now on, in the network namespace of the calling thread. None where the system has no such thing.
    pub(super) fn open() -> Option<News> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no memory is touched; the descriptor is checked before it is taken.
        let socket = unsafe {
            let socket = libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE);
            (socket >= 0).then(|| OwnedFd::from_raw_fd(socket))?
        };
        // SAFETY: the structure is plain data for which zeros are good.
        let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = libc::RTMGRP_LINK as u32;
        let len = mem::size_of_val(&address) as libc::socklen_t;
        // SAFETY: the address lives for the call.
        let answer = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) };
        (answer == 0).then_some(News(socket))
    }

    /// What is to be watched.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Forgets the news there are; what has changed is to be looked up.
    pub(super) fn take(&self) {
        let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
        // That some were lost (`ENOBUFS`) is news, too.
        // SAFETY: the call writes nothing.
        while unsafe { libc::recv(self.0.as_raw_fd(), ptr::null_mut(), 0, flags) } >= 0
            || crate::last_errno() == libc::ENOBUFS
        {}
    }
}
