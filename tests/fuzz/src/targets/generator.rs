//! What the generator reads: manifests and configurations. What is wrong with them is said in words.

use std::cell::LazyCell;
use std::fs;
use std::path::PathBuf;

use rumpgen::manifest::load::{Root, load};
use rumpgen::plan::Origin;

thread_local! {
    /// A folder with a file.
    static FOLDER: LazyCell<PathBuf> = const { LazyCell::new(folder) };
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rump-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Has a file hold these bytes.
fn with_file(name: &str, bytes: &[u8], f: impl FnOnce(PathBuf)) {
    FOLDER.with(|folder| {
        let file = folder.join(name);
        fs::write(&file, bytes).unwrap();
        f(file);
    });
}

pub(crate) fn manifest(bytes: &[u8]) {
    with_file("it.toml", bytes, |file| {
        let folder = file.parent().unwrap().to_owned();
        let root = Root {
            base: folder.clone(),
            folder,
            origin: Origin::OutOfTree,
            place: None,
        };
        if let Err(found) = load(&[root]) {
            assert!(!found.render(false).is_empty());
        }
    });
}

pub(crate) fn configuration(bytes: &[u8]) {
    with_file(rumpgen::config::FILE, bytes, |file| {
        if let Err(found) = rumpgen::config::read(&file) {
            assert!(!found.render(false).is_empty());
        }
    });
}
