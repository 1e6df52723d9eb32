//! Images of disks: of each file system one that others made, with changes, which is read, written and unmounted.
//!
//! The images are in `tests/fuzz/images`, as those pieces of 64 bytes that are not all zero, each with its number; most
//! are without checksums, so that changes get deep. An input is the number of an image, and changes of a few bytes where
//! the image has some.

use std::sync::{Arc, Mutex};

use base::{Config, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::{Dev, Disk, Geometry, Operation, Request};
use ext4::Ext4Format;
use vfs::{Changes, Creation, Existence, FileSystem, Format, Ino, Kind, MountArguments, Place, Time};

use crate::bytes::Bytes;

static PARAMS: &[ParamSpec] = &[
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
        default: "256KiB",
        doc: "",
    },
];

static SYSTEM: System = System {
    name: "fuzz",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &bio::COMPONENT],
    params: PARAMS,
};

const BLOCK: usize = 512;
const PIECE: usize = 64;

/// Entries of directories that are looked at, all in all.
const MOST: usize = 300;

/// Made by mke2fs from a small tree, with names enough for an index: without and with checksums; of ext2; with a journal
/// in which debugfs left a transaction.
const EXT4: &[&[u8]] = &[
    include_bytes!("../../images/ext4-plain.pieces"),
    include_bytes!("../../images/ext4-sums.pieces"),
    include_bytes!("../../images/ext4-old.pieces"),
    include_bytes!("../../images/ext4-journal.pieces"),
];

pub(crate) fn ext4(bytes: &[u8]) {
    run(bytes, EXT4, &Ext4Format);
}

/// A disk in memory.
struct Memory(Mutex<Vec<u8>>);

impl Disk for Memory {
    fn geometry(&self) -> Geometry {
        Geometry {
            block_size: BLOCK as u32,
            blocks: (self.0.lock().unwrap().len() / BLOCK) as u64,
            read_only: false,
            largest: 1 << 20,
        }
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        let start = request.first as usize * BLOCK;
        let mut disk = self.0.lock().unwrap();
        let place = disk.get_mut(start..start + request.buffer.len());
        let place = place.expect("requests fit the geometry");
        match request.operation {
            Operation::Read => request.buffer.copy_from_slice(place),
            Operation::Write => place.copy_from_slice(&request.buffer),
            Operation::Flush | Operation::Discard { .. } => {}
        }
        drop(disk);
        request.complete(lwp, Ok(()));
    }
}

/// Lays out an image.
fn unpack(packed: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four")) as usize;
    let (size, pieces) = packed.split_at(4);
    let mut image = vec![0; number(size)];
    let mut places = Vec::new();
    for piece in pieces.chunks_exact(4 + PIECE) {
        let start = number(&piece[..4]) * PIECE;
        let len = PIECE.min(image.len() - start);
        image[start..start + len].copy_from_slice(&piece[4..4 + len]);
        places.push(start);
    }
    (image, places)
}

fn run(bytes: &[u8], images: &[&[u8]], format: &dyn Format) {
    let mut bytes = Bytes(bytes);
    let first = bytes.byte();
    let (mut image, places) = unpack(images[usize::from(first) % images.len()]);
    let read_only = first & 0x80 != 0;
    while !bytes.is_empty() {
        let place = places[usize::from(bytes.short()) % places.len()];
        let how = bytes.byte();
        let at = place + usize::from(how) % PIECE;
        match how / PIECE as u8 {
            0 => image[at] = bytes.byte(),
            1 => image[at] ^= 1 << (bytes.byte() % 8),
            2 => image[at..][..4].copy_from_slice(&[bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte()]),
            // Something of it again, elsewhere.
            _ => {
                let from = places[usize::from(bytes.short()) % places.len()];
                let piece = image[from..from + 16].to_vec();
                image[at & !15..][..16].copy_from_slice(&piece);
            }
        }
    }
    let disk = Arc::new(Memory(Mutex::new(image.clone())));
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).expect("it boots");
    let before = kernel.instance().memory().used();
    let used = enter(kernel.process(), |lwp| {
        let dev = lwp.state::<Dev>()?;
        let unit = dev.add_disk("image", disk.clone());
        let arguments = MountArguments {
            source: b"image0",
            read_only,
            options: "",
        };
        format.recognises(lwp, b"image0");
        if let Ok(mounted) = format.mount(lwp, &arguments) {
            Visit { lwp, fs: &*mounted, left: MOST }.all();
            let _ = mounted.unmount(lwp);
        }
        dev.remove_disk(&unit);
        Ok(lwp.instance().memory().used())
    });
    assert_eq!(used, Ok(before), "the kernel lives, and has its memory back");
    if read_only {
        assert!(*disk.0.lock().unwrap() == image, "a mount to read only wrote");
    }
}

/// A visit of everything in a file system.
struct Visit<'a> {
    lwp: &'a Lwp<'a>,
    fs: &'a dyn FileSystem,
    left: usize,
}

impl Visit<'_> {
    fn all(&mut self) {
        let root = self.fs.root();
        let _ = self.fs.usage(self.lwp);
        let mut open = vec![root];
        let mut files = Vec::new();
        while let Some(directory) = open.pop() {
            for (name, number) in self.list(directory) {
                let place = Place { directory, name: &name };
                let Ok(found) = self.fs.lookup(self.lwp, place) else {
                    continue;
                };
                // What the directory says and what a look-up finds may differ where the image contradicts itself.
                let _ = number;
                let Ok(known) = self.fs.attributes(self.lwp, found) else {
                    continue;
                };
                match known.kind {
                    Kind::Directory => open.push(found),
                    Kind::Symlink => drop(self.fs.read_link(self.lwp, found)),
                    _ => self.read(found, known.size),
                }
                files.push((directory, name, found, known.kind));
            }
        }
        if !self.fs.properties().read_only {
            self.change(&files);
        }
    }

    fn list(&mut self, directory: Ino) -> Vec<(Vec<u8>, Ino)> {
        let mut entries = Vec::new();
        let mut from = 0;
        // In two parts, so that a number is used.
        for part in [10, self.left] {
            let mut taken = 0;
            let _ = self.fs.entries(self.lwp, directory, from, &mut |entry| {
                taken += 1;
                if taken > part || self.left == 0 {
                    return false;
                }
                self.left -= 1;
                from = entry.next;
                entries.push((entry.name.to_vec(), entry.number));
                true
            });
        }
        entries
    }

    fn read(&self, file: Ino, size: u64) {
        let mut bytes = vec![0; 40_000];
        for at in [0, 3000, size / 2, size.saturating_sub(100)] {
            if let Ok(len) = self.fs.read(self.lwp, file, at, &mut bytes) {
                assert!(len <= bytes.len());
            }
            let mut long = vec![0; 100_000];
            let mut pages: Vec<_> = long.chunks_mut(4096).collect();
            let _ = self.fs.read_pieces(self.lwp, file, at, &mut pages);
            let _ = self.fs.seek(self.lwp, file, at, true);
            let _ = self.fs.seek(self.lwp, file, at, false);
        }
        for name in self.fs.xattrs(self.lwp, file).unwrap_or_default() {
            let _ = self.fs.xattr(self.lwp, file, &name);
        }
    }

    fn change(&self, files: &[(Ino, Vec<u8>, Ino, Kind)]) {
        let (lwp, fs) = (self.lwp, self.fs);
        let new = |kind| Creation {
            kind,
            target: b"",
            mode: 0o644,
            owner: 1,
            group: 2,
            time: Time::default(),
        };
        let mut directories: Vec<Ino> = files.iter().map(|(directory, ..)| *directory).collect();
        directories.push(fs.root());
        directories.sort_unstable();
        directories.dedup();
        for directory in directories.into_iter().take(8) {
            let place = |name| Place { directory, name };
            if let Ok(made) = fs.create(lwp, place(b"made"), &new(Kind::File)) {
                let _ = fs.write(lwp, made, 5000, &[1; 3000]);
                let _ = fs.set_xattr(lwp, made, b"user.x", Some(&[3; 100]), Existence::Any);
                let _ = fs.rename(lwp, made, place(b"made"), place(b"moved"), None);
                let _ = fs.link(lwp, made, place(b"linked"));
                let _ = fs.remove(lwp, place(b"moved"), made);
            }
            if let Ok(made) = fs.create(lwp, place(b"directory"), &new(Kind::Directory)) {
                let _ = fs.remove(lwp, place(b"directory"), made);
                let _ = fs.forget(lwp, made);
            }
        }
        let _ = fs.sync(lwp);
        for (index, (directory, name, number, kind)) in files.iter().enumerate().take(40) {
            let place = Place { directory: *directory, name };
            if *kind == Kind::File {
                let _ = fs.write(lwp, *number, 1000, &[2; 2000]);
                let size = Some(index as u64 * 700);
                let _ = fs.change(lwp, *number, &Changes { size, ..Changes::default() });
                let _ = fs.punch(lwp, *number, 1024, 4096);
                let _ = fs.allocate(lwp, *number, 10_000, 4096);
            }
            let _ = fs.remove(lwp, place, *number);
            let _ = fs.forget(lwp, *number);
        }
    }
}
