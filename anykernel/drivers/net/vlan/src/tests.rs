use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Lwp, System, enter};
use net::testing::{Attached, Host, PARAMS, arp, boot_system, ethernet, packet};
use net::{Interface, Reason};

use crate::Trunks;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: PARAMS,
};

const PEER: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn create(host: &Host, parent: &Arc<Interface>, number: u16) -> Result<Arc<Interface>, Errno> {
    enter(host.kernel.process(), |lwp: &Lwp<'_>| {
        let trunks = lwp.state::<Trunks>()?;
        trunks.create(lwp, &host.net, parent, number)
    })
}

/// A host with 10.0.0.2 on the wire, and 10.7.0.2 in VLAN 7 on it.
fn host() -> (Host, Attached, Arc<Interface>) {
    let host = boot_system(&SYSTEM, &[]);
    let trunk = host.ethernet("virt", &["10.0.0.2/24"]);
    let vlan = create(&host, &trunk.interface, 7).unwrap();
    host.in_kernel(|lwp, net| {
        let cidr = "10.7.0.2/24".parse().unwrap();
        net.add_address(lwp, &vlan, cidr).unwrap();
        net.flush(lwp);
    });
    trunk.sent();
    (host, trunk, vlan)
}

fn tagged(number: u16, frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame[..12].to_vec();
    bytes.extend([0x81, 0x00]);
    bytes.extend(number.to_be_bytes());
    bytes.extend(&frame[12..]);
    bytes
}

#[test]
fn tagged_frames_are_the_vlans_and_the_others_the_parents() {
    let (host, trunk, vlan) = host();
    let us = trunk.interface.hardware_address();
    assert_eq!(vlan.name(), "virt0.7");
    assert_eq!(vlan.hardware_address(), us);
    let datagram = packet("10.7.0.9", "10.7.0.2", 17, b"datagram");
    let frame = ethernet(us, PEER, 0x0800, &datagram);
    // With a priority, which changes nothing.
    host.feed(&trunk, &tagged(0xa007, &frame));
    assert_eq!(host.received()[0].0, datagram);
    assert_eq!(vlan.statistics().rx_frames, 1);
    // Without a number it is the parent's.
    let datagram = packet("10.0.0.9", "10.0.0.2", 17, b"datagram");
    let frame = ethernet(us, PEER, 0x0800, &datagram);
    host.feed(&trunk, &frame);
    host.feed(&trunk, &tagged(0xe000, &frame));
    assert_eq!(host.received().len(), 2);
    // Nobody's.
    host.feed(&trunk, &tagged(8, &frame));
    assert!(host.received().is_empty());
    let statistics = trunk.interface.statistics();
    assert_eq!(statistics.dropped(Reason::UnknownProtocol), 1);
    // Cut off in the tag.
    host.feed(&trunk, &tagged(7, &frame)[..15]);
    host.feed(&trunk, &tagged(7, &frame)[..16]);
    assert!(host.received().is_empty());
}

#[test]
fn what_the_vlan_sends_is_tagged() {
    let (host, trunk, _vlan) = host();
    let us = trunk.interface.hardware_address();
    let question = arp(1, PEER, "10.7.0.9", [0; 6], "10.7.0.2");
    host.feed(
        &trunk,
        &tagged(7, &ethernet([0xff; 6], PEER, 0x0806, &question)),
    );
    let answer = arp(2, us, "10.7.0.2", PEER, "10.7.0.9");
    assert_eq!(
        trunk.sent(),
        [tagged(7, &ethernet(PEER, us, 0x0806, &answer))]
    );
    let datagram = packet("10.7.0.2", "10.7.0.9", 17, b"datagram");
    host.send(&datagram).unwrap();
    assert_eq!(
        trunk.sent(),
        [tagged(7, &ethernet(PEER, us, 0x0800, &datagram))]
    );
}

#[test]
fn a_parent_that_had_no_address_gets_those_that_belong_to_it() {
    let host = boot_system(&SYSTEM, &[]);
    let trunk = host.ethernet("virt", &[]);
    create(&host, &trunk.interface, 7).unwrap();
    assert!(trunk.interface.is_up());
    let link_local = |net: &net::Net| {
        let all = net.addresses().into_iter();
        let mut own = all.filter(|own| Arc::ptr_eq(&own.interface, &trunk.interface));
        own.any(|own| matches!(own.cidr.address(), core::net::IpAddr::V6(it) if it.is_unicast_link_local()))
    };
    host.in_kernel(|lwp, net| {
        assert!(!link_local(net));
        let cidr = "fd00::2/64".parse().unwrap();
        net.add_address(lwp, &trunk.interface, cidr).unwrap();
        assert!(link_local(net));
    });
}

#[test]
fn what_cannot_be_is_refused() {
    let (host, trunk, vlan) = host();
    let parent = &trunk.interface;
    let refused = |parent, number| create(&host, parent, number).err();
    assert_eq!(refused(parent, 7), Some(Errno::EEXIST));
    assert_eq!(refused(parent, 0), Some(Errno::EINVAL));
    assert_eq!(refused(parent, 4095), Some(Errno::EINVAL));
    let loopback = host.loopback();
    assert_eq!(refused(&loopback.interface, 5), Some(Errno::EINVAL));
    // One in another is possible.
    assert_eq!(refused(&vlan, 7), None);
    let other = create(&host, parent, 4094).unwrap();
    assert_eq!(other.name(), "virt0.4094");
}

#[test]
fn a_vlan_has_a_carrier_where_its_parent_has() {
    let (host, trunk, vlan) = host();
    let set = |carrier| host.in_kernel(|lwp, net| net.set_carrier(lwp, &trunk.interface, carrier));
    set(false);
    assert!(!vlan.has_carrier() && vlan.is_up());
    let other = create(&host, &trunk.interface, 8).unwrap();
    assert!(!other.has_carrier());
    trunk.sent();
    set(true);
    assert!(vlan.is_running() && other.has_carrier());
    // Its addresses are told of, with its tag.
    let told = trunk.sent();
    assert!(told.iter().any(|frame| frame[12..16] == [0x81, 0, 0, 7]));
}
