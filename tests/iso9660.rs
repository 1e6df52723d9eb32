//! Images of `genisoimage` and `xorriso`, with all kinds of names, against the tree they were made of.

mod image;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base::{Errno, Failure, Lwp};
use bio::Volume;
use tempfile::TempDir;
use vfs::{FileSystem, Kind, Place};

use image::host::{Wanted, noise, plant};
use image::node::{Tree, compare, tree};
use image::{load, mounted, run};

fn by_default(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    iso9660::mount(lwp, volume, "")
}

fn joliet(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    iso9660::mount(lwp, volume, "norock")
}

fn plain(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Arc<dyn FileSystem>, Failure> {
    iso9660::mount(lwp, volume, "norock,nojoliet")
}

/// Makes an image with a program that takes the arguments of `mkisofs`.
fn make(program: &str, arguments: &[&str], from: &Path, image: &Path) {
    let mut words = program.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).arg("-quiet").args(arguments);
    // Bytes of names stay as they are.
    run(command.env("LC_ALL", "C").arg("-o").arg(image).arg(from));
}

/// What no tool counts as the host does.
fn without_links(mut tree: Tree) -> Tree {
    for node in tree
        .values_mut()
        .filter(|node| node.kind == Kind::Directory)
    {
        node.links = 1;
    }
    tree
}

#[test]
fn rock_ridge_tells_all_of_a_tree() {
    if !tests::need("iso9660", &["genisoimage", "xorriso"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    let wanted = Wanted {
        any_names: true,
        unix: true,
        xattrs: false,
        crowd: 500,
        depth: 12,
    };
    plant(&from, wanted);
    let theirs = without_links(image::host::tree(&from));
    let path = directory.path().join("image");
    let charsets = [
        "-input-charset",
        "iso8859-1",
        "-output-charset",
        "iso8859-1",
    ];
    for (program, arguments) in [
        ("genisoimage", &["-R"][..]),
        ("genisoimage", &["-R", "-J", "-joliet-long"]),
        ("xorriso -as mkisofs", &["-R"]),
        ("xorriso -as mkisofs", &["-R", "-D", "-J"]),
    ] {
        println!("{program} {arguments:?}");
        let more = match program {
            "genisoimage" => &charsets[..],
            _ => &[],
        };
        make(program, &[arguments, more].concat(), &from, &path);
        let ours = mounted(by_default, &load(&path), true, tree).expect("it is read");
        let mut ours = without_links(ours);
        // Where directories are that are too deep for ISO 9660 alone; they are not seen there.
        ours.remove(&b"rr_moved"[..]);
        compare(&ours, &theirs);
    }
}

/// A tree whose names all systems have.
fn common(directory: &Path, depth: usize) -> std::path::PathBuf {
    let from = directory.join("tree");
    std::fs::create_dir(&from).expect("a directory");
    let wanted = Wanted {
        any_names: false,
        unix: false,
        xattrs: false,
        crowd: 200,
        depth,
    };
    plant(&from, wanted);
    from
}

/// The contents of files, by what a name becomes.
fn contents(tree: Tree, name: impl Fn(&[u8]) -> Vec<u8>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let named = tree
        .into_iter()
        .map(|(path, node)| (name(&path), node.bytes));
    named.collect()
}

#[test]
fn joliet_tells_names_whatever_their_case() {
    if !tests::need("iso9660", &["genisoimage"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = common(directory.path(), 5);
    std::fs::write(from.join("Gr\u{fc}\u{df}e \u{2603}.Text"), "snow").expect("a file");
    let path = directory.path().join("image");
    let charset = ["-J", "-R", "-input-charset", "utf-8"];
    make("genisoimage", &charset, &from, &path);
    let theirs = contents(image::host::tree(&from), <[u8]>::to_vec);
    let disk = load(&path);
    let ours = mounted(joliet, &disk, true, tree).expect("it is read");
    assert!(contents(ours, <[u8]>::to_vec) == theirs);
    mounted(joliet, &disk, true, |lwp, fs| {
        assert!(fs.properties().folds_case);
        let directory = fs.root();
        let find = |name: &str| {
            let name = name.as_bytes();
            fs.lookup(lwp, Place { directory, name })
        };
        assert_eq!(find("TEXT"), find("text"));
        assert_eq!(
            find("gr\u{dc}\u{df}E \u{2603}.tEXT"),
            find("Gr\u{fc}\u{df}e \u{2603}.Text")
        );
        assert!(find("text").is_ok());
        assert_eq!(find("tex"), Err(Errno::ENOENT));
    });
}

#[test]
fn plain_names_are_as_linux_shows_them() {
    if !tests::need("iso9660", &["genisoimage"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir(&from).expect("a directory");
    for name in ["readme.txt", "noext", "Mixed.Case"] {
        std::fs::write(from.join(name), name).expect("a file");
    }
    std::fs::create_dir(from.join("dir.d")).expect("a directory");
    std::fs::write(from.join("dir.d/size"), noise(100_000)).expect("a file");
    let path = directory.path().join("image");
    let arguments = ["-iso-level", "3", "-J", "-R", "-input-charset", "utf-8"];
    make("genisoimage", &arguments, &from, &path);
    let ours = mounted(plain, &load(&path), true, tree).expect("it is read");
    let theirs = contents(image::host::tree(&from), <[u8]>::to_ascii_lowercase);
    let names = |tree: &BTreeMap<Vec<u8>, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
    let attributes = ours[&b"readme.txt"[..]].clone();
    assert_eq!((attributes.mode, attributes.owner), (0o555, (0, 0)));
    let ours = contents(ours, |path| match path.strip_prefix(b"dir_d") {
        Some(rest) => [b"dir.d", rest].concat(),
        None => path.to_vec(),
    });
    assert_eq!(names(&ours), names(&theirs));
    assert!(ours == theirs);
}

#[test]
fn a_file_may_be_in_pieces_and_a_directory_in_no_two_places() {
    if !tests::need("iso9660", &["genisoimage"]) {
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let from = directory.path().join("tree");
    std::fs::create_dir_all(from.join("outer/inner")).expect("a directory");
    std::fs::write(from.join("pieces1"), noise(5000)).expect("a file");
    std::fs::write(from.join("pieces2"), noise(3000)).expect("a file");
    let path = directory.path().join("image");
    make("genisoimage", &["-input-charset", "utf-8"], &from, &path);
    let mut bytes = std::fs::read(&path).expect("the image");
    let record = |bytes: &[u8], name: &[u8]| {
        // Its length stands before it, in a record and not in the path table.
        let name = [&[name.len() as u8], name].concat();
        let mut windows = bytes.windows(name.len());
        windows.position(|window| window == name).expect("a name") - 32
    };
    // The first file goes on with what was the second.
    let first = record(&bytes, b"PIECES1.;1");
    bytes[first + 25] |= 0x80;
    mounted(plain, &image::disk(bytes.clone()), true, |lwp, fs| {
        let tree = tree(lwp, fs).expect("it is read");
        assert!(!tree.contains_key(&b"pieces2"[..]));
        let pieces = &tree[&b"pieces1"[..]];
        assert!(pieces.bytes == [noise(5000), noise(3000)].concat());
    });
    // The inner directory is the outer one.
    let outer = record(&bytes, b"OUTER");
    let place = bytes[outer + 2..outer + 10].to_vec();
    let inner = record(&bytes, b"INNER");
    bytes[inner + 2..inner + 10].copy_from_slice(&place);
    mounted(plain, &image::disk(bytes), true, |lwp, fs| {
        assert_eq!(tree(lwp, fs).err(), Some(Errno::EUCLEAN));
    });
}
