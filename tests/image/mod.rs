//! What tests of file systems share: an image that the tools of its kind made, as a disk of a kernel on the simulated
//! platform; a tree of the host, read; and the same tree, read through a mounted file system.
#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod host;
pub(crate) mod model;
pub(crate) mod node;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base::{Config, Failure, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use bio::Volume;
use dev::testing::RecordingDisk;
use dev::{Block, Dev};
use vfs::FileSystem;

/// Bytes of a disk's block.
const BLOCK: usize = 512;

/// How a file system is mounted.
pub(crate) type Mount = fn(&Lwp<'_>, Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure>;

static PARAMS: &[ParamSpec] = &[
    ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "64MiB",
        doc: "",
    },
    ParamSpec {
        component: "bio",
        name: "buffer-cache",
        kind: ParamKind::Bytes,
        default: "1MiB",
        doc: "",
    },
];

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &bio::COMPONENT],
    params: PARAMS,
};

/// Does something in a kernel.
pub(crate) fn in_kernel<R>(f: impl FnOnce(&Lwp<'_>) -> R) -> R {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).expect("the kernel boots");
    let result = enter(kernel.process(), |lwp| Ok(f(lwp)));
    result.expect("the kernel lives")
}

/// A disk as a unit.
pub(crate) fn unit(lwp: &Lwp<'_>, disk: &Arc<RecordingDisk>) -> Arc<Block> {
    let dev = lwp.state::<Dev>().expect("there is the faction");
    dev.add_disk("image", disk.clone())
}

/// Does something with what is mounted of a disk, and unmounts it.
pub(crate) fn mounted<R>(
    mount: Mount,
    disk: &Arc<RecordingDisk>,
    read_only: bool,
    f: impl FnOnce(&Lwp<'_>, &dyn FileSystem) -> R,
) -> R {
    in_kernel(|lwp| {
        let volume = Volume::over(lwp, unit(lwp, disk), read_only).expect("it is a volume");
        let fs = mount(lwp, volume).unwrap_or_else(|failure| panic!("{failure}"));
        let result = f(lwp, &*fs);
        fs.unmount(lwp).expect("it is unmounted");
        result
    })
}

/// The disk of an image.
pub(crate) fn load(path: &Path) -> Arc<RecordingDisk> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    disk(bytes)
}

/// A disk of these bytes, in whole blocks.
pub(crate) fn disk(mut bytes: Vec<u8>) -> Arc<RecordingDisk> {
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    RecordingDisk::new(BLOCK as u32, bytes)
}

/// Runs a program, which succeeds; what it printed.
pub(crate) fn run(program: &mut Command) -> String {
    let output = program.output().expect("the program starts");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{program:?}: {text}");
    text
}
