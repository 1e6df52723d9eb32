//! Putting fragments together (RFC 791, RFC 8200 § 4.5).
//!
//! Pieces wait in the buffers they came in. Their number and memory are bounded, for the instance and for
//! a datagram; the oldest datagram makes room. A datagram with overlapping pieces is discarded as a
//! whole, and so is what comes for it later (RFC 5722), since overlaps serve attacks only; that goes for
//! IPv4 too.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::net::IpAddr;

use base::Lwp;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6ExtHeader, Ipv6FragmentHeader, Ipv6Packet};

use crate::fragment::IPV6_FRAGMENT;
use crate::input::IPV6_HEADER;
use crate::{Batch, Frame, Interface, IpInfo, IpReceiver, Net, Reason};

/// Datagrams that wait for pieces.
const MOST_DATAGRAMS: usize = 64;
/// Pieces of one datagram: the largest one over the smallest usual MTU.
const MOST_PIECES: usize = 128;
/// Bytes of the buffers that pieces wait in.
const MOST_MEMORY: usize = 1 << 20;
/// How long a datagram waits for its rest (RFC 791 § 3.2, RFC 8200 § 4.5).
const PATIENCE_IPV4: u64 = 30_000_000_000;
const PATIENCE_IPV6: u64 = 60_000_000_000;
/// The most an IP packet carries.
const LONGEST: usize = 65535;

/// What the fragments of one datagram share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) identification: u32,
    /// For IPv4; IPv6 does not tell datagrams apart by it.
    pub(crate) protocol: u8,
}

/// What a packet says about the piece it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) place: Place,
    /// Where the piece begins in the datagram's data.
    pub(crate) offset: usize,
    pub(crate) more: bool,
    /// Bytes in front of the piece.
    pub(crate) header_len: usize,
}

impl Fragment {
    /// Whether it is no piece but everything.
    pub(crate) fn is_whole(&self) -> bool {
        self.offset == 0 && !self.more
    }

    /// Reads IPv6's fragment header: what it says, and the protocol behind it.
    pub(crate) fn of_ipv6(packet: &[u8], info: &IpInfo) -> Option<(Self, u8)> {
        let bytes = packet.get(IPV6_HEADER..IPV6_HEADER + IPV6_FRAGMENT)?;
        let protocol = Ipv6ExtHeader::new_unchecked(bytes).next_header();
        let header = Ipv6FragmentHeader::new_checked(&bytes[2..]).ok()?;
        let fragment = Fragment {
            place: Place {
                src: info.src,
                dst: info.dst,
                identification: header.ident(),
                protocol: 0,
            },
            offset: usize::from(header.frag_offset()) * 8,
            more: header.more_frags(),
            header_len: IPV6_HEADER + IPV6_FRAGMENT,
        };
        Some((fragment, protocol.into()))
    }
}

struct Piece {
    start: usize,
    end: usize,
    header_len: usize,
    frame: Frame,
}

struct Datagram {
    place: Place,
    /// Pieces that do not overlap, by where they begin.
    pieces: Vec<Piece>,
    /// Length of the data, once the last piece is here.
    total: Option<usize>,
    /// What the first piece says; its protocol counts.
    info: IpInfo,
    /// It had overlapping pieces: nothing will come of it.
    spoilt: bool,
    interface: u32,
    deadline: u64,
}

/// What came of a fragment.
pub(crate) enum Outcome {
    /// It waits for the rest.
    Waits,
    /// The datagram is complete: its pieces in order.
    Complete(Whole),
    /// It does not fit, or too much does not fit.
    Refused(Batch),
}

/// A datagram in pieces, in order and without holes.
pub(crate) struct Whole {
    pieces: Vec<Piece>,
    total: usize,
    info: IpInfo,
}

pub(crate) struct Reassembly {
    datagrams: Vec<Datagram>,
    /// Bytes of the buffers that pieces wait in.
    memory: usize,
    /// The time the timer is set to.
    armed: u64,
}

impl Default for Reassembly {
    fn default() -> Self {
        Reassembly {
            datagrams: Vec::new(),
            memory: 0,
            armed: u64::MAX,
        }
    }
}

impl Reassembly {
    /// Takes a piece. Also gives the pieces of datagrams that had to make room, by interface.
    pub(crate) fn add(
        &mut self,
        interface: u32,
        frame: Frame,
        fragment: Fragment,
        info: IpInfo,
        now: u64,
    ) -> (Outcome, Vec<(u32, Batch)>) {
        let mut evicted = Vec::new();
        let end = fragment.offset + frame.len().saturating_sub(fragment.header_len);
        let empty = end == fragment.offset;
        if empty || end > LONGEST || (fragment.more && !end.is_multiple_of(8)) {
            return (Outcome::Refused(alloc::vec![frame]), evicted);
        }
        let size = frame.capacity();
        while !self.datagrams.is_empty() && self.memory + size > MOST_MEMORY {
            evicted.push(self.remove(0));
        }
        let at = self
            .datagrams
            .iter()
            .position(|d| d.place == fragment.place);
        let at = at.unwrap_or_else(|| {
            if self.datagrams.len() >= MOST_DATAGRAMS {
                evicted.push(self.remove(0));
            }
            let patience = match fragment.place.src {
                IpAddr::V4(_) => PATIENCE_IPV4,
                IpAddr::V6(_) => PATIENCE_IPV6,
            };
            self.datagrams.push(Datagram {
                place: fragment.place,
                pieces: Vec::new(),
                total: None,
                info,
                spoilt: false,
                interface,
                deadline: now + patience,
            });
            self.datagrams.len() - 1
        });
        let piece = Piece {
            start: fragment.offset,
            end,
            header_len: fragment.header_len,
            frame,
        };
        match self.datagrams[at].add(piece, fragment.more, info) {
            Ok(()) => self.memory += size,
            Err(refused) => {
                self.memory -= refused[1..].iter().map(Frame::capacity).sum::<usize>();
                return (Outcome::Refused(refused), evicted);
            }
        }
        if !self.datagrams[at].is_complete() {
            return (Outcome::Waits, evicted);
        }
        let datagram = self.datagrams.remove(at);
        self.memory -= datagram.memory();
        let whole = Whole {
            total: datagram.total.unwrap_or_default(),
            pieces: datagram.pieces,
            info: datagram.info,
        };
        (Outcome::Complete(whole), evicted)
    }

    /// Gives up a datagram: its interface, its pieces.
    fn remove(&mut self, at: usize) -> (u32, Batch) {
        let datagram = self.datagrams.remove(at);
        self.memory -= datagram.memory();
        let frames = datagram.pieces.into_iter().map(|piece| piece.frame);
        (datagram.interface, frames.collect())
    }

    /// Gives up what has waited too long.
    fn due(&mut self, now: u64) -> Vec<(u32, Batch)> {
        self.armed = u64::MAX;
        let mut late = Vec::new();
        while let Some(at) = self.datagrams.iter().position(|d| d.deadline <= now) {
            late.push(self.remove(at));
        }
        late
    }

    /// When the timer is to be set, if it is not set to that time or an earlier one.
    fn arm(&mut self) -> Option<u64> {
        let next = self.datagrams.iter().map(|d| d.deadline).min()?;
        if next >= self.armed {
            return None;
        }
        self.armed = next;
        Some(next)
    }
}

impl Datagram {
    /// Takes a piece, or gives it back (first) with all others that fall with it.
    fn add(&mut self, piece: Piece, more: bool, info: IpInfo) -> Result<(), Batch> {
        if self.spoilt || self.pieces.len() >= MOST_PIECES || self.pieces.try_reserve(1).is_err() {
            return Err(alloc::vec![piece.frame]);
        }
        let at = self
            .pieces
            .partition_point(|other| other.start < piece.start);
        let next = self.pieces.get(at);
        // The network may deliver twice.
        if next.is_some_and(|next| next.start == piece.start && next.end == piece.end) {
            return Err(alloc::vec![piece.frame]);
        }
        let before = at.checked_sub(1).map(|at| &self.pieces[at]);
        let overlaps = before.is_some_and(|before| before.end > piece.start)
            || next.is_some_and(|next| piece.end > next.start);
        let furthest = self.pieces.last().map_or(0, |last| last.end);
        let contradicts = match self.total {
            Some(total) => piece.end > total || (!more && piece.end != total),
            None => !more && furthest > piece.end,
        };
        if overlaps || contradicts {
            self.spoilt = true;
            let mut all = alloc::vec![piece.frame];
            all.extend(mem::take(&mut self.pieces).into_iter().map(|p| p.frame));
            return Err(all);
        }
        if !more {
            self.total = Some(piece.end);
        }
        if piece.start == 0 {
            self.info = info;
        }
        self.pieces.insert(at, piece);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let here: usize = self
            .pieces
            .iter()
            .map(|piece| piece.end - piece.start)
            .sum();
        self.total == Some(here)
    }

    fn memory(&self) -> usize {
        self.pieces.iter().map(|piece| piece.frame.capacity()).sum()
    }
}

impl Net {
    pub(crate) fn fragment_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Option<&Arc<dyn IpReceiver>>,
        mut frame: Frame,
        fragment: Fragment,
        info: IpInfo,
    ) -> Result<(), (Frame, Reason)> {
        if fragment.is_whole() {
            // IPv6 only: a fragment header for nothing, not to be mixed with others (RFC 6946).
            let Ok(header) = <[u8; IPV6_HEADER]>::try_from(&frame.payload()[..IPV6_HEADER]) else {
                return Err((frame, Reason::Malformed));
            };
            frame.trim_front(IPV6_FRAGMENT);
            frame.payload_mut()[..IPV6_HEADER].copy_from_slice(&header);
            complete_ipv6_header(&mut frame, info.protocol);
            return self.deliver_reassembled(lwp, interface, receiver, frame, info);
        }
        let now = lwp.now();
        let (outcome, evicted) = self
            .reassembly
            .with(|r| r.add(interface.index(), frame, fragment, info, now));
        self.drop_pieces(evicted);
        match outcome {
            Outcome::Waits => {
                self.arm_reassembly_timer(lwp);
                Ok(())
            }
            Outcome::Refused(frames) => {
                self.drop_pieces(alloc::vec![(interface.index(), frames)]);
                Ok(())
            }
            Outcome::Complete(whole) => {
                let info = whole.info;
                let put_together = self.put_together(&whole);
                self.pool()
                    .recycle_all(&mut whole.pieces.into_iter().map(|p| p.frame).collect());
                match put_together {
                    Some(frame) => self.deliver_reassembled(lwp, interface, receiver, frame, info),
                    None => {
                        interface.count_dropped(Reason::NoMemory, 1);
                        Ok(())
                    }
                }
            }
        }
    }

    fn deliver_reassembled(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        receiver: Option<&Arc<dyn IpReceiver>>,
        frame: Frame,
        mut info: IpInfo,
    ) -> Result<(), (Frame, Reason)> {
        info.in_pieces = true;
        let kind = frame.payload().get(info.payload_offset);
        // Neighbour discovery in fragments is an attack (RFC 6980).
        if info.protocol == u8::from(IpProtocol::Icmpv6)
            && kind.is_some_and(|kind| (133..=137).contains(kind))
            || info.src.is_unspecified()
        {
            return Err((frame, Reason::Fragment));
        }
        self.packet_input(lwp, interface, receiver, frame, info, None)
    }

    /// One packet out of the pieces, with the header of the first.
    fn put_together(&self, whole: &Whole) -> Option<Frame> {
        let first = whole.pieces.first()?;
        let header_len = whole.info.payload_offset;
        let mut frame = self.pool().get(header_len + whole.total).ok()?;
        let bytes = frame.payload_mut();
        bytes[..header_len].copy_from_slice(&first.frame.payload()[..header_len]);
        for piece in &whole.pieces {
            let data = &piece.frame.payload()[piece.header_len..];
            bytes[header_len + piece.start..header_len + piece.end].copy_from_slice(data);
        }
        if whole.info.src.is_ipv6() {
            complete_ipv6_header(&mut frame, whole.info.protocol);
        } else {
            let total_len = u16::try_from(frame.len()).ok()?;
            let mut header = Ipv4Packet::new_unchecked(frame.payload_mut());
            header.set_total_len(total_len);
            header.clear_flags();
            header.set_frag_offset(0);
            header.fill_checksum();
        }
        Some(frame)
    }

    fn drop_pieces(&self, pieces: Vec<(u32, Batch)>) {
        for (index, mut frames) in pieces {
            if let Some(interface) = self.interface_by_index(index) {
                interface.count_dropped(Reason::Fragment, frames.len());
            }
            self.pool().recycle_all(&mut frames);
        }
    }

    fn arm_reassembly_timer(&self, lwp: &Lwp<'_>) {
        if let Some(at) = self.reassembly.with(Reassembly::arm) {
            self.reassembly_timer.set(lwp, at);
        }
    }

    /// The timer: gives up what waited too long.
    pub(crate) fn reassembly_due(&self, lwp: &Lwp<'_>) {
        let now = lwp.now();
        let late = self.reassembly.with(|reassembly| reassembly.due(now));
        self.drop_pieces(late);
        self.arm_reassembly_timer(lwp);
    }
}

/// Sets what changes in the header of an IPv6 packet that loses its fragment header.
fn complete_ipv6_header(frame: &mut Frame, protocol: u8) {
    let payload_len = frame.len().saturating_sub(IPV6_HEADER);
    let mut header = Ipv6Packet::new_unchecked(frame.payload_mut());
    header.set_next_header(protocol.into());
    header.set_payload_len(payload_len as u16);
}

#[cfg(test)]
mod tests;
