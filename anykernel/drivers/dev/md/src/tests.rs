use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Block, Dev};

use crate::MemoryDisks;

const fn param(name: &'static str, kind: ParamKind, default: &'static str) -> ParamSpec {
    ParamSpec {
        component: "md",
        name,
        kind,
        default,
        doc: "",
    }
}

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT],
    params: &[
        param("md", ParamKind::Text, ""),
        param("memory-limit", ParamKind::Bytes, "0"),
    ],
};

fn with_disk(size: &str, limit: &str, f: impl FnOnce(&Lwp<'_>, &Block)) {
    sim::reset(1);
    let config = Config::new().param("md", size).param("memory-limit", limit);
    let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
    enter(kernel.process(), |lwp| {
        let block = lwp.state::<Dev>()?.block("md0")?;
        f(lwp, &block);
        Ok(())
    })
    .unwrap();
}

#[test]
fn it_holds_what_is_written_and_is_zeros_elsewhere() {
    with_disk("1MiB", "0", |lwp, block| {
        let bytes: Vec<u8> = (0..100 * 1024).map(|at| (at / 512 % 251) as u8).collect();
        block.write_at(lwp, 15 * 1024, &bytes).unwrap();
        let mut back = vec![7; 1 << 20];
        block.read_at(lwp, 0, &mut back).unwrap();
        assert!(back[15 * 1024..][..bytes.len()] == bytes);
        assert!(back[..15 * 1024].iter().all(|byte| *byte == 0));
        assert!(back[115 * 1024..].iter().all(|byte| *byte == 0));
        block.flush(lwp).unwrap();
    });
}

#[test]
fn a_large_one_takes_what_is_in_it_and_gives_back_what_is_discarded() {
    with_disk("1024GiB", "1MiB", |lwp, block| {
        let used = || lwp.instance().memory().used();
        let before = used();
        let end = (1 << 40) - 512;
        block.write_at(lwp, end, &[7; 512]).unwrap();
        assert_eq!(used() - before, 16 * 1024);
        block.write_at(lwp, 512, &[7; 64 * 1024]).unwrap();
        assert_eq!(used() - before, 6 * 16 * 1024);
        let error = block.write_at(lwp, 1 << 30, &vec![7; 1 << 20]);
        assert_eq!(error, Err(Errno::ENOMEM));
        // All but the very first and the very last block that were written.
        block.discard(lwp, 1024, end - 1024).unwrap();
        assert_eq!(used() - before, 2 * 16 * 1024);
        let mut bytes = [1; 2048];
        block.read_at(lwp, 0, &mut bytes).unwrap();
        assert_eq!(bytes[..], [[0; 512], [7; 512], [0; 512], [0; 512]].concat());
        block.read_at(lwp, end - 512, &mut bytes[..1024]).unwrap();
        assert_eq!(bytes[..1024], [[0; 512], [7; 512]].concat());
        // Within a page.
        block.discard(lwp, 512, 512).unwrap();
        block.read_at(lwp, 512, &mut bytes[..512]).unwrap();
        assert_eq!(bytes[..512], [0; 512]);
        block.discard(lwp, 0, 1 << 40).unwrap();
        assert_eq!(used(), before);
    });
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    sim::reset(1);
    for size in ["many", "0", "513", "64MiB,x"] {
        let error = Kernel::boot(&SYSTEM, &Config::new().param("md", size)).err();
        let error = format!("{}", error.unwrap());
        assert!(error.contains("a list of sizes such as 64MiB"), "{error}");
    }
    with_disk("512", "0", |lwp, _| {
        let disks = lwp.state::<MemoryDisks>().unwrap();
        assert_eq!(disks.add(lwp, 1).err(), Some(Errno::EINVAL));
        assert_eq!(disks.add(lwp, 1024).unwrap().name(), "md1");
    });
}
