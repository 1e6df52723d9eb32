//! A kernel of this faction, on the simulated platform, with links and a protocol that record: for the unit tests of the
//! faction and, with the feature `testing`, of drivers that stand on it alone.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::sync::Leaf;
use base::{Config, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use hypercall::Offload;

use crate::{Batch, Cidr, Frame, Interface, IpInfo, IpReceiver, Link, Medium, Net, Offloads};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

/// The parameters of base and the faction.
pub const PARAMS: &[ParamSpec] = &[
    param("net", "ip", ParamKind::Text, ""),
    param("net", "gateway", ParamKind::Text, ""),
    param("base", "memory-limit", ParamKind::Bytes, "0"),
];

/// A parameter.
pub const fn param(
    component: &'static str,
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
) -> ParamSpec {
    ParamSpec {
        component,
        name,
        kind,
        default,
        doc: "",
    }
}

/// What the protocol got.
pub struct Recorder {
    pub packets: Leaf<Vec<(Vec<u8>, IpInfo)>>,
    pub unreachable: Leaf<Vec<Vec<u8>>>,
}

impl IpReceiver for Recorder {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, frame: Frame, info: IpInfo) {
        let packet = frame.payload().to_vec();
        self.packets.with(|packets| packets.push((packet, info)));
    }

    fn settle(&self, _: &Lwp<'_>) {}

    fn unreachable(&self, _: &Lwp<'_>, packet: Frame) {
        let packet = packet.payload().to_vec();
        self.unreachable.with(|packets| packets.push(packet));
    }
}

/// A link that keeps what it is to send.
pub struct TestLink {
    medium: Medium,
    loopback: bool,
    offloads: Offloads,
    sent: Leaf<Vec<Vec<u8>>>,
    /// What was said of them.
    said: Leaf<Vec<Offload>>,
    /// The sizes of the batches.
    batches: Leaf<Vec<usize>>,
    /// How many more frames it takes.
    pub room: Leaf<usize>,
}

impl Link for TestLink {
    fn medium(&self) -> Medium {
        self.medium
    }

    fn mtu(&self) -> usize {
        if self.loopback { 65535 } else { 1500 }
    }

    fn is_loopback(&self) -> bool {
        self.loopback
    }

    fn offloads(&self) -> Offloads {
        self.offloads
    }

    fn transmit(&self, _: &Lwp<'_>, net: &Net, _: &Arc<Interface>, frames: &mut Batch) {
        self.batches.with(|batches| batches.push(frames.len()));
        let taken = self.room.with(|room| {
            let taken = frames.len().min(*room);
            *room -= taken;
            taken
        });
        for frame in frames.drain(..taken) {
            let bytes = frame.payload().to_vec();
            self.sent.with(|sent| sent.push(bytes));
            self.said.with(|said| said.push(frame.offload()));
            net.pool().recycle(frame);
        }
    }

    fn transmit_now(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Option<Frame> {
        net.receive_own(lwp, interface, frame);
        None
    }
}

/// An interface on a [`TestLink`].
pub struct Attached {
    pub link: Arc<TestLink>,
    pub interface: Arc<Interface>,
}

impl Attached {
    /// What was sent since the last look.
    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.sent_with().into_iter().map(|(sent, _)| sent).collect()
    }

    /// The same, with what was said of each frame.
    pub fn sent_with(&self) -> Vec<(Vec<u8>, Offload)> {
        self.link.batches.with(Vec::clear);
        let said = self.link.said.with(core::mem::take);
        let sent = self.link.sent.with(core::mem::take);
        sent.into_iter().zip(said).collect()
    }

    pub fn batches(&self) -> Vec<usize> {
        self.link.batches.with(core::mem::take)
    }
}

/// The kernel.
pub struct Host {
    pub kernel: Kernel,
    pub net: Arc<Net>,
    pub protocol: Arc<Recorder>,
}

pub fn boot() -> Host {
    boot_with(&[])
}

pub fn boot_with(params: &[(&str, &str)]) -> Host {
    boot_system(&SYSTEM, params)
}

/// A kernel of other components than base and the faction, in a new world.
pub fn boot_system(system: &'static System, params: &[(&str, &str)]) -> Host {
    sim::reset(1);
    let kernel = Kernel::boot(system, &config(params)).unwrap();
    let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
    let protocol = Arc::new(Recorder {
        packets: Leaf::new(Vec::new()),
        unreachable: Leaf::new(Vec::new()),
    });
    net.set_receiver(protocol.clone());
    Host {
        kernel,
        net,
        protocol,
    }
}

pub fn boot_error(params: &[(&str, &str)]) -> String {
    sim::reset(1);
    let error = Kernel::boot(&SYSTEM, &config(params)).err();
    error.unwrap().to_string()
}

fn config(params: &[(&str, &str)]) -> Config {
    params.iter().fold(Config::new(), |config, (name, value)| {
        config.param(name, value)
    })
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Host {
    pub fn in_kernel<R>(&self, f: impl FnOnce(&Lwp<'_>, &Net) -> R) -> R {
        enter(self.kernel.process(), |lwp| Ok(f(lwp, &self.net))).unwrap()
    }

    pub fn memory_used(&self) -> usize {
        self.kernel.instance().memory().used()
    }

    fn attach(
        &self,
        prefix: &str,
        medium: Medium,
        offloads: Offloads,
        addresses: &[&str],
    ) -> Attached {
        let link = Arc::new(TestLink {
            medium,
            loopback: prefix == "lo",
            offloads,
            sent: Leaf::new(Vec::new()),
            said: Leaf::new(Vec::new()),
            batches: Leaf::new(Vec::new()),
            room: Leaf::new(usize::MAX),
        });
        let interface = self.in_kernel(|lwp, net| {
            let interface = net.attach(lwp, prefix, link.clone());
            for address in addresses {
                let cidr: Cidr = address.parse().unwrap();
                net.add_address(lwp, &interface, cidr).unwrap();
            }
            interface
        });
        let attached = Attached { link, interface };
        // Announcements are what every interface begins with.
        attached.sent();
        attached
    }

    pub fn ethernet(&self, prefix: &str, addresses: &[&str]) -> Attached {
        self.ethernet_with(prefix, Offloads::default(), addresses)
    }

    pub fn ethernet_with(&self, prefix: &str, offloads: Offloads, addresses: &[&str]) -> Attached {
        self.attach(prefix, Medium::Ethernet, offloads, addresses)
    }

    pub fn loopback(&self) -> Attached {
        let addresses = ["127.0.0.1/8", "::1/128"];
        self.attach("lo", Medium::Ip, Offloads::default(), &addresses)
    }

    /// Has a frame arrive.
    pub fn feed(&self, attached: &Attached, frame: &[u8]) {
        self.in_kernel(|lwp, net| {
            let mut batch = alloc::vec![net.pool().copy_of(frame).unwrap()];
            net.receive(lwp, &attached.interface, &mut batch);
            net.settle(lwp);
        });
    }

    /// Sends a packet and does what a sender owes.
    pub fn send(&self, packet: &[u8]) -> Result<(), base::Errno> {
        self.in_kernel(|lwp, net| {
            let result = net.output(lwp, net.pool().copy_of(packet).unwrap(), None);
            net.flush(lwp);
            result
        })
    }

    /// What the protocol got since the last look.
    pub fn received(&self) -> Vec<(Vec<u8>, IpInfo)> {
        self.protocol.packets.with(core::mem::take)
    }
}

// ---- packets ----

/// The Internet checksum (RFC 1071).
pub fn checksum(sum: u32, bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(sum, |sum, pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        sum + u32::from(u16::from_be_bytes([pair[0], low]))
    })
}

pub fn fold(mut sum: u32) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An IPv4 or IPv6 packet, as the addresses say; `fragment` is IPv4's field of flags and offset.
pub fn packet_with(
    src: &str,
    dst: &str,
    protocol: u8,
    identification: u16,
    fragment: u16,
    data: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    match (ip(src), ip(dst)) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            bytes.extend([0x45, 0]);
            bytes.extend(((20 + data.len()) as u16).to_be_bytes());
            bytes.extend(identification.to_be_bytes());
            bytes.extend(fragment.to_be_bytes());
            bytes.extend([64, protocol, 0, 0]);
            bytes.extend(src.octets());
            bytes.extend(dst.octets());
            let sum = fold(checksum(0, &bytes)).to_be_bytes();
            bytes[10..12].copy_from_slice(&sum);
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            bytes.extend([0x60, 0, 0, 0]);
            bytes.extend((data.len() as u16).to_be_bytes());
            bytes.extend([protocol, 64]);
            bytes.extend(src.octets());
            bytes.extend(dst.octets());
        }
        _ => panic!("addresses of two families"),
    }
    bytes.extend(data);
    bytes
}

pub fn packet(src: &str, dst: &str, protocol: u8, data: &[u8]) -> Vec<u8> {
    packet_with(src, dst, protocol, 0, 0, data)
}

/// An ICMPv6 message with its checksum, as neighbour discovery sends it.
pub fn icmpv6(src: &str, dst: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = packet(src, dst, 58, message);
    bytes[7] = 255;
    bytes[42..44].fill(0);
    let pseudo = checksum(message.len() as u32 + 58, &bytes[8..40]);
    let sum = fold(checksum(pseudo, &bytes[40..])).to_be_bytes();
    bytes[42..44].copy_from_slice(&sum);
    bytes
}

/// A frame.
pub fn ethernet(to: [u8; 6], from: [u8; 6], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(to);
    bytes.extend(from);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(data);
    bytes
}

/// An ARP message (1: request, 2: reply) from a station.
pub fn arp(operation: u8, from: [u8; 6], src: &str, to: [u8; 6], dst: &str) -> Vec<u8> {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (ip(src), ip(dst)) else {
        panic!("ARP is for IPv4");
    };
    let mut bytes = alloc::vec![0, 1, 8, 0, 6, 4, 0, operation];
    bytes.extend(from);
    bytes.extend(src.octets());
    bytes.extend(to);
    bytes.extend(dst.octets());
    bytes
}

/// Numbers from a seed (xorshift64*).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.draw() >> 33) as usize % end
    }
}
