//! Copies and archives, there and back again.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::{need, output};

use crate::image::host;
use crate::image::node::{Tree, compare};
use crate::{HARD, Tool};

/// A tree of the host; without what only an image has.
fn tree(path: &Path) -> Tree {
    let mut tree = host::tree(path);
    tree.retain(|path, _| path != b"lost+found" && path != b"/lost+found");
    tree
}

/// Beside the root, whose times are those of what was made in it.
fn same(ours: &Path, theirs: &Path) {
    let (mut ours, mut theirs) = (tree(ours), tree(theirs));
    let root = |tree: &mut Tree| tree.retain(|path, _| !path.is_empty());
    root(&mut ours);
    root(&mut theirs);
    compare(&ours, &theirs);
}

#[test]
fn what_is_copied_out_of_ext4_and_squashfs_is_what_went_in() {
    let test = "what_is_copied_out_of_ext4_and_squashfs_is_what_went_in";
    if !need(test, &["mke2fs", "mksquashfs", "timeout"]) {
        return;
    }
    let tool = Tool::new();
    let from = tool.tree(HARD);
    tool.ext4("a.img", &from, "64M");
    let mut mksquashfs = Command::new("mksquashfs");
    let to = tool.path("b.img");
    output(
        mksquashfs
            .arg(&from)
            .arg(to)
            .args(["-quiet", "-no-progress"]),
    );
    for image in ["a", "b"] {
        tool.run(&format!("fs cp -a {image}.img:/ {image}"));
        same(&tool.path(image), &from);
    }
    // Holes stay holes.
    use std::os::unix::fs::MetadataExt;
    let sparse = fs::metadata(tool.path("a/sparse")).expect("it was copied");
    assert!(
        sparse.blocks() * 512 < 1 << 20,
        "{} blocks",
        sparse.blocks()
    );
}

#[test]
fn what_is_copied_into_ext4_comes_back() {
    if !need(
        "what_is_copied_into_ext4_comes_back",
        &["mke2fs", "e2fsck", "timeout"],
    ) {
        return;
    }
    let tool = Tool::new();
    let from = tool.tree(HARD);
    let nothing = tool.path("nothing");
    fs::create_dir(&nothing).expect("a directory");
    tool.ext4("a.img", &nothing, "64M");
    tool.run("fs cp -w -a tree a.img:/");
    tool.is_clean("a.img");
    tool.run("fs cp -a a.img:/tree back");
    compare(&tree(&tool.path("back")), &tree(&from));
    // Once more over what is there: names of links are names of one file again.
    tool.run("fs cp -w -a tree a.img:/");
    tool.is_clean("a.img");
    tool.run("fs cp -a a.img:/tree again");
    compare(&tree(&tool.path("again")), &tree(&from));
}

#[test]
fn archives_are_those_of_tar() {
    if !need(
        "archives_are_those_of_tar",
        &["mke2fs", "e2fsck", "tar", "timeout"],
    ) {
        return;
    }
    let tool = Tool::new();
    let from = tool.tree(HARD);
    tool.ext4("a.img", &from, "64M");
    tool.run("fs tar a.img:/ -f ours.tar");
    let unpacked = tool.path("unpacked");
    fs::create_dir(&unpacked).expect("a directory");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&unpacked);
    output(tar.args(["--xattrs", "-xpf"]).arg(tool.path("ours.tar")));
    same(&unpacked, &from);

    let nothing = tool.path("nothing");
    fs::create_dir(&nothing).expect("a directory");
    tool.ext4("b.img", &nothing, "64M");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(&from).args(["--xattrs", "-cf"]);
    output(tar.arg(tool.path("theirs.tar")).arg("."));
    tool.run("fs tar -w -x b.img:/ -f theirs.tar");
    tool.is_clean("b.img");
    tool.run("fs cp -a b.img:/ back");
    same(&tool.path("back"), &from);
}
