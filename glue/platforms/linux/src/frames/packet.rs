//! An interface of the host's, shared with the host: a packet socket (`packet(7)`) sends and receives Ethernet frames
//! beside it.
//!
//! As on a TAP, virtio's header goes in front of each frame (`PACKET_VNET_HDR`), so checksums and the cutting up of TCP
//! segments are left to the interface. What leaves by the interface, be it ours or the host's, is not received: so
//! the host itself is not reached this way, but all beyond the interface.

mod tag;

use std::ffi::c_int;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use hypercall::{Errno, LinkInfo, Offload, Segment};

use super::{End, LONGEST, Link, interface, offload_bytes};
use tag::{CONTROL, Control, TAG};

/// Frames a call of the system's takes or gives.
const BATCH: usize = 16;
/// What may wait in either direction, in bytes with the system's bookkeeping.
const BUFFER: c_int = 8 << 20;

/// Our end of such an interface.
pub(super) struct PacketSocket {
    socket: OwnedFd,
    mtu: u32,
}

impl PacketSocket {
    /// Listens at the interface. `ENODEV` if there is none of this name, `EINVAL` if it is not of Ethernet, `EPERM`
    /// without the right to packet sockets.
    pub(super) fn open(name: &str) -> Result<PacketSocket, Errno> {
        let index = interface::index(name)?;
        let mtu = interface::mtu(name)?;
        interface::address(name)?;
        // It hears nothing before it is bound.
        let socket = interface::socket(libc::AF_PACKET, libc::SOCK_RAW)?;
        let on: c_int = 1;
        for option in [
            libc::PACKET_VNET_HDR,
            libc::PACKET_AUXDATA,
            libc::PACKET_IGNORE_OUTGOING,
        ] {
            interface::set(&socket, libc::SOL_PACKET, option, &on)?;
        }
        // Our address is another than the interface's.
        let membership = libc::packet_mreq {
            mr_ifindex: index as c_int,
            mr_type: libc::PACKET_MR_PROMISC as u16,
            mr_alen: 0,
            mr_address: [0; 8],
        };
        let option = libc::PACKET_ADD_MEMBERSHIP;
        interface::set(&socket, libc::SOL_PACKET, option, &membership)?;
        for [forced, asked] in [
            [libc::SO_RCVBUFFORCE, libc::SO_RCVBUF],
            [libc::SO_SNDBUFFORCE, libc::SO_SNDBUF],
        ] {
            // Whoever may not have as much has less.
            let _ = interface::set(&socket, libc::SOL_SOCKET, forced, &BUFFER)
                .or_else(|_| interface::set(&socket, libc::SOL_SOCKET, asked, &BUFFER));
        }
        bind(&socket, index)?;
        Ok(PacketSocket { socket, mtu })
    }

    /// Fills up to [`BATCH`] buffers: how many, and how many frames were taken for that; or why none.
    fn take(&self, buffers: &mut [Segment<'_>]) -> Result<(usize, usize), Errno> {
        let offered = buffers.len().min(BATCH);
        let mut offloads = [Offload::default(); BATCH];
        let mut controls = [Control::EMPTY; BATCH];
        let mut parts = [[NO_PART; 2]; BATCH];
        let mut messages = [NO_MESSAGE; BATCH];
        for at in 0..offered {
            let room = buffers[at].buffer();
            // A tag may have to be put in.
            let len = room.len().saturating_sub(TAG);
            parts[at] = [
                part(offload_bytes(&mut offloads[at])),
                part(&mut room[..len]),
            ];
            let header = &mut messages[at].msg_hdr;
            header.msg_iov = parts[at].as_mut_ptr();
            header.msg_iovlen = 2;
            header.msg_control = controls[at].0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL as _;
        }
        // SAFETY: the messages name parts and room for control data that live for the call, and no two the same.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                messages.as_mut_ptr(),
                offered as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let Ok(count) = usize::try_from(count) else {
            return Err(Errno::from_number(crate::last_errno()));
        };
        let mut filled = 0;
        for at in 0..count {
            let message = &messages[at];
            let Some(len) = (message.msg_len as usize).checked_sub(mem::size_of::<Offload>())
            else {
                continue;
            };
            if message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
                continue;
            }
            let mut offload = offloads[at];
            // SAFETY: the system filled it in, and the control data is there.
            let tag = unsafe { tag::of(&message.msg_hdr) };
            if filled < at {
                // One before it was left out.
                let (before, rest) = buffers.split_at_mut(at);
                let room = before[filled].buffer();
                if len + TAG > room.len() {
                    continue;
                }
                room[..len].copy_from_slice(&rest[0].buffer()[..len]);
            }
            let buffer = &mut buffers[filled];
            let len = match tag {
                Some(tag) => tag::put(buffer.buffer(), len, tag, &mut offload),
                None => len,
            };
            buffer.set_len(len);
            buffer.set_offload(offload);
            filled += 1;
        }
        Ok((filled, count))
    }
}

fn bind(socket: &OwnedFd, index: u32) -> Result<(), Errno> {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index as c_int;
    let len = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: reads an address that is there.
    match unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) } {
        0 => Ok(()),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

const NO_PART: libc::iovec = libc::iovec {
    iov_base: std::ptr::null_mut(),
    iov_len: 0,
};

// SAFETY: the structure is plain data for which zeros are good.
const NO_MESSAGE: libc::mmsghdr = unsafe { mem::zeroed() };

fn part(bytes: &mut [u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    }
}

impl End for PacketSocket {
    fn info(&self) -> LinkInfo {
        LinkInfo {
            address: [0; 6],
            medium: LinkInfo::ETHERNET,
            mtu: self.mtu,
            offloads: LinkInfo::CHECKSUM | LinkInfo::TCP4 | LinkInfo::TCP6,
            longest_sent: LONGEST,
            longest_received: LONGEST,
        }
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        link.watch(self.socket.as_fd(), libc::EPOLLIN)
    }

    fn happened(&self, link: &Link, _events: u32) {
        link.arrived.tell();
    }

    fn receive(&self, link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let mut filled = 0;
        while filled < buffers.len() {
            let offered = (buffers.len() - filled).min(BATCH);
            match self.take(&mut buffers[filled..]) {
                Ok((more, taken)) => {
                    filled += more;
                    if taken == offered {
                        continue;
                    }
                }
                Err(Errno::EINTR) => continue,
                // Nothing waits; or the interface went down, or away, which is said once.
                Err(_) => {}
            }
            link.watch_again(self.socket.as_fd(), libc::EPOLLIN);
            break;
        }
        filled
    }

    /// One that the system refuses is lost, as on a cable.
    fn transmit(&self, _link: &Link, frames: &[Segment<'_>]) -> usize {
        let mut taken = 0;
        while taken < frames.len() {
            match send(&self.socket, &frames[taken..]) {
                Ok(sent) => taken += sent,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENETDOWN | Errno::ENXIO) => break,
                Err(_) => taken += 1,
            }
        }
        taken
    }

    fn end(&self, link: &Link) {
        link.forget(self.socket.as_fd());
    }
}

/// Sends up to [`BATCH`] frames: how many, or why the first was not.
fn send(socket: &OwnedFd, frames: &[Segment<'_>]) -> Result<usize, Errno> {
    let offered = frames.len().min(BATCH);
    let mut offloads = [Offload::default(); BATCH];
    let mut parts = [[NO_PART; 2]; BATCH];
    let mut messages = [NO_MESSAGE; BATCH];
    for (at, frame) in frames[..offered].iter().enumerate() {
        offloads[at] = frame.offload();
        let bytes = frame.as_slice();
        parts[at] = [
            part(offload_bytes(&mut offloads[at])),
            libc::iovec {
                // It is only read.
                iov_base: bytes.as_ptr().cast_mut().cast(),
                iov_len: bytes.len(),
            },
        ];
        messages[at].msg_hdr.msg_iov = parts[at].as_mut_ptr();
        messages[at].msg_hdr.msg_iovlen = 2;
    }
    // SAFETY: the messages name parts that live for the call, and are read.
    let count = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            offered as u32,
            libc::MSG_DONTWAIT,
        )
    };
    usize::try_from(count).map_err(|_| Errno::from_number(crate::last_errno()))
}
