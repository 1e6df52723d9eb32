//! Manifests and configurations with random changes: whatever is in such a file, it is read, or it is said in words what
//! is wrong. `tests/fuzz` has targets that go on from the same inputs.

use std::fs;
use std::path::{Path, PathBuf};

use rumpgen::manifest::load::{Root, load};
use rumpgen::plan::Origin;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Numbers from a seed (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }
}

/// What means something in TOML, and what does not.
const LETTERS: &[u8] = b"\"'[]{}=.,#\n -_0a\xff\\";

/// Bytes with one to four changes: one is another, a piece is gone, is there twice, or is out of another text.
fn changed(bytes: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(40)).min(bytes.len());
        match numbers.below(5) {
            0 if at < bytes.len() => bytes[at] = LETTERS[numbers.below(LETTERS.len())],
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let from = numbers.below(other.len());
                let piece = &other[from..(from + numbers.below(60)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// All files in these folders.
fn files(folders: &[&str]) -> Vec<Vec<u8>> {
    let all = folders.iter().flat_map(|folder| {
        let folder = walkdir::WalkDir::new(repository().join(folder)).sort_by_file_name();
        let entries = folder.into_iter().map(Result::unwrap);
        entries.filter(|entry| entry.file_type().is_file())
    });
    let all: Vec<Vec<u8>> = all.map(|entry| fs::read(entry.path()).unwrap()).collect();
    assert!(all.len() > 10);
    all
}

/// Reads each text as it is, and so many times with changes.
fn read_all(texts: &[Vec<u8>], times: usize, read: impl Fn(&[u8])) {
    let mut numbers = Numbers(0x7275_6d70);
    for text in texts {
        read(text);
        for _ in 0..times {
            let other = &texts[numbers.below(texts.len())];
            read(&changed(text, other, &mut numbers));
        }
    }
}

#[test]
fn manifests_are_read_or_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root {
        folder: folder.path().to_owned(),
        base: folder.path().to_owned(),
        origin: Origin::OutOfTree,
        place: None,
    };
    let texts = files(&["component-manifests", "tests/fuzz/corpus/manifest"]);
    read_all(&texts, 20, |text| {
        fs::write(folder.path().join("it.toml"), text).unwrap();
        if let Err(found) = load(std::slice::from_ref(&root)) {
            assert!(!found.render(false).is_empty());
        }
    });
}

#[test]
fn configurations_are_read_or_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(rumpgen::config::FILE);
    let texts = files(&["tests/fuzz/corpus/configuration"]);
    read_all(&texts, 20, |text| {
        fs::write(&file, text).unwrap();
        if let Err(found) = rumpgen::config::read(&file) {
            assert!(!found.render(false).is_empty());
        }
    });
}
