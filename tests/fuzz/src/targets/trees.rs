//! Images of file systems that are small enough to be inputs themselves: mounted, all that is on them read, and
//! changed where that can be.

use std::sync::Arc;

use base::{Config, Errno, Failure, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use bio::Volume;
use dev::Dev;
use dev::testing::RecordingDisk;
use vfs::{Changes, Creation, FileSystem, Ino, Kind, Place, Time};

type Mount = fn(&Lwp<'_>, Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure>;

/// An image may be made into no more than this.
const INODES: usize = 500;
const DEPTH: usize = 20;
const READ: u64 = 1 << 20;
/// Bytes of a disk's block, and of a disk with FAT.
const BLOCK: usize = 512;
const FAT: usize = 3 << 20;

const PARAMS: &[ParamSpec] = &[
    ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "32MiB",
        doc: "",
    },
    ParamSpec {
        component: "bio",
        name: "buffer-cache",
        kind: ParamKind::Bytes,
        default: "64KiB",
        doc: "",
    },
];

static SYSTEM: System = System {
    name: "fuzz",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &bio::COMPONENT],
    params: PARAMS,
};

pub(crate) fn squashfs(bytes: &[u8]) {
    run(squashfs::mount, bytes.to_vec(), true);
}

pub(crate) fn ext2(bytes: &[u8]) {
    run(ext2::mount, bytes.to_vec(), false);
}

/// What the input has nothing of is zeros; all widths have room in it.
pub(crate) fn fat(bytes: &[u8]) {
    let mut image = bytes.to_vec();
    image.resize(image.len().max(FAT), 0);
    run(fat::mount, image, false);
}

/// The first 32 KiB of a CD are nothing's.
pub(crate) fn iso9660(bytes: &[u8]) {
    let image = [&[0; 32 << 10], bytes].concat();
    for mount in [iso_with_rock_ridge, iso_with_joliet] {
        run(mount, image.clone(), true);
    }
}

fn iso_with_rock_ridge(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    iso9660::mount(lwp, volume, "")
}

fn iso_with_joliet(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    iso9660::mount(lwp, volume, "norock")
}

fn run(mount: Mount, mut bytes: Vec<u8>, read_only: bool) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).expect("the kernel boots");
    let result = enter(kernel.process(), |lwp| {
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        let disk = RecordingDisk::new(BLOCK as u32, bytes);
        let unit = lwp.state::<Dev>()?.add_disk("image", disk);
        match mount(lwp, Volume::over(lwp, unit, read_only)?) {
            Ok(fs) => Walk::of(lwp, &*fs),
            Err(failure) => assert!(!failure.to_string().is_empty()),
        }
        Ok(())
    });
    result.expect("the kernel lives");
}

/// A way through all that can be reached.
struct Walk<'a> {
    lwp: &'a Lwp<'a>,
    fs: &'a dyn FileSystem,
    inodes: usize,
    left: u64,
}

impl<'a> Walk<'a> {
    fn of(lwp: &'a Lwp<'a>, fs: &'a dyn FileSystem) {
        let _ = fs.usage(lwp);
        let mut walk = Walk {
            lwp,
            fs,
            inodes: INODES,
            left: READ,
        };
        walk.visit(fs.root(), 0);
        let _ = fs.unmount(lwp);
    }

    /// Whatever is wrong is an error of one inode.
    fn visit(&mut self, inode: Ino, depth: usize) {
        if self.inodes == 0 || depth == DEPTH {
            return;
        }
        self.inodes -= 1;
        let Ok(attributes) = self.fs.attributes(self.lwp, inode) else {
            return;
        };
        assert_eq!(attributes.number, inode);
        for name in self.fs.xattrs(self.lwp, inode).unwrap_or_default() {
            let _ = self.fs.xattr(self.lwp, inode, &name);
        }
        match attributes.kind {
            Kind::Directory => {
                self.children(inode, depth);
                self.change(inode);
            }
            Kind::File => {
                self.read(inode, attributes.size);
                self.write(inode, attributes.size);
            }
            _ => drop(self.fs.read_link(self.lwp, inode)),
        }
    }

    fn children(&mut self, directory: Ino, depth: usize) {
        let mut names = Vec::new();
        let room = self.inodes;
        let _ = self.fs.entries(self.lwp, directory, 0, &mut |entry| {
            assert!(!entry.name.is_empty() && !entry.name.contains(&b'/'));
            assert!(entry.name.len() <= self.fs.properties().longest_name as usize);
            names.push(entry.name.to_vec());
            names.len() < room
        });
        for name in &names {
            let place = Place { directory, name };
            if let Ok(inode) = self.fs.lookup(self.lwp, place) {
                self.visit(inode, depth + 1);
            }
        }
    }

    /// Makes, moves and removes something, as far as that can be.
    fn change(&mut self, directory: Ino) {
        let (lwp, fs) = (self.lwp, self.fs);
        if fs.properties().read_only {
            return;
        }
        let new = |kind| Creation {
            kind,
            target: &[],
            mode: 0o755,
            owner: 0,
            group: 0,
            time: Time::default(),
        };
        let place = |name| Place { directory, name };
        let names: [&[u8]; 2] = [b"a new file with a long name", b"NEW"];
        for (kind, name) in [Kind::File, Kind::Directory].into_iter().zip(names) {
            let Ok(made) = fs.create(lwp, place(name), &new(kind)) else {
                continue;
            };
            assert_eq!(fs.lookup(lwp, place(name)), Ok(made));
            if kind == Kind::File && fs.write(lwp, made, 5000, b"bytes").is_ok() {
                let mut bytes = [0; 5];
                assert_eq!(fs.read(lwp, made, 5000, &mut bytes), Ok(5));
            }
            let _ = fs.rename(lwp, made, place(name), place(b"moved"), None);
            let _ = fs.remove(lwp, place(b"moved"), made);
            let _ = fs.forget(lwp, made);
        }
    }

    fn write(&mut self, file: Ino, size: u64) {
        if self.fs.properties().read_only {
            return;
        }
        for offset in [0, size / 2, size] {
            let _ = self.fs.write(self.lwp, file, offset, b"other bytes");
        }
        let changes = Changes {
            size: Some(size / 3),
            modified: Some(Time::default()),
            ..Changes::default()
        };
        let _ = self.fs.change(self.lwp, file, &changes);
    }

    fn read(&mut self, file: Ino, size: u64) {
        let mut piece = vec![0; 10_000];
        let mut at = 0;
        while at < size && self.left > 0 {
            match self.fs.read(self.lwp, file, at, &mut piece) {
                Ok(0) | Err(_) => break,
                Ok(len) => {
                    at += len as u64;
                    self.left = self.left.saturating_sub(len as u64);
                }
            }
        }
        for place in [0, size / 2, size.saturating_sub(1), u64::MAX] {
            let _ = self.fs.read(self.lwp, file, place, &mut piece[..7]);
            for hole in [false, true] {
                if let Err(errno) = self.fs.seek(self.lwp, file, place, hole) {
                    assert_ne!(errno, Errno::EOPNOTSUPP);
                }
            }
        }
    }
}
