use alloc::string::String;

use base::{Config, DeviceSpec, Kernel, System};
use sim::devices::virtio::{Backend, Device, Port};

static SYSTEM: System = System {
    name: "test",
    devices: &[
        DeviceSpec {
            component: "virtio",
            bus: "pci",
            ids: &[0x1af4],
        },
        DeviceSpec {
            component: "virtio-rng",
            bus: "virtio",
            ids: &[4],
        },
    ],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &hardware::COMPONENT,
        &virtio::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[],
};

/// A source that gives so many bytes, or claims to.
#[derive(Clone, Copy)]
struct Giving {
    bytes: usize,
    claimed: u32,
}

impl Backend for Giving {
    fn notified(&mut self, port: &mut Port<'_, '_>, _: usize) {
        while let Some(chain) = port.next(0) {
            chain.write(port.bus, &[0xa5; 64][..self.bytes]);
            port.used(0, chain.head, self.claimed);
        }
    }
}

fn boot(source: Giving) -> Kernel {
    sim::reset(1);
    Device::new(4, 0, &[], &[8]).plug_pci(2, source);
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}

fn log(kernel: &Kernel) -> String {
    kernel.instance().log_lines().concat()
}

#[test]
fn what_a_source_gives_is_stirred_in_now_and_then() {
    let kernel = boot(Giving {
        bytes: 48,
        claimed: 48,
    });
    assert_eq!(
        log(&kernel),
        "pci 0:0.0 1af4:1044 virtio 4: virtio-rng: entropy\n"
    );
    sim::advance(1_000_000);
    assert_eq!(sim::stirred(), [0xa5; 48]);
    sim::advance(crate::INTERVAL * 7 / 2);
    assert_eq!(sim::stirred(), [0xa5; 4 * 48]);
    drop(kernel);
    assert_eq!(sim::devices::lent(), 0);
}

#[test]
fn a_source_that_gives_nothing_is_harmless_and_one_that_lies_detached() {
    let kernel = boot(Giving {
        bytes: 0,
        claimed: 0,
    });
    sim::advance(1_000_000);
    assert_eq!(sim::stirred(), []);
    drop(kernel);
    let kernel = boot(Giving {
        bytes: 64,
        claimed: 65,
    });
    sim::advance(1_000_000);
    let log = log(&kernel);
    assert!(
        log.contains("where fewer fit; the device is detached"),
        "{log}"
    );
    drop(kernel);
    assert_eq!(sim::devices::lent(), 0);
}
