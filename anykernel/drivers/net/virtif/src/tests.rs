use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use net::{Frame, Interface, IpInfo, IpReceiver, Medium, Net, Reason};
use sim::Wire;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: &[
        text("net", "ip", "10.0.0.2/24"),
        text("net", "gateway", ""),
        text("virtif", "virtif", ""),
        ParamSpec {
            component: "base",
            name: "memory-limit",
            kind: ParamKind::Bytes,
            default: "0",
            doc: "",
        },
    ],
};

const fn text(component: &'static str, name: &'static str, default: &'static str) -> ParamSpec {
    ParamSpec {
        component,
        name,
        kind: ParamKind::Text,
        default,
        doc: "",
    }
}

struct Recorder(Leaf<Vec<Vec<u8>>>);

impl IpReceiver for Recorder {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, frame: Frame, _: IpInfo) {
        self.0.with(|all| all.push(frame.payload().to_vec()));
    }

    fn settle(&self, _: &Lwp<'_>) {}
}

fn boot(urls: &str) -> (Kernel, Arc<Net>, Arc<Recorder>) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new().param("virtif", urls)).unwrap();
    let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
    let recorder = Arc::new(Recorder(Leaf::new(Vec::new())));
    net.set_receiver(recorder.clone());
    (kernel, net, recorder)
}

/// A frame to everybody with an IPv4 packet whose last byte is `number`.
fn broadcast(number: u16) -> Vec<u8> {
    let mut frame = alloc::vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9, 8, 0]);
    let mut packet = alloc::vec![0x45, 0, 0, 22, 0, 0, 0, 0, 64, 253, 0, 0];
    packet.extend([10, 0, 0, 9, 10, 0, 0, 255]);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(number.to_be_bytes());
    frame.extend(packet);
    frame
}

#[test]
fn many_frames_come_in_order_and_none_is_left_behind() {
    sim::reset(1);
    let wire = Wire::open("a");
    let (_kernel, net, recorder) = boot("wire:a");
    sim::advance(1_000_000);
    for number in 0..1000 {
        wire.send(&broadcast(number));
    }
    sim::advance(1_000_000);
    let received = recorder.0.with(core::mem::take);
    assert_eq!(received.len(), 1000);
    assert!(received.iter().map(|packet| &packet[20..]).is_sorted());
    // It hears of later ones too.
    wire.send(&broadcast(1));
    sim::advance(1_000_000);
    assert_eq!(recorder.0.with(core::mem::take).len(), 1);
    let interface = net.interface("virt0").unwrap();
    assert_eq!(interface.statistics().rx_frames, 1001);
    assert!(interface.hardware_address()[0] & 3 == 2);
}

#[test]
fn without_memory_frames_are_dropped_and_the_link_works_on() {
    sim::reset(1);
    let wire = Wire::open("a");
    let config = Config::new()
        .param("virtif", "wire:a")
        .param("memory-limit", "64KiB");
    let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
    let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
    let recorder = Arc::new(Recorder(Leaf::new(Vec::new())));
    net.set_receiver(recorder.clone());
    sim::advance(1_000_000);
    let mut hoard = Vec::new();
    while let Ok(frame) = net.pool().get(1500) {
        hoard.push(frame);
    }
    for number in 0..100 {
        wire.send(&broadcast(number));
    }
    sim::advance(1_000_000);
    let interface = net.interface("virt0").unwrap();
    let dropped = interface.statistics().dropped(Reason::NoMemory);
    let received = recorder.0.with(core::mem::take).len() as u64;
    assert_eq!(received + dropped, 100);
    for frame in hoard {
        net.pool().recycle(frame);
    }
    wire.send(&broadcast(1));
    sim::advance(1_000_000);
    assert_eq!(recorder.0.with(core::mem::take).len(), 1);
}

#[test]
fn two_kernels_on_a_wire_find_each_other() {
    sim::reset(1);
    let (a, net_a, _) = boot("wire:a");
    let config = Config::new()
        .param("virtif", "wire:a")
        .param("ip", "10.0.0.3/24");
    let b = Kernel::boot(&SYSTEM, &config).unwrap();
    let heard = Arc::new(Recorder(Leaf::new(Vec::new())));
    enter(b.process(), |lwp| {
        lwp.state::<Net>()?.set_receiver(heard.clone());
        Ok(())
    })
    .unwrap();
    let mut packet = alloc::vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0];
    packet.extend([10, 0, 0, 2, 10, 0, 0, 3]);
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    enter(a.process(), |lwp| {
        net_a.output(lwp, net_a.pool().copy_of(&packet)?, None)?;
        net_a.flush(lwp);
        Ok(())
    })
    .unwrap();
    sim::advance(10_000_000);
    assert_eq!(heard.0.with(core::mem::take), [packet]);
}

#[test]
fn a_link_may_carry_packets_without_a_header() {
    sim::reset(1);
    let wire = Wire::open("a");
    let (kernel, net, recorder) = boot("wire:a?medium=ip");
    let interface = net.interface("virt0").unwrap();
    assert_eq!(interface.medium(), Medium::Ip);
    assert_eq!(interface.hardware_address(), [0; 6]);
    let packet = &broadcast(7)[14..];
    wire.send(packet);
    sim::advance(1_000_000);
    assert_eq!(recorder.0.with(core::mem::take), [packet]);
    // Nobody is asked for who has an address.
    let mut packet = packet.to_vec();
    packet[12..20].copy_from_slice(&[10, 0, 0, 2, 10, 0, 0, 9]);
    enter(kernel.process(), |lwp| {
        net.output(lwp, net.pool().copy_of(&packet)?, None)?;
        net.flush(lwp);
        Ok(())
    })
    .unwrap();
    sim::advance(1_000_000);
    assert_eq!(wire.receive(), Some(packet));
    assert_eq!(wire.receive(), None);
}

#[test]
fn a_link_that_loses_its_other_end_is_up_and_does_not_run() {
    sim::reset(1);
    let wire = Wire::open("a");
    let (kernel, net, recorder) = boot("wire:a");
    let interface = net.interface("virt0").unwrap();
    sim::advance(1_000_000);
    assert!(interface.is_running());
    // Frames that are there are taken, and those under way are lost.
    wire.send(&broadcast(1));
    wire.cut();
    sim::advance(1_000_000);
    assert!(interface.is_up() && !interface.is_running());
    assert_eq!(recorder.0.with(core::mem::take).len(), 0);
    let (before, packet) = (interface.statistics(), broadcast(2)[14..].to_vec());
    enter(kernel.process(), |lwp| {
        let mut packet = packet.clone();
        packet[12..16].copy_from_slice(&[10, 0, 0, 2]);
        net.output(lwp, net.pool().copy_of(&packet)?, None)?;
        net.flush(lwp);
        Ok(())
    })
    .unwrap();
    let after = interface.statistics();
    assert_eq!(after.tx_frames, before.tx_frames);
    let refused = after.dropped(Reason::QueueFull) - before.dropped(Reason::QueueFull);
    assert_eq!(refused, 1);
    wire.mend();
    sim::advance(1_000_000);
    assert!(interface.is_running());
    wire.send(&broadcast(3));
    sim::advance(1_000_000);
    assert_eq!(recorder.0.with(core::mem::take).len(), 1);
    let log = kernel.instance().log_lines();
    let said: Vec<_> = log
        .iter()
        .filter(|line| line.contains("the link"))
        .collect();
    assert!(
        said[..] == ["virt0: the link is down\n", "virt0: the link is up\n"],
        "{said:?}"
    );
}

#[test]
fn each_url_is_an_interface_and_shutdown_unplugs_them() {
    sim::reset(1);
    let wire = Wire::open("b");
    let (kernel, net, _) = boot("wire:a, wire:b");
    assert!(net.interface("virt0").is_ok());
    assert!(net.interface("virt1").is_ok());
    assert_eq!(net.interface("virt2").err(), Some(Errno::ENXIO));
    drop((kernel, net));
    wire.send(&broadcast(1));
    assert!(sim::run_until_idle(1_000_000_000));
}

#[test]
fn a_link_that_cannot_be_opened_says_what_to_do() {
    sim::reset(1);
    let config = Config::new().param("virtif", "wire:a,pigeon:grey");
    let error = Kernel::boot(&SYSTEM, &config).err().unwrap();
    assert_eq!(
        error.to_string(),
        "virtif did not start: virtif: pigeon:grey: Protocol not supported (EPROTONOSUPPORT); the \
         parameter virtif is a list of URLs that this platform knows, such as tap:rump0"
    );
    // The first one is closed again.
    Wire::open("a").send(&broadcast(1));
    assert!(sim::run_until_idle(1_000_000_000));
}
