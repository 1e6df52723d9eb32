//! The kernel under test, and its neighbours on each link.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use bridge::syscalls::{bradd, ifcreate};
use hypercall::Offload;
use net::{Net, Statistics};
use sim::Wire;
use sockets::{Families, Socket};
use vlan::syscalls::vlan_create;

use crate::packets::{self, ARP, HEADER};

const fn param(
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

const PARAMS: &[ParamSpec] = &[
    // More than the pools keep, and less than what would take long to fill.
    param("base", "memory-limit", ParamKind::Bytes, "32MiB"),
    param("net", "ip", ParamKind::Text, ""),
    param("net", "gateway", ParamKind::Text, ""),
    param("virtif", "virtif", ParamKind::Text, ""),
    param("inet", "tcp-buffer", ParamKind::Bytes, "16KiB"),
    param("inet", "udp-buffer", ParamKind::Bytes, "16KiB"),
    param("inet", "tcp-half-open", ParamKind::Integer, "16"),
    param("resolver", "nameserver", ParamKind::Text, "127.0.0.1"),
    param("resolver", "hosts", ParamKind::Text, ""),
    param("filter", "filter", ParamKind::Text, ""),
    param("filter", "filter-states", ParamKind::Integer, "64"),
];

/// A host on one link.
pub(crate) static HOST: System = System {
    name: "fuzz",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &r#loop::COMPONENT,
        &virtif::COMPONENT,
        &sockets::COMPONENT,
        &inet::COMPONENT,
        &autoconf::COMPONENT,
        &resolver::COMPONENT,
        &wg::COMPONENT,
    ],
    params: PARAMS,
};

/// The same that is a router with all its parts, on four links.
pub(crate) static ROUTER: System = System {
    name: "fuzz",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &r#loop::COMPONENT,
        &virtif::COMPONENT,
        &sockets::COMPONENT,
        &inet::COMPONENT,
        &autoconf::COMPONENT,
        &resolver::COMPONENT,
        &wg::COMPONENT,
        &forward::COMPONENT,
        &filter::COMPONENT,
        &bridge::COMPONENT,
        &vlan::COMPONENT,
    ],
    params: PARAMS,
};

/// What the router's filter does with what comes from 10.1.0.0/24 and fd01::/64, its inside.
const RULES: &str = "nat on virt0 from 10.1.0.0/24; nat on virt0 from fd01::/64; \
     rdr on virt0 inet proto tcp to port 8080 -> 10.1.0.2 port 80; \
     block in on virt1 proto tcp to any port 23; reject in on virt1 proto udp to any port 24; \
     pass in on virt0 proto tcp to any port 80-81";

/// Whether all that leaves is looked at; or only what the kernel itself says, since it sends on what others said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sends {
    Own,
    Others,
}

/// One end of a link that is not the kernel's.
struct Link {
    wire: Wire,
    /// The kernel's address on it.
    us: [u8; 6],
}

/// The kernel.
pub(crate) struct Host {
    pub(crate) kernel: Kernel,
    pub(crate) net: Arc<Net>,
    links: Vec<Link>,
    sends: Sends,
    /// Whether neighbours say who they are.
    pub(crate) answers: bool,
    /// The last frames that it sent, with the link's number.
    pub(crate) sent: VecDeque<(usize, Vec<u8>)>,
}

/// How many of them are remembered.
const REMEMBERED: usize = 64;

/// The neighbour on a link.
pub(crate) fn station(link: usize) -> [u8; 6] {
    [2, 0, 0, 0, 1, link as u8]
}

/// The addresses of the neighbour on a link (2), and of the kernel (1).
pub(crate) fn v4(link: usize, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, link as u8, 0, host)
}

pub(crate) fn v6(link: usize, host: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00 + link as u16, 0, 0, 0, 0, 0, 0, host.into())
}

impl Host {
    /// A host on a link with these properties, which `ip` configures in addition to its own addresses.
    pub(crate) fn alone(properties: &str, ip: &str) -> Host {
        sim::reset(1);
        let url = format!("wire:0{properties}");
        let params = [("virtif", &url[..]), ("ip", ip)];
        let mut host = Host::boot(&HOST, Sends::Own, &["0"], &params);
        host.addresses("virt0", [v4(0, 1).into(), v6(0, 1).into()]);
        host.settle();
        host
    }

    /// The neighbour of such a host in the same world, on a link of its own.
    pub(crate) fn peer() -> Host {
        let params = [("virtif", "wire:peer")];
        let mut host = Host::boot(&HOST, Sends::Own, &["peer"], &params);
        host.addresses("virt0", [v4(0, 2).into(), v6(0, 2).into()]);
        host.settle();
        host
    }

    /// A router: the third and the fourth of its links are a bridge; on the first there is a VLAN, too.
    pub(crate) fn router() -> Host {
        sim::reset(1);
        let links = "wire:0,wire:1?offloads=all,wire:2,wire:3";
        let params = [("virtif", links), ("ip", "auto"), ("filter", RULES)];
        let wires = ["0", "1", "2", "3"];
        let mut host = Host::boot(&ROUTER, Sends::Others, &wires, &params);
        host.enter(|lwp| {
            ifcreate(lwp, "bridge0".into())?;
            bradd(lwp, "bridge0".into(), "virt2".into())?;
            bradd(lwp, "bridge0".into(), "virt3".into())?;
            vlan_create(lwp, "virt0".into(), 7)?;
            Ok(())
        })
        .unwrap();
        for (interface, link) in [("virt0", 0), ("virt1", 1), ("bridge0", 2), ("virt0.7", 7)] {
            host.addresses(interface, [v4(link, 1).into(), v6(link, 1).into()]);
        }
        host.settle();
        host
    }

    fn boot(
        system: &'static System,
        sends: Sends,
        wires: &[&str],
        params: &[(&str, &str)],
    ) -> Host {
        let mut config = Config::new();
        for (name, value) in params {
            config = config.param(name, value);
        }
        let kernel = Kernel::boot(system, &config).unwrap();
        let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
        let interfaces = net.interfaces().into_iter();
        let links = interfaces.filter(|it| it.name().starts_with("virt"));
        let links = links.zip(wires).map(|(interface, wire)| Link {
            wire: Wire::open(wire),
            us: interface.hardware_address(),
        });
        Host {
            kernel,
            net,
            links: links.collect(),
            sends,
            answers: true,
            sent: VecDeque::new(),
        }
    }

    /// Gives an interface its addresses.
    fn addresses(&self, interface: &str, [v4, v6]: [IpAddr; 2]) {
        self.enter(|lwp| {
            let interface = self.net.interface(interface)?;
            for (address, prefix) in [(v4, 24), (v6, 64)] {
                let cidr = net::Cidr::new(address, prefix)?;
                self.net.add_address(lwp, &interface, cidr)?;
            }
            self.net.flush(lwp);
            Ok(())
        })
        .unwrap();
    }

    /// Lets pass what comes with new addresses.
    fn settle(&mut self) {
        self.pass(3_000_000_000);
        self.sent.clear();
    }

    pub(crate) fn enter<R>(
        &self,
        f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        enter(self.kernel.process(), f)
    }

    pub(crate) fn socket(
        &self,
        family: u16,
        kind: u32,
        protocol: u32,
    ) -> Result<Arc<dyn Socket>, Errno> {
        self.enter(|lwp| {
            let served = lwp.state::<Families>()?.get(family);
            served
                .ok_or(Errno::EAFNOSUPPORT)?
                .socket(lwp, kind, protocol)
        })
    }

    pub(crate) fn links(&self) -> usize {
        self.links.len()
    }

    /// The kernel's hardware address on a link.
    pub(crate) fn us(&self, link: usize) -> [u8; 6] {
        self.links[link].us
    }

    /// Has a frame arrive, with what is said of it, and takes what the kernel has to say.
    pub(crate) fn hear(&mut self, link: usize, frame: &[u8], said: Offload) {
        self.links[link].wire.send_with(frame, said);
        self.pass(1_000);
    }

    /// Has a packet arrive that the neighbour sends.
    pub(crate) fn hear_packet(&mut self, link: usize, packet: &[u8]) {
        let frame = packets::around(self.us(link), station(link), packet);
        self.hear(link, &frame, Offload::default());
    }

    /// Lets time pass, while the neighbours say who they are.
    pub(crate) fn pass(&mut self, span: u64) {
        sim::advance(span);
        // An answer is followed by what waited for it.
        for _ in 0..8 {
            if !self.listen() {
                return;
            }
            sim::advance(1_000);
        }
    }

    /// Takes what was sent. Whether there is an answer on its way.
    fn listen(&mut self) -> bool {
        let mut answered = false;
        for number in 0..self.links.len() {
            while let Some(frame) = self.links[number].wire.receive() {
                self.check(&frame);
                if self.answers
                    && let Some(answer) = introduction(number, self.links[number].us, &frame)
                {
                    self.links[number].wire.send(&answer);
                    answered = true;
                }
                if self.sent.len() == REMEMBERED {
                    self.sent.pop_front();
                }
                self.sent.push_back((number, frame));
            }
        }
        answered
    }

    fn check(&self, frame: &[u8]) {
        assert!(frame.len() >= HEADER, "a frame that is none: {frame:02x?}");
        let kind = u16::from_be_bytes([frame[12], frame[13]]);
        if self.sends == Sends::Own && matches!(kind, packets::IPV4 | packets::IPV6) {
            packets::check(&frame[HEADER..]);
        }
    }

    /// What is charged to the kernel beside the spare buffers of its pool, which it gives up for that.
    pub(crate) fn memory(&self) -> usize {
        let account = self.kernel.instance().memory();
        for len in [1, 1500, 10_000, 65_535] {
            loop {
                let before = account.used();
                let frame = self.net.pool().get(len);
                if frame.is_err() || account.used() > before {
                    break;
                }
            }
        }
        account.used()
    }

    /// Frames that arrived and were dropped: what a test wants to know whether something got through.
    #[allow(dead_code)]
    pub(crate) fn statistics(&self, interface: &str) -> Statistics {
        self.net.interface(interface).unwrap().statistics()
    }

    /// Asks for an echo, and panics if there is none.
    pub(crate) fn ping(&mut self) {
        for (src, dst, protocol, kind, answer) in [
            (IpAddr::from(v4(0, 2)), IpAddr::from(v4(0, 1)), 1, 8, 0),
            (v6(0, 2).into(), v6(0, 1).into(), 58, 128, 129),
        ] {
            let message = [kind, 0, 0, 0, 0xab, 0xcd, 0, 1, b'f', b'u', b'z', b'z'];
            let mut packet = packets::ip(src, dst, protocol, &message);
            packets::fix(&mut packet);
            self.sent.clear();
            self.hear_packet(0, &packet);
            // A neighbour that was given up is asked for again.
            self.pass(10_000_000_000);
            let answered = self.sent.iter().any(|(_, frame)| {
                let packet = &frame[HEADER..];
                packets::look(packet).is_some_and(|seen| {
                    let data = &packet[seen.data];
                    seen.src == dst && data.first() == Some(&answer) && data[4..] == message[4..]
                })
            });
            assert!(answered, "no answer from {dst}; it sent {:02x?}", self.sent);
        }
    }
}

/// What the neighbour on a link says to a question who has an address: it has all but those of the kernel.
fn introduction(link: usize, us: [u8; 6], frame: &[u8]) -> Option<Vec<u8>> {
    let (kind, packet) = (u16::from_be_bytes([frame[12], frame[13]]), &frame[HEADER..]);
    let me = station(link);
    if kind == ARP {
        let (asks, from, target) = (packet.get(6..8)?, packet.get(14..18)?, packet.get(24..28)?);
        if asks != [0, 1] || from == target || from == [0; 4] {
            return None;
        }
        let mut answer = vec![0, 1, 8, 0, 6, 4, 0, 2];
        answer.extend(me);
        answer.extend(target);
        answer.extend(us);
        answer.extend(from);
        return Some(packets::frame(us, me, ARP, &answer));
    }
    let seen = packets::look(packet)?;
    let (IpAddr::V6(asker), [135, _, _, _, _, _, _, _, rest @ ..]) = (seen.src, &packet[seen.data])
    else {
        return None;
    };
    let target: [u8; 16] = *rest.first_chunk()?;
    // Who asks from no address wants to know whether it may have this one.
    if asker.is_unspecified() {
        return None;
    }
    let mut message = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
    message.extend(target);
    message.extend([2, 1]);
    message.extend(me);
    let mut answer = packets::ipv6([target.into(), asker], 58, 255, &message);
    packets::fix(&mut answer);
    Some(packets::around(us, me, &answer))
}
