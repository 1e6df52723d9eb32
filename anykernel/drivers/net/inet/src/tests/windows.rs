//! A connection whose peer uses every byte of every window it was ever offered: see `window`.

use super::*;

use smoltcp::iface::{Config as InterfaceConfig, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::socket::tcp::{Socket as TcpSocket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, IpAddress, IpProtocol, IpRepr, Ipv4Packet, TcpControl, TcpPacket, TcpRepr,
    TcpSeqNumber,
};

use crate::address::{Endpoint, Tuple};
use crate::connection::Path;
use crate::device::Device;

const PEER: IpAddress = IpAddress::v4(10, 0, 0, 9);
const OURS: IpAddress = IpAddress::v4(10, 0, 0, 1);
const SCALE: u8 = 4;

struct Receiver {
    host: Host,
    device: Device,
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    next: TcpSeqNumber,
    acknowledged: TcpSeqNumber,
    /// The farthest edge that was offered, and by how much a window is shifted.
    edge: TcpSeqNumber,
    shift: u8,
    ours: TcpSeqNumber,
}

impl Receiver {
    fn new(buffer: usize) -> Self {
        Receiver::seeded(buffer, 1)
    }

    fn seeded(buffer: usize, seed: u64) -> Self {
        let host = alone();
        let end = |addr: IpAddress, port| Endpoint::new(addr.into(), port);
        let tuple = Tuple {
            local: end(OURS, 80),
            remote: end(PEER, 9),
        };
        let path = Path {
            via: None,
            mtu: 65535,
            longest: 65535,
            local: true,
            first: 0,
        };
        let mut device = Device::new(host.net.clone(), tuple, &path);
        let mut config = InterfaceConfig::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        interface.set_any_ip(true);
        let zeros = |len| SocketBuffer::new(alloc::vec![0; len]);
        let mut socket = TcpSocket::new(zeros(buffer), zeros(1000));
        socket.set_ack_delay(None);
        socket.listen(80).unwrap();
        let mut sockets = SocketSet::new(alloc::vec![]);
        let handle = sockets.add(socket);
        let first = TcpSeqNumber(1000);
        let mut receiver = Receiver {
            host,
            device,
            interface,
            sockets,
            handle,
            next: first,
            acknowledged: first,
            edge: first,
            shift: 0,
            ours: TcpSeqNumber(0),
        };
        receiver.segment(TcpControl::Syn, None, &[]);
        receiver.next += 1;
        let ours = receiver.ours;
        receiver.segment(TcpControl::None, Some(ours), &[]);
        receiver
    }

    /// Sends it a segment, and hears what it answers.
    fn segment(&mut self, control: TcpControl, ack_number: Option<TcpSeqNumber>, payload: &[u8]) {
        let repr = TcpRepr {
            src_port: 9,
            dst_port: 80,
            control,
            seq_number: self.next,
            ack_number,
            window_len: 1000,
            window_scale: (control == TcpControl::Syn).then_some(SCALE),
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload,
        };
        let ip = IpRepr::new(PEER, OURS, IpProtocol::Tcp, repr.buffer_len(), 64);
        let checksums = ChecksumCapabilities::default();
        let mut frame = self.host.net.pool().get(20 + repr.buffer_len()).unwrap();
        ip.emit(frame.payload_mut(), &checksums);
        let mut packet = TcpPacket::new_unchecked(&mut frame.payload_mut()[20..]);
        repr.emit(&mut packet, &PEER, &OURS, &checksums);
        self.device.arrive(frame, |_| None);
        self.interface
            .poll_ingress_single(Instant::ZERO, &mut self.device, &mut self.sockets);
        self.hear();
    }

    fn hear(&mut self) {
        while self
            .interface
            .poll_egress(Instant::ZERO, &mut self.device, &mut self.sockets)
            == PollResult::SocketStateChanged
        {}
        for mut frame in self.device.out.leaving.drain(..) {
            frame.complete_checksum();
            let ip = Ipv4Packet::new_checked(frame.payload()).unwrap();
            let packet = TcpPacket::new_checked(ip.payload()).unwrap();
            assert!(packet.verify_checksum(&OURS, &PEER));
            let checksums = ChecksumCapabilities::default();
            let repr = TcpRepr::parse(&packet, &OURS, &PEER, &checksums).unwrap();
            if repr.control == TcpControl::Syn {
                self.ours = repr.seq_number + 1;
            }
            self.acknowledged = repr.ack_number.unwrap();
            let edge = self.acknowledged + (usize::from(repr.window_len) << self.shift);
            // The window of a SYN is not shifted.
            self.shift = repr.window_scale.unwrap_or(self.shift);
            self.edge = self.edge.max(edge);
        }
    }

    fn read(&mut self, len: usize) {
        let socket = self.sockets.get_mut::<TcpSocket>(self.handle);
        let _ = socket.recv(|data| (data.len().min(len), ()));
        self.hear();
    }
}

#[test]
fn connections_begin_where_they_are_told_to() {
    for number in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1234_5678] {
        let receiver = Receiver::seeded(1000, crate::sequence::seed_for(number));
        assert_eq!(receiver.ours, TcpSeqNumber(number as i32) + 1);
    }
}

#[test]
fn what_was_offered_is_accepted() {
    for buffer in [65_535, 65_536, 100_001, 262_144, 1_000_003] {
        let mut receiver = Receiver::new(buffer);
        let ours = receiver.ours;
        let mut random = 1u32;
        let mut odd = |most: usize| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            1 + (random >> 8) as usize % most
        };
        let start = receiver.next;
        while receiver.next - start < 20 * buffer {
            // A flight up to the edge, as it was when the flight began.
            let edge = receiver.edge;
            while receiver.next < edge {
                let len = odd(buffer / 3).min(edge - receiver.next).min(60_000);
                receiver.segment(TcpControl::None, Some(ours), &alloc::vec![7; len]);
                receiver.next += len;
                if odd(3) == 1 {
                    receiver.read(odd(20_000));
                }
            }
            assert_eq!(
                receiver.acknowledged, receiver.next,
                "buffer of {buffer} bytes"
            );
            receiver.read(odd(buffer));
            receiver.read(odd(buffer));
        }
    }
}
