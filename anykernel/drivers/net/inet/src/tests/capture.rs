//! What a capture of an interface shows: the packets, taken apart.

use super::*;

use net::Capture;
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, TcpRepr, UdpPacket};

/// A capture of `virt0`.
pub(super) struct Watch<'a> {
    host: &'a Host,
    capture: Arc<Capture>,
    /// The file's header was read.
    begun: core::cell::Cell<bool>,
}

/// A packet of TCP, UDP or another protocol, as it was on the link.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// When, in nanoseconds.
    pub(super) at: u64,
    pub(super) source: Option<IpAddr>,
    pub(super) protocol: u8,
    pub(super) hop_limit: u8,
    pub(super) class: u8,
    pub(super) may_be_cut: bool,
    pub(super) is_fragment: bool,
    /// Its length, with the IP header.
    pub(super) len: usize,
    pub(super) ports: [u16; 2],
    pub(super) data: usize,
    pub(super) segment: Segment,
}

/// What only TCP has.
#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    pub(super) seq: u32,
    pub(super) syn: bool,
    pub(super) fin: bool,
    pub(super) rst: bool,
    pub(super) window: u16,
    pub(super) max_segment: Option<u16>,
    pub(super) window_scale: Option<u8>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(host: &'a Host) -> Self {
        let capture = host.enter(|lwp| {
            let interface = host.net.interface("virt0")?;
            host.net.capture(lwp, &interface)
        });
        Watch {
            host,
            capture: capture.unwrap(),
            begun: Default::default(),
        }
    }

    /// All packets since the last look.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let mut bytes = alloc::vec![0; 1 << 20];
        let len = self.host.enter(|lwp| {
            let mut place = UserOut::from(&mut bytes[..]).into();
            Ok(base::File::try_read(&*self.capture, lwp, &mut place).unwrap_or(0))
        });
        let mut records = &bytes[..len.unwrap()];
        if !self.begun.replace(true) {
            records = &records[24..];
        }
        let mut all = Vec::new();
        while let Some((head, rest)) = records.split_at_checked(16) {
            let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            let (frame, rest) = rest.split_at(word(8) as usize);
            let at = u64::from(word(0)) * 1_000_000_000 + u64::from(word(4));
            all.extend(packet(&frame[14..]).map(|seen| Seen { at, ..seen }));
            records = rest;
        }
        all
    }

    /// Those of them that our end of a connection, or our socket, sent.
    pub(super) fn sent_by(&self, socket: &Sock) -> Vec<Seen> {
        let mut all = self.seen();
        all.retain(|seen| {
            seen.ports[0] == port(socket.local()) && seen.source.is_some_and(|it| self.is_own(it))
        });
        all
    }

    fn is_own(&self, addr: IpAddr) -> bool {
        let own = self.host.enter(|lwp| Ok(self.host.net.is_local(lwp, addr)));
        own.unwrap()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let closed = self.host.enter(|lwp| {
            base::File::close(&*self.capture, lwp);
            Ok(())
        });
        closed.unwrap();
    }
}

/// Takes apart what is IPv4 or IPv6.
fn packet(packet: &[u8]) -> Option<Seen> {
    let (mut seen, payload) = match packet[0] >> 4 {
        4 => {
            let ip = Ipv4Packet::new_checked(packet).ok()?;
            assert!(ip.verify_checksum());
            let seen = Seen {
                source: Some(ip.src_addr().into()),
                protocol: ip.next_header().into(),
                hop_limit: ip.hop_limit(),
                class: packet[1],
                may_be_cut: !ip.dont_frag(),
                is_fragment: ip.more_frags() || ip.frag_offset() > 0,
                len: ip.total_len().into(),
                ..Seen::default()
            };
            (
                seen,
                &packet[usize::from(ip.header_len())..ip.total_len().into()],
            )
        }
        6 => {
            let ip = Ipv6Packet::new_checked(packet).ok()?;
            let seen = Seen {
                source: Some(ip.src_addr().into()),
                protocol: ip.next_header().into(),
                hop_limit: ip.hop_limit(),
                class: ip.traffic_class(),
                is_fragment: ip.next_header() == IpProtocol::Ipv6Frag,
                len: ip.total_len(),
                ..Seen::default()
            };
            (seen, &packet[40..ip.total_len()])
        }
        _ => return None,
    };
    if seen.is_fragment {
        return Some(seen);
    }
    match IpProtocol::from(seen.protocol) {
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(payload).unwrap();
            let any = smoltcp::wire::IpAddress::v4(0, 0, 0, 0);
            let unchecked = smoltcp::phy::ChecksumCapabilities::ignored();
            let repr = TcpRepr::parse(&tcp, &any, &any, &unchecked).unwrap();
            seen.ports = [tcp.src_port(), tcp.dst_port()];
            seen.data = tcp.payload().len();
            seen.segment = Segment {
                seq: tcp.seq_number().0 as u32,
                syn: tcp.syn(),
                fin: tcp.fin(),
                rst: tcp.rst(),
                window: tcp.window_len(),
                max_segment: repr.max_seg_size,
                window_scale: repr.window_scale,
            };
        }
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(payload).unwrap();
            seen.ports = [udp.src_port(), udp.dst_port()];
            seen.data = udp.payload().len();
        }
        _ => {}
    }
    Some(seen)
}
