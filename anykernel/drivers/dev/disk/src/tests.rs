//! Disks of the simulated host, which end operations at once or later.

extern crate std;

use std::string::String;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Block, Dev};
use sim::Image;

use crate::Disks;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT],
    params: &[ParamSpec {
        component: "disk",
        name: "disk",
        kind: ParamKind::Text,
        default: "",
        doc: "",
    }],
};

fn boot(disks: &str) -> Kernel {
    Kernel::boot(&SYSTEM, &Config::new().param("disk", disks)).unwrap()
}

fn with<R>(kernel: &Kernel, f: impl FnOnce(&Lwp<'_>, &Dev) -> R) -> R {
    enter(kernel.process(), |lwp| {
        let dev = lwp.state::<Dev>()?;
        Ok(f(lwp, &dev))
    })
    .unwrap()
}

fn log(kernel: &Kernel) -> String {
    kernel.instance().log_lines().concat()
}

#[test]
fn disks_are_read_written_flushed_and_discarded_at_once_or_later() {
    for latency in [0, 1_000_000] {
        sim::reset(1);
        let image = Image::new("a", vec![1; 1 << 20]).latency(latency);
        let kernel = boot("a");
        assert_eq!(log(&kernel), "disk0: a, 2048 blocks of 512 bytes\n");
        with(&kernel, |lwp, dev| {
            let block = dev.block("disk0").unwrap();
            let bytes: Vec<u8> = (0..700 * 1024).map(|at| (at / 512 % 251) as u8).collect();
            block.write_at(lwp, 512, &bytes).unwrap();
            let mut back = vec![0; bytes.len()];
            block.read_at(lwp, 512, &mut back).unwrap();
            assert!(back == bytes && image.bytes()[512..][..bytes.len()] == bytes);
            block.flush(lwp).unwrap();
            block.discard(lwp, 0, 4096).unwrap();
            assert_eq!(image.counts(), (4096, 1));
            image.fail_after(1);
            block.flush(lwp).unwrap();
            assert_eq!(block.read_at(lwp, 0, &mut back), Err(Errno::EIO));
        });
        drop(kernel);
        assert!(!image.is_open());
    }
}

#[test]
fn several_are_named_in_order_and_some_are_only_read() {
    sim::reset(1);
    let _images = (
        Image::new("a", vec![0; 1024]),
        Image::new("b", vec![0; 512]).read_only(),
    );
    let kernel = boot(" a, b:ro,");
    with(&kernel, |lwp, dev| {
        assert_eq!(dev.block_names(), ["disk0", "disk1"]);
        let second = dev.block("disk1").unwrap();
        assert_eq!(second.write_at(lwp, 0, &[0; 512]), Err(Errno::EROFS));
        assert_eq!(second.discard(lwp, 0, 512), Err(Errno::EROFS));
    });
    assert!(log(&kernel).ends_with("disk1: b, 1 blocks of 512 bytes, read-only\n"));
}

#[test]
fn what_cannot_be_opened_ends_the_boot_with_a_reason_and_nothing_stays_open() {
    sim::reset(1);
    let image = Image::new("a", vec![0; 1024]);
    let _empty = Image::new("empty", vec![]);
    for (disks, errno, why) in [
        ("a,b", Errno::ENOENT, "disk: b: "),
        ("a,a", Errno::EBUSY, "another program has it open"),
        ("a,empty", Errno::EINVAL, "does not hold a block"),
    ] {
        let error = Kernel::boot(&SYSTEM, &Config::new().param("disk", disks))
            .err()
            .unwrap();
        assert_eq!(error.errno(), errno);
        assert!(std::format!("{error}").contains(why), "{error}");
        assert!(!image.is_open());
    }
}

#[test]
fn a_disk_comes_and_goes_while_the_kernel_runs() {
    sim::reset(1);
    let image = Image::new("a", vec![0; 1 << 20]).latency(1_000_000);
    let kernel = boot("");
    with(&kernel, |lwp, dev| {
        let disks = lwp.state::<Disks>().unwrap();
        let block: Arc<Block> = disks.attach(lwp, "a", false).unwrap();
        assert_eq!(disks.attach(lwp, "a", true).err(), Some(Errno::EBUSY));
        let outcome = Arc::new(base::sync::Leaf::new(None));
        let place = outcome.clone();
        let end = move |_: &Lwp<'_>, done: dev::Done| {
            place.with(|place| *place = Some((done.result, done.buffer.len())));
        };
        let request = dev::Request::new(dev::Operation::Write, 0, vec![7; 512], end);
        block.submit(lwp, request);
        assert!(outcome.with(|outcome| outcome.is_none()));
        disks.detach(lwp, "disk0").unwrap();
        // It was done, but nobody heard how it ended.
        assert_eq!(outcome.with(Option::take), Some((Err(Errno::EIO), 512)));
        assert_eq!(image.bytes()[..512], [7; 512]);
        assert!(!image.is_open());
        assert_eq!(block.flush(lwp), Err(Errno::ENXIO));
        assert_eq!(dev.block("disk0").err(), Some(Errno::ENXIO));
        assert_eq!(disks.detach(lwp, "disk0"), Err(Errno::ENXIO));
        assert_eq!(disks.attach(lwp, "a", true).unwrap().name(), "disk0");
    });
}
