use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::sync::Leaf;
use base::{Config, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use net::{Frame, Interface, IpInfo, IpReceiver, Net};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
    params: &[
        ParamSpec {
            component: "net",
            name: "ip",
            kind: ParamKind::Text,
            default: "10.0.0.2/24",
            doc: "",
        },
        ParamSpec {
            component: "net",
            name: "gateway",
            kind: ParamKind::Text,
            default: "",
            doc: "",
        },
    ],
};

struct Recorder(Leaf<Vec<IpInfo>>);

impl IpReceiver for Recorder {
    fn receive(&self, _: &Lwp<'_>, _: &Arc<Interface>, _: Frame, info: IpInfo) {
        self.0.with(|infos| infos.push(info));
    }

    fn settle(&self, _: &Lwp<'_>) {}
}

#[test]
fn what_is_sent_to_the_loopback_addresses_is_there_at_once() {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let recorder = Arc::new(Recorder(Leaf::new(Vec::new())));
    enter(kernel.process(), |lwp| {
        let net = lwp.state::<Net>()?;
        net.set_receiver(recorder.clone());
        for (to, version) in [("127.0.0.1", 4), ("127.1.2.3", 4), ("::1", 6)] {
            let to: IpAddr = to.parse().unwrap();
            assert!(net.is_local(lwp, to));
            let way = net.interface_to(to).unwrap();
            assert_eq!((way.name(), way.mtu()), ("lo0", 65535));
            let mut bytes = [0; 40];
            bytes[0] = if version == 4 { 0x45 } else { 0x60 };
            match to {
                IpAddr::V4(to) => {
                    bytes[3] = 20;
                    bytes[16..20].copy_from_slice(&to.octets());
                }
                IpAddr::V6(to) => {
                    bytes[8..24].copy_from_slice(&to.octets());
                    bytes[24..40].copy_from_slice(&to.octets());
                }
            }
            let len = if version == 4 { 20 } else { 40 };
            let mut frame = net.pool().copy_of(&bytes[..len])?;
            frame.set_checksum(net::Checksum::Verified);
            net.output(lwp, frame, None)?;
            let infos = recorder.0.with(core::mem::take);
            assert_eq!(infos.len(), 1, "{to}");
            assert_eq!(infos[0].dst, to);
        }
        let lo = net.interface("lo0")?;
        assert_eq!(lo.statistics().dropped_total(), 0);
        assert_eq!(
            net.source_for(lwp, IpAddr::from([127, 0, 0, 1])),
            Ok([127, 0, 0, 1].into())
        );
        // The addresses a boot gives are for another interface.
        assert!(!net.is_local(lwp, IpAddr::from([10, 0, 0, 2])));
        Ok(())
    })
    .unwrap();
}
