//! Cards on the simulated platform: honest ones by every way, and others.

mod hostile;
mod model;
mod traffic;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Config, DeviceSpec, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use net::{Checksum, Frame, Interface, IpInfo, IpReceiver, Net};

use model::{Manner, Network, Way};

static SYSTEM: System = System {
    name: "test",
    devices: &[
        spec("virtio", "pci", &[0x1af4]),
        spec("virtio", "mmio", &[]),
        spec("virtio-net", "virtio", &[1]),
    ],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &hardware::COMPONENT,
        &net::COMPONENT,
        &virtio::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[text("ip", "10.0.0.2/24"), text("gateway", "")],
};

const fn spec(component: &'static str, bus: &'static str, ids: &'static [u32]) -> DeviceSpec {
    DeviceSpec {
        component,
        bus,
        ids,
    }
}

const fn text(name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component: "net",
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

/// The protocol above: it keeps what it got.
struct Recorder(Leaf<Vec<Frame>>);

impl IpReceiver for Recorder {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, frame: Frame, _: IpInfo) {
        self.0.with(|all| all.push(frame));
    }

    fn settle(&self, _: &Lwp<'_>) {}
}

/// A kernel with a card, and the network on the other side of that.
struct Host {
    kernel: Kernel,
    net: Arc<Net>,
    recorder: Arc<Recorder>,
    network: Network,
}

impl Host {
    fn boot(features: u64, way: Way, manner: Manner) -> Self {
        sim::reset(1);
        let network = Network::plug(features, way, manner);
        let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
        let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
        let recorder = Arc::new(Recorder(Leaf::new(Vec::new())));
        net.set_receiver(recorder.clone());
        let host = Host {
            kernel,
            net,
            recorder,
            network,
        };
        sim::advance(1_000_000);
        // Announcements are what every interface begins with.
        host.network.sent();
        host
    }

    fn interface(&self) -> Arc<Interface> {
        self.net.interface("vnet0").unwrap()
    }

    fn log(&self) -> String {
        self.kernel.instance().log_lines().concat()
    }

    /// Sends packets.
    fn send(&self, packets: &[Vec<u8>], checksum: Checksum) {
        self.try_send(packets, checksum).unwrap();
    }

    fn try_send(&self, packets: &[Vec<u8>], checksum: Checksum) -> Result<(), Errno> {
        enter(self.kernel.process(), |lwp| {
            for packet in packets {
                let mut frame = self.net.pool().copy_of(packet)?;
                frame.set_checksum(checksum);
                self.net.output(lwp, frame, None)?;
            }
            self.net.flush(lwp);
            Ok(())
        })
    }

    /// Packets that the protocol got since the last look, and what is known of their checksums.
    fn received(&self) -> Vec<(Vec<u8>, Checksum)> {
        let all = self.recorder.0.with(core::mem::take);
        let known = all.iter();
        known
            .map(|frame| (frame.payload().to_vec(), frame.checksum()))
            .collect()
    }

    /// Ends the kernel. The card must give everything back.
    fn end(self) {
        drop((self.net, self.kernel));
        assert_eq!(sim::devices::lent(), 0);
    }
}

/// A UDP packet to everybody on the network, with a number and `len` bytes in it.
fn packet(number: u16, len: usize) -> Vec<u8> {
    let total = (28 + len) as u16;
    let mut packet = alloc::vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend([0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 255]);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend([0, 9, 0, 9]);
    packet.extend((8 + len as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend((0..len).map(|at| (at % 251) as u8));
    packet
}

/// The same from another station, with an Ethernet header.
fn frame(number: u16, len: usize) -> Vec<u8> {
    let mut frame = alloc::vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
    let mut packet = packet(number, len);
    // Another source address: the checksum goes down by as much.
    packet[15] += 7;
    let sum = u16::from_be_bytes([packet[10], packet[11]]);
    let sum = sum.checked_sub(7).unwrap();
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(packet);
    frame
}
