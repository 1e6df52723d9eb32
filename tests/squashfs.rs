//! Images of `mksquashfs`, by all compressors, against the tree they were made of.

mod image;

use std::path::Path;
use std::process::Command;

use base::Errno;
use tempfile::TempDir;
use vfs::{Device, Kind, Place};

use image::host::{Wanted, plant};
use image::node::{compare, tree};
use image::{load, mounted, run};

const WANTED: Wanted = Wanted {
    any_names: true,
    unix: true,
    xattrs: true,
    crowd: 2000,
    depth: 12,
};

fn make(from: &Path, image: &Path, options: &[&str]) {
    let mut mksquashfs = Command::new("mksquashfs");
    mksquashfs
        .arg(from)
        .arg(image)
        .args(["-noappend", "-quiet"]);
    run(mksquashfs.args(["-no-progress"]).args(options));
}

#[test]
fn images_of_all_compressors_are_the_trees_they_were_made_of() {
    if !tests::need("squashfs", &["mksquashfs"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    plant(&from, WANTED);
    let theirs = image::host::tree(&from);
    let path = directory.path().join("image");
    for options in [
        "-comp gzip",
        "-comp xz",
        "-comp xz -Xbcj x86,arm",
        "-comp zstd -b 1M",
        "-comp lz4 -b 4K",
        "-comp lz4 -Xhc",
        "-comp lzo",
        "-noI -noD -noF -noX -no-exports",
        "-no-fragments -no-duplicates",
        "-always-use-fragments -b 64K",
    ] {
        make(&from, &path, &options.split(' ').collect::<Vec<_>>());
        let ours = mounted(squashfs::mount, &load(&path), true, tree);
        println!("{options}");
        compare(&ours.expect("it is read"), &theirs);
    }
}

#[test]
fn devices_holes_and_owners_are_those_of_the_image() {
    if !tests::need("squashfs", &["mksquashfs"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    let sparse = std::fs::File::create(from.join("sparse")).expect("a file");
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"x", 1 << 20).expect("it grows");
    sparse.set_len(3 << 20).expect("it grows");
    let path = directory.path().join("image");
    let pseudo = [
        ("-p", "console c 620 7 70000 5 300"),
        ("-p", "disk b 660 0 6 4095 1048575"),
        ("-p", "sparse m 600 65537 3"),
    ];
    let options: Vec<_> = pseudo.iter().flat_map(|(a, b)| [*a, *b]).collect();
    make(&from, &path, &options);
    mounted(squashfs::mount, &load(&path), true, |lwp, fs| {
        let find = |name: &[u8]| {
            let directory = fs.root();
            fs.lookup(lwp, Place { directory, name })
        };
        let of = |name: &[u8]| fs.attributes(lwp, find(name).unwrap()).unwrap();
        let console = of(b"console");
        let device = |major, minor| Device { major, minor };
        assert_eq!(console.kind, Kind::Character(device(5, 300)));
        assert_eq!(
            (console.mode, console.owner, console.group),
            (0o620, 7, 70000)
        );
        assert_eq!(of(b"disk").kind, Kind::Block(device(4095, 1_048_575)));
        let sparse = of(b"sparse");
        assert_eq!((sparse.owner, sparse.size), (65537, 3 << 20));
        assert_eq!(sparse.space, 128 << 10);
        let seek = |offset, hole| fs.seek(lwp, sparse.number, offset, hole);
        assert_eq!(seek(0, false), Ok(1 << 20));
        assert_eq!(seek(1 << 20, true), Ok((1 << 20) + (128 << 10)));
        assert_eq!(seek(2 << 20, false), Err(Errno::ENXIO));
        assert_eq!(seek(5, true), Ok(5));
        assert_eq!(seek(3 << 20, true), Err(Errno::ENXIO));
        assert_eq!(find(b"nothing"), Err(Errno::ENOENT));
        let read = fs.read(lwp, fs.root(), 0, &mut [0]);
        assert_eq!(read, Err(Errno::EISDIR));
        assert_eq!(fs.write(lwp, sparse.number, 0, b"x"), Err(Errno::EROFS));
    });
}

#[test]
fn names_are_found_in_any_order() {
    if !tests::need("squashfs", &["mksquashfs"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    let many: usize = 5000;
    let name = |number: usize| format!("name-{number:04}");
    for among in ["a", "b"] {
        std::fs::create_dir_all(from.join(among)).expect("a directory");
        for number in 0..many {
            std::fs::File::create(from.join(among).join(name(number))).expect("a file");
        }
    }
    let path = directory.path().join("image");
    make(&from, &path, &[]);
    mounted(squashfs::mount, &load(&path), true, |lwp, fs| {
        let find = |directory, name: &str| {
            let name = name.as_bytes();
            fs.lookup(lwp, Place { directory, name })
        };
        let both = ["a", "b"].map(|name| find(fs.root(), name).unwrap());
        let listed = both.map(|directory| {
            let mut all = Vec::new();
            let each = &mut |entry: vfs::Entry<'_>| {
                all.push(entry.number);
                true
            };
            fs.entries(lwp, directory, 0, each).unwrap();
            all
        });
        assert_eq!(listed.each_ref().map(Vec::len), [many; 2]);
        let orders: [&dyn Fn(usize) -> usize; 4] = [
            &|step| step,
            &|step| many - 1 - step,
            &|step| step * 1999 % many,
            // To and fro: behind the last one, and before it.
            &|step| step ^ 3,
        ];
        for order in orders {
            for step in 0..many {
                let number = order(step);
                for (directory, all) in both.iter().zip(&listed) {
                    let name = name(number);
                    assert_eq!(find(*directory, &name), Ok(all[number]), "{name}");
                    let none = find(*directory, &format!("{name}x"));
                    assert_eq!(none, Err(Errno::ENOENT), "{name}x");
                }
            }
        }
        for name in ["", "a", "name", "name-5000", "z"] {
            assert_eq!(find(both[0], name), Err(Errno::ENOENT), "{name}");
            assert_eq!(find(both[0], "name-0000"), Ok(listed[0][0]));
        }
    });
}

#[test]
fn a_failure_says_what_is_wrong_and_where() {
    if !tests::need("squashfs", &["mksquashfs"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    plant(
        &from,
        Wanted {
            crowd: 10,
            ..WANTED
        },
    );
    let path = directory.path().join("image");
    make(&from, &path, &[]);
    let whole = std::fs::read(&path).expect("the image");
    let failure = |bytes: Vec<u8>| {
        image::in_kernel(|lwp| {
            let unit = image::unit(lwp, &image::disk(bytes));
            let volume = bio::Volume::over(lwp, unit, true).unwrap();
            let failure = squashfs::mount(lwp, volume).err();
            failure.expect("it is not mounted").to_string()
        })
    };
    assert!(failure(whole[..whole.len() / 2].to_vec()).contains("it was cut off"));
    assert!(failure(vec![0; 4096]).contains("no squashfs"));
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        failure(bytes)
    };
    assert_eq!(changed(28, 3), "byte 28: squashfs 3.0, which is not 4.0");
    assert!(changed(13, 1).contains("blocks of"));
    assert!(changed(20, 2).contains("compressor 2"));
    assert!(changed(32, 255).contains("root"));
    assert!(changed(79, 9).contains("byte 72: a table"));
}
