//! A kernel with an image of the host's as its disk.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base::{Config, Errno, Failure, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Dev, Disk, Geometry, Operation, Request};
use ext4::Ext4Format;
use vfs::{FileSystem, Format, MountArguments};

static PARAMS: &[ParamSpec] = &[
    ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "256MiB",
        doc: "",
    },
    ParamSpec {
        component: "bio",
        name: "buffer-cache",
        kind: ParamKind::Bytes,
        default: "8MiB",
        doc: "",
    },
];

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &bio::COMPONENT],
    params: PARAMS,
};

const BLOCK: u64 = 512;

/// What a disk was told to do.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    Write(u64, Vec<u8>),
    Flush,
}

/// An image in a file, which keeps what it was told if somebody asks for that.
pub(crate) struct Image {
    file: File,
    told: Mutex<Option<Vec<Told>>>,
    /// How many more requests succeed.
    good: AtomicU64,
}

impl Image {
    pub(crate) fn open(path: &Path) -> Arc<Image> {
        let file = File::options().read(true).write(true).open(path);
        Arc::new(Image {
            file: file.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
            told: Mutex::new(None),
            good: AtomicU64::new(u64::MAX),
        })
    }

    /// Keeps what it is told from now on.
    pub(crate) fn record(self: Arc<Self>) -> Arc<Self> {
        *self.told.lock().unwrap() = Some(Vec::new());
        self
    }

    /// Fails all requests but so many from now on.
    pub(crate) fn fail_after(&self, requests: u64) {
        self.good.store(requests, Ordering::Relaxed);
    }

    /// How much it was told.
    pub(crate) fn told(&self) -> usize {
        self.told.lock().unwrap().as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn take_told(&self) -> Vec<Told> {
        self.told.lock().unwrap().take().unwrap_or_default()
    }
}

impl Disk for Image {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: BLOCK as u32,
            blocks: self.file.metadata().unwrap().len() / BLOCK,
            read_only: false,
            largest: 1 << 20,
        }
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        let less = |left: u64| left.checked_sub(1);
        if self
            .good
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_err()
        {
            return request.complete(lwp, Err(Errno::EIO));
        }
        let offset = request.first * BLOCK;
        let done = match request.operation {
            Operation::Read => self.file.read_exact_at(&mut request.buffer, offset),
            Operation::Write => self.file.write_all_at(&request.buffer, offset),
            Operation::Flush | Operation::Discard { .. } => Ok(()),
        };
        if let Some(told) = &mut *self.told.lock().unwrap() {
            match request.operation {
                Operation::Write => told.push(Told::Write(offset, request.buffer.clone())),
                Operation::Flush => told.push(Told::Flush),
                Operation::Read | Operation::Discard { .. } => {}
            }
        }
        request.complete(lwp, done.map_err(|_| Errno::EIO));
    }
}

/// Runs `f` in a kernel that has the image as `image0`.
pub(crate) fn with_disk<R>(image: &Arc<Image>, f: impl FnOnce(&Lwp<'_>) -> R) -> R {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).expect("it boots");
    let result = enter(kernel.process(), |lwp| {
        let dev = lwp.state::<Dev>()?;
        dev.add_disk("image", image.clone());
        Ok(f(lwp))
    });
    result.unwrap_or_else(|errno| panic!("the kernel died: {errno}"))
}

/// Mounts `image0`.
pub(crate) fn mount(lwp: &Lwp<'_>, read_only: bool) -> Result<Arc<dyn FileSystem>, Failure> {
    let arguments = MountArguments {
        source: b"/dev/image0",
        read_only,
        options: "",
    };
    Ext4Format.mount(lwp, &arguments)
}

/// Mounts it, does something with it, and unmounts it.
pub(crate) fn mounted<R>(
    path: &Path,
    read_only: bool,
    f: impl FnOnce(&Lwp<'_>, &dyn FileSystem) -> R,
) -> R {
    with_disk(&Image::open(path), |lwp| {
        let mounted = mount(lwp, read_only).unwrap_or_else(|failure| panic!("{failure}"));
        let result = f(lwp, &*mounted);
        mounted.unmount(lwp).expect("it unmounts");
        result
    })
}
