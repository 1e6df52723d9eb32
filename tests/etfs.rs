//! Files of the host under names of the kernel's, from C: NetBSD's calls.

use std::fs::{self, File};
use std::process::Command;

use tests::{Configuration, Link, compile, need, output};

#[test]
fn an_image_and_a_directory_of_the_host_are_used_by_names_of_the_kernels() {
    let test = "an_image_and_a_directory_of_the_host_are_used_by_names_of_the_kernels";
    if !need(test, &["pkg-config", "mke2fs", "debugfs", "e2fsck"]) {
        return;
    }
    let configuration = Configuration::build("etfs", &["--components", "etfs,ext4"]);
    let folder = tempfile::tempdir().unwrap();
    let link = Link::Static(&configuration);
    let program = compile(folder.path(), "etfs", &["programs/etfs.c"], &[], link);
    let (image, tree) = (folder.path().join("image"), folder.path().join("tree"));
    fs::create_dir_all(tree.join("sub")).unwrap();
    fs::write(tree.join("greeting"), "hello").unwrap();
    fs::write(tree.join("sub/file"), "inside").unwrap();
    File::create(&image).unwrap().set_len(8 << 20).unwrap();
    output(
        Command::new("mke2fs")
            .args(["-q", "-t", "ext4", "-d"])
            .args([&tree, &image]),
    );

    let said = output(Command::new(program).args([&image, &tree]));
    let expected =
        "ext4 says hello\nagain EEXIST\nabsent ENOENT\nthe directory says inside\nthen ENOENT\n";
    assert_eq!(said, expected);
    let cat = output(
        Command::new("debugfs")
            .args(["-R", "cat /answer"])
            .arg(&image),
    );
    assert_eq!(cat, "from the kernel");
    output(Command::new("e2fsck").arg("-fn").arg(&image));
    assert_eq!(fs::read(tree.join("new")).unwrap(), b"new");
}
