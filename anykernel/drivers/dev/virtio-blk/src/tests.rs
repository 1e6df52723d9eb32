//! Disks on the simulated platform: honest ones by every way, and others.

extern crate std;

use std::cell::RefCell;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use base::{Config, DeviceSpec, Errno, Kernel, Lwp, System, enter};
use dev::{Block, Dev};
use sim::devices::Line;
use sim::devices::virtio::{Backend, Chain, Device, Port};
use std::sync::Arc;

static SYSTEM: System = System {
    name: "test",
    devices: &[
        DeviceSpec {
            component: "virtio",
            bus: "pci",
            ids: &[0x1af4],
        },
        DeviceSpec {
            component: "virtio",
            bus: "mmio",
            ids: &[],
        },
        DeviceSpec {
            component: "virtio-blk",
            bus: "virtio",
            ids: &[2],
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

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Edge,
    Level,
    Line,
    Messages,
}

/// How a disk behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Honest,
    /// Answers late, and the last request first.
    Backwards,
    Silent,
    /// Answers with this status.
    Status(u8),
    /// Says nothing of a status.
    NoStatus,
    /// Claims to have written so much.
    Length(u32),
    UnknownBuffer,
}

const RO: u64 = 1 << 5;
const BLK_SIZE: u64 = 1 << 6;
const FLUSH: u64 = 1 << 9;
const DISCARD: u64 = 1 << 13;

struct Model {
    manner: Manner,
    bytes: Rc<RefCell<Vec<u8>>>,
    flushes: Rc<RefCell<usize>>,
    late: Vec<Chain>,
}

impl Backend for Model {
    fn notified(&mut self, port: &mut Port<'_, '_>, _: usize) {
        if self.manner == Manner::Silent {
            return;
        }
        let nothing_late = self.late.is_empty();
        while let Some(chain) = port.next(0) {
            match self.manner {
                Manner::Backwards => self.late.push(chain),
                _ => self.answer(port, &chain),
            }
        }
        if nothing_late && !self.late.is_empty() {
            port.later(1_000_000, 0);
        }
    }

    fn elapsed(&mut self, port: &mut Port<'_, '_>, _: u64) {
        while let Some(chain) = self.late.pop() {
            self.answer(port, &chain);
        }
    }
}

impl Model {
    fn answer(&mut self, port: &mut Port<'_, '_>, chain: &Chain) {
        let request = chain.read(port.bus);
        let kind = u32::from_le_bytes(request[..4].try_into().unwrap());
        let start = 512 * u64::from_le_bytes(request[8..16].try_into().unwrap()) as usize;
        let mut bytes = self.bytes.borrow_mut();
        let mut answer = Vec::new();
        match kind {
            0 => answer.extend(&bytes[start..start + chain.room() - 1]),
            1 => bytes[start..start + request.len() - 16].copy_from_slice(&request[16..]),
            4 => *self.flushes.borrow_mut() += 1,
            11 => {
                assert_eq!(request.len(), 32);
                let first = u64::from_le_bytes(request[16..24].try_into().unwrap()) as usize;
                let count = u32::from_le_bytes(request[24..28].try_into().unwrap()) as usize;
                assert!(count <= 1000 && request[28..] == [0; 4]);
                bytes[first * 512..(first + count) * 512].fill(0);
            }
            other => panic!("a request of kind {other}"),
        }
        match self.manner {
            Manner::Status(status) => answer.push(status),
            Manner::NoStatus => {}
            _ => answer.push(0),
        }
        let written = chain.write(port.bus, &answer);
        match self.manner {
            Manner::Length(len) => port.used(0, chain.head, len),
            Manner::UnknownBuffer => port.used(0, chain.head + 30, written),
            _ => port.used(0, chain.head, written),
        }
    }
}

struct Host {
    kernel: Kernel,
    bytes: Rc<RefCell<Vec<u8>>>,
    flushes: Rc<RefCell<usize>>,
}

fn config(sectors: u64, block_size: u32) -> Vec<u8> {
    let mut config = sectors.to_le_bytes().to_vec();
    config.extend([0; 12]);
    config.extend(block_size.to_le_bytes());
    config
}

fn boot(features: u64, way: Way, manner: Manner) -> Host {
    boot_with(features, way, manner, &config(4096, 4096), |_| ())
}

fn boot_with(
    features: u64,
    way: Way,
    manner: Manner,
    config: &[u8],
    change: impl Fn(&mut Device),
) -> Host {
    sim::reset(1);
    let bytes = Rc::new(RefCell::new(std::vec![0; 4096 * 512]));
    let flushes = Rc::new(RefCell::new(0));
    let model = Model {
        manner,
        bytes: bytes.clone(),
        flushes: flushes.clone(),
        late: Vec::new(),
    };
    let mut device = Device::new(2, features, config, &[128]);
    change(&mut device);
    match way {
        Way::Edge => device.plug(Line::Edge, model),
        Way::Level => device.plug(Line::Level, model),
        Way::Line => device.plug_pci(0, model),
        Way::Messages => device.plug_pci(2, model),
    }
    Host {
        kernel: Kernel::boot(&SYSTEM, &Config::new()).unwrap(),
        bytes,
        flushes,
    }
}

impl Host {
    fn log(&self) -> String {
        self.kernel.instance().log_lines().concat()
    }

    fn with<R>(&self, f: impl FnOnce(&Lwp<'_>, &Block) -> R) -> R {
        let dev = enter(self.kernel.process(), |lwp| lwp.state::<Dev>()).unwrap();
        let block: Arc<Block> = dev.block("vblk0").unwrap();
        enter(self.kernel.process(), |lwp| Ok(f(lwp, &block))).unwrap()
    }

    fn end(self) {
        drop(self.kernel);
        assert_eq!(sim::devices::lent(), 0);
    }
}

#[test]
fn what_is_written_is_read_by_every_way() {
    for way in [Way::Edge, Way::Level, Way::Line, Way::Messages] {
        for manner in [Manner::Honest, Manner::Backwards] {
            let host = boot(FLUSH, way, manner);
            assert!(host.log().ends_with(
                "virtio 2: virtio-blk: vblk0, 4096 blocks of 512 bytes, caches writes\n"
            ));
            let pattern: Vec<u8> = (0..1 << 20).map(|at| (at / 512 % 253) as u8).collect();
            host.with(|lwp, block| {
                block.write_at(lwp, 512, &pattern).unwrap();
                assert_eq!(*host.flushes.borrow(), 0);
                block.flush(lwp).unwrap();
                assert_eq!(*host.flushes.borrow(), 1);
                assert!(host.bytes.borrow()[512..][..pattern.len()] == pattern);
                let mut back = std::vec![0; pattern.len()];
                block.read_at(lwp, 512, &mut back).unwrap();
                assert!(back == pattern, "{way:?}");
            });
            host.end();
        }
    }
}

#[test]
fn more_requests_than_the_queue_has_room_for_are_all_done() {
    use base::sync::Leaf;
    use dev::{Operation, Request};
    let host = boot(0, Way::Messages, Manner::Backwards);
    let done = Arc::new(Leaf::new(0));
    host.with(|lwp, block| {
        for number in 0..500u64 {
            let done = done.clone();
            let end = move |_: &Lwp<'_>, end: dev::Done| {
                assert_eq!(end.result, Ok(()));
                assert_eq!(end.buffer.len(), 512);
                done.with(|done| *done += 1);
            };
            let buffer = std::vec![number as u8; 512];
            block.submit(lwp, Request::new(Operation::Write, number, buffer, end));
        }
    });
    sim::advance(1_000_000_000);
    assert_eq!(done.with(|done| *done), 500);
    for number in 0..500 {
        assert_eq!(host.bytes.borrow()[number * 512], number as u8);
    }
    host.end();
}

#[test]
fn geometry_is_the_device_s() {
    let host = boot(BLK_SIZE | RO, Way::Edge, Manner::Honest);
    assert!(
        host.log()
            .ends_with("vblk0, 512 blocks of 4096 bytes, read-only\n")
    );
    host.with(|lwp, block| {
        let mut bytes = std::vec![0; 4096];
        host.bytes.borrow_mut()[8192] = 7;
        assert_eq!(
            block.read_at(lwp, 512, &mut bytes[..512]),
            Err(Errno::EINVAL)
        );
        block.read_at(lwp, 8192, &mut bytes).unwrap();
        assert_eq!(bytes[0], 7);
        assert_eq!(block.write_at(lwp, 0, &bytes), Err(Errno::EROFS));
        // Without a cache there is nothing to flush.
        block.flush(lwp).unwrap();
    });
    host.end();
}

#[test]
fn what_is_discarded_reaches_a_device_that_can() {
    let mut about = config(4096, 1024);
    about.resize(36, 0);
    about.extend(1000u32.to_le_bytes());
    for (features, outcome) in [
        (BLK_SIZE | DISCARD, Ok(())),
        (BLK_SIZE, Err(Errno::EOPNOTSUPP)),
    ] {
        let host = boot_with(features, Way::Messages, Manner::Honest, &about, |_| ());
        host.bytes.borrow_mut().fill(7);
        host.with(|lwp, block| {
            // More than the device takes at once.
            assert_eq!(block.discard(lwp, 1024, 1200 * 1024), outcome);
            assert_eq!(block.discard(lwp, 512, 1024), Err(Errno::EINVAL));
        });
        let bytes = host.bytes.borrow();
        let gone = bytes.iter().filter(|byte| **byte == 0).count();
        assert_eq!(gone, if outcome.is_ok() { 1200 * 1024 } else { 0 });
        assert!(bytes[..1024].iter().all(|byte| *byte == 7));
        drop(bytes);
        host.end();
    }
}

#[test]
fn a_disk_that_makes_no_sense_is_said_to_be_so() {
    for (config, what) in [
        (config(8, 0), "blocks of 0 bytes"),
        (config(8, 513), "blocks of 513 bytes"),
        (config(8, 1 << 31), "blocks of 2147483648 bytes"),
        (config(u64::MAX, 512), "18446744073709551615 sectors"),
        (Vec::from([1, 2]), "its configuration has no 8 bytes at 0"),
    ] {
        let host = boot_with(BLK_SIZE, Way::Messages, Manner::Honest, &config, |_| ());
        assert!(host.log().contains(what), "{what}: {}", host.log());
    }
}

#[test]
fn errors_of_the_device_are_errors_of_the_request() {
    for (manner, errno) in [
        (Manner::Status(1), Errno::EIO),
        (Manner::Status(2), Errno::EOPNOTSUPP),
        (Manner::Status(77), Errno::EIO),
        (Manner::NoStatus, Errno::EIO),
        // It claims less than was asked for.
        (Manner::Length(1), Errno::EIO),
        (Manner::Length(0), Errno::EIO),
    ] {
        let host = boot(FLUSH, Way::Messages, manner);
        host.with(|lwp, block| {
            let mut bytes = std::vec![0; 512];
            assert_eq!(block.read_at(lwp, 0, &mut bytes), Err(errno), "{manner:?}");
        });
        assert_eq!(host.log().lines().count(), 1, "{}", host.log());
        host.end();
    }
}

#[test]
fn a_disk_that_lies_or_is_silent_is_detached_and_its_requests_end() {
    for way in [Way::Edge, Way::Line, Way::Messages] {
        for (manner, why) in [
            (Manner::UnknownBuffer, "which it did not have"),
            (Manner::Length(1 << 20), "where fewer fit"),
            (Manner::Silent, "it does not answer"),
        ] {
            let host = boot(FLUSH, way, manner);
            host.with(|lwp, block| {
                let mut bytes = std::vec![0; 512 * 1024];
                assert_eq!(block.read_at(lwp, 0, &mut bytes), Err(Errno::EIO));
                assert_eq!(block.flush(lwp), Err(Errno::ENXIO));
            });
            let log = host.log();
            let said = log.lines().last().unwrap();
            assert!(said.contains("vblk0: ") && said.contains(why), "{said}");
            assert!(said.ends_with("; the device is detached"), "{said}");
            host.end();
        }
    }
}

#[test]
fn a_disk_that_does_not_even_reset_loses_what_it_had() {
    // At the start it does.
    let host = boot_with(
        FLUSH,
        Way::Messages,
        Manner::Silent,
        &config(4096, 512),
        |it| {
            it.resets_left = 1;
        },
    );
    host.with(|lwp, block| {
        let mut bytes = std::vec![0; 4096];
        assert_eq!(block.read_at(lwp, 0, &mut bytes), Err(Errno::EIO));
    });
    assert!(host.log().contains("it does not answer"), "{}", host.log());
    drop(host.kernel);
    // Its queue and the buffers of the request: nothing else will ever be there.
    assert_eq!(sim::devices::lent(), 5);
}
