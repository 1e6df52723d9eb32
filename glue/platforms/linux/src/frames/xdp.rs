//! An interface of the host's, taken over: an `AF_XDP` socket gets all that arrives in one of its queues before the
//! host's network does, and sends through it.
//!
//! Frames are in memory that we share with the system, and change hands by rings in it. A program of a few
//! instructions leads them to the socket; it is attached as long as its descriptor is open, so it is gone with the
//! process, however that ends.
//!
//! Checksums and long segments are nobody's to leave to others here: neither direction has a place to say so. But a
//! frame out of this machine, over a pair of `veth`, may have a checksum that was never computed: [`checksum`].

mod checksum;
mod memory;
mod program;
mod ring;

use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hypercall::{Errno, LinkInfo, Segment};

use super::{End, Link, interface};
use memory::{CHUNK, CHUNKS, Memory};
use program::Attached;
use ring::Ring;

/// Bytes that the system keeps in front of a frame, and those of an Ethernet header with a tag.
const OVERHEAD: u32 = 256 + 18;
/// How often the system is asked to go on sending while it makes no progress.
const PATIENCE: usize = 3;

/// Our end of such an interface.
pub(super) struct XdpSocket {
    // Dropped in this order: nothing is led to the socket any more, and then it goes.
    _program: Attached,
    socket: OwnedFd,
    input: Mutex<Input>,
    output: Mutex<Output>,
    memory: Memory,
    address: [u8; 6],
    mtu: u32,
}

/// What arrives: frames to be taken, and places for more.
struct Input {
    arrived: Ring<libc::xdp_desc>,
    places: Ring<u64>,
}

/// What leaves: frames to be sent, those that were, and places that are free.
struct Output {
    leaving: Ring<libc::xdp_desc>,
    sent: Ring<u64>,
    free: Vec<u64>,
}

/// The interface and the queue that `NAME?queue=N` means.
fn parse(text: &str) -> Result<(&str, u32), Errno> {
    let Some((name, query)) = text.split_once('?') else {
        return Ok((text, 0));
    };
    let queue = query.strip_prefix("queue=").ok_or(Errno::EINVAL)?;
    Ok((name, queue.parse().map_err(|_| Errno::EINVAL)?))
}

impl XdpSocket {
    /// Takes over a queue of an interface. `ENODEV` if there is no such interface, `ENXIO` if it has no such queue,
    /// `EBUSY` if others have it, `EMSGSIZE` if its packets are too long, `EPERM` without the rights.
    pub(super) fn open(text: &str) -> Result<XdpSocket, Errno> {
        let (name, queue) = parse(text)?;
        let index = interface::index(name)?;
        let mtu = interface::mtu(name)?;
        let address = interface::address(name)?;
        if mtu + OVERHEAD > CHUNK as u32 {
            return Err(Errno::EMSGSIZE);
        }
        let socket = interface::socket(libc::AF_XDP, libc::SOCK_RAW)?;
        let memory = Memory::new()?;
        let region = libc::xdp_umem_reg_v1 {
            addr: memory.address(),
            len: memory.len() as u64,
            chunk_size: CHUNK as u32,
            headroom: 0,
        };
        interface::set(&socket, libc::SOL_XDP, libc::XDP_UMEM_REG, &region)?;
        let rings = ring::Rings::of(&socket, CHUNKS)?;
        let mut input = Input {
            arrived: rings.arrived,
            places: rings.places,
        };
        let (mine, theirs) = memory.chunks();
        for place in theirs {
            input.places.push(place);
        }
        let output = Output {
            leaving: rings.leaving,
            sent: rings.sent,
            free: mine.collect(),
        };
        bind(&socket, index, queue)?;
        let program = Attached::new(index, queue, socket.as_raw_fd())?;
        Ok(XdpSocket {
            _program: program,
            socket,
            input: Mutex::new(input),
            output: Mutex::new(output),
            memory,
            address,
            mtu,
        })
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the system send what is in the ring. It does so a few frames at a time; what it has no room for stays
    /// there, for the next call, and the watch for frames has it try, too.
    fn kick(&self, output: &mut Output) {
        let mut tries = 0;
        while !output.leaving.is_empty() && output.leaving.needs_wakeup() && tries < PATIENCE {
            let before = output.leaving.waiting();
            // SAFETY: no memory is touched.
            let answer = unsafe {
                let flags = libc::MSG_DONTWAIT;
                libc::sendto(
                    self.socket.as_raw_fd(),
                    std::ptr::null(),
                    0,
                    flags,
                    std::ptr::null(),
                    0,
                )
            };
            if answer < 0
                && !matches!(
                    crate::last_errno(),
                    libc::EAGAIN | libc::EBUSY | libc::EINTR
                )
            {
                return;
            }
            if output.leaving.waiting() == before {
                tries += 1;
            }
        }
    }
}

fn bind(socket: &OwnedFd, index: u32, queue: u32) -> Result<(), Errno> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: libc::XDP_USE_NEED_WAKEUP,
        sxdp_ifindex: index,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    let len = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: reads an address that is there.
    match unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) } {
        0 => Ok(()),
        // All else in the address is good.
        _ if crate::last_errno() == libc::EINVAL => Err(Errno::ENXIO),
        _ => Err(Errno::from_number(crate::last_errno())),
    }
}

impl End for XdpSocket {
    fn info(&self) -> LinkInfo {
        LinkInfo {
            // The interface is ours for now, and its filter knows this one.
            address: self.address,
            medium: LinkInfo::ETHERNET,
            mtu: self.mtu,
            offloads: 0,
            longest_sent: 0,
            longest_received: self.mtu,
        }
    }

    fn begin(&self, link: &Link) -> Result<(), Errno> {
        link.watch(self.socket.as_fd(), libc::EPOLLIN)
    }

    fn happened(&self, link: &Link, _events: u32) {
        link.arrived.tell();
    }

    fn receive(&self, link: &Link, buffers: &mut [Segment<'_>]) -> usize {
        let mut input = self.input();
        let mut filled = 0;
        while filled < buffers.len() {
            let Some(arrived) = input.arrived.pop() else {
                break;
            };
            let buffer = &mut buffers[filled];
            // SAFETY: the system gave the place back with the frame, and gets it again below.
            let frame = unsafe { self.memory.get(arrived.addr, arrived.len) };
            let room = buffer.buffer();
            if frame.len() <= room.len() {
                room[..frame.len()].copy_from_slice(frame);
                buffer.set_len(frame.len());
                buffer.set_offload(checksum::left_open(frame));
                filled += 1;
            }
            input.places.push(Memory::chunk_of(arrived.addr));
        }
        if input.places.needs_wakeup() {
            // SAFETY: no memory is touched.
            unsafe {
                let flags = libc::MSG_DONTWAIT;
                let none = std::ptr::null_mut();
                libc::recv(self.socket.as_raw_fd(), none, 0, flags);
            }
        }
        drop(input);
        if filled < buffers.len() {
            link.watch_again(self.socket.as_fd(), libc::EPOLLIN);
        }
        filled
    }

    fn transmit(&self, _link: &Link, frames: &[Segment<'_>]) -> usize {
        let mut output = self.output();
        let mut taken = 0;
        for frame in frames {
            while let Some(place) = output.sent.pop() {
                output.free.push(place);
            }
            let bytes = frame.as_slice();
            if bytes.len() > CHUNK {
                taken += 1;
                continue;
            }
            let Some(place) = output.free.pop() else {
                self.kick(&mut output);
                break;
            };
            // SAFETY: the place is ours until it is in the ring.
            unsafe { self.memory.put(place, bytes) };
            output.leaving.push(libc::xdp_desc {
                addr: place,
                len: bytes.len() as u32,
                options: 0,
            });
            taken += 1;
        }
        self.kick(&mut output);
        taken
    }

    fn end(&self, link: &Link) {
        link.forget(self.socket.as_fd());
    }
}
