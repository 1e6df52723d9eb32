//! The one place that changes the disk: brings a folder into the state of a [`Tree`].
//!
//! What is already so is left alone, byte for byte and in its time stamp, because cargo rebuilds
//! what looks newer. What the tree does not name is removed, except what cargo itself keeps there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::diagnostic::Diagnostic;
use crate::emit::Tree;

/// What cargo keeps in the folder of a workspace.
const CARGOS_OWN: [&str; 3] = ["target", "vendor", "Cargo.lock"];
/// The file that shows that a folder is ours.
const STAMP: &str = "plan.json";

/// How the crates' sources get into the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sourcing {
    /// Symbolic links: an edit of the source is an edit of every workspace.
    Links,
    /// Copies: the workspace can be carried away.
    Copies,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files and links made or changed.
    pub changed: usize,
    /// Files and links that were right already.
    pub kept: usize,
    /// Files, links and folders removed.
    pub removed: usize,
}

/// Brings `folder` into the state of `tree`.
pub fn write(tree: &Tree, folder: &Path, sourcing: Sourcing) -> Result<Written, Diagnostic> {
    let foreign = folder.exists() && !folder.join(STAMP).exists() && !is_empty(folder);
    if foreign {
        let message = format!("{} exists and holds something else", folder.display());
        return Err(Diagnostic::new(message).help("name another folder, or remove this one"));
    }
    let mut writer = Writer {
        folder,
        written: Written::default(),
        known: BTreeSet::new(),
    };
    let done = writer.tree(tree, sourcing);
    done.map_err(|(path, error)| {
        Diagnostic::new(format!("cannot write {}: {error}", path.display()))
    })?;
    Ok(writer.written)
}

type Failed = (PathBuf, io::Error);

struct Writer<'a> {
    folder: &'a Path,
    written: Written,
    known: BTreeSet<PathBuf>,
}

impl Writer<'_> {
    fn tree(&mut self, tree: &Tree, sourcing: Sourcing) -> Result<(), Failed> {
        // Lock files are cargo's after it has pruned them, until the plan behind them changes.
        let stamp = fs::read_to_string(self.folder.join(STAMP)).unwrap_or_default();
        let reseed = tree.files.get(STAMP) != Some(&stamp);
        for (path, text) in &tree.seeds {
            let place = self.folder.join(path);
            if reseed || !place.exists() {
                self.file(&place, text.as_bytes())?;
            }
            self.known.insert(place);
        }
        for (path, source) in &tree.links {
            let place = self.folder.join(path);
            match sourcing {
                Sourcing::Links => self.link(&place, source)?,
                Sourcing::Copies => self.copy(&place, source)?,
            }
        }
        let stamp_last = tree.files.iter().filter(|(path, _)| *path != STAMP);
        for (path, text) in stamp_last.chain(tree.files.get_key_value(STAMP)) {
            let place = self.folder.join(path);
            self.file(&place, text.as_bytes())?;
        }
        self.prune(self.folder)?;
        Ok(())
    }

    /// Makes a file hold these bytes; readers see the old ones or the new ones.
    fn file(&mut self, place: &Path, bytes: &[u8]) -> Result<(), Failed> {
        self.known.insert(place.to_owned());
        if !place.is_symlink() && fs::read(place).is_ok_and(|old| old == bytes) {
            self.written.kept += 1;
            return Ok(());
        }
        self.make_way(place)?;
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = place.with_file_name(name);
        at(&new, fs::write(&new, bytes))?;
        at(place, fs::rename(&new, place))?;
        self.written.changed += 1;
        Ok(())
    }

    fn link(&mut self, place: &Path, source: &Path) -> Result<(), Failed> {
        self.known.insert(place.to_owned());
        let target = relative(place.parent().unwrap_or(place), source);
        if fs::read_link(place).is_ok_and(|old| old == target) {
            self.written.kept += 1;
            return Ok(());
        }
        self.make_way(place)?;
        match symlink(&target, place) {
            // Some file systems have no links; copies do, they are only not live.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
                ) =>
            {
                self.copy(place, source)
            }
            result => {
                self.written.changed += 1;
                at(place, result)
            }
        }
    }

    fn copy(&mut self, place: &Path, source: &Path) -> Result<(), Failed> {
        // Through a link left there, the source would look like its copy.
        if place.is_symlink() {
            at(place, fs::remove_file(place))?;
        }
        if !source.is_dir() {
            let bytes = at(source, fs::read(source))?;
            return self.file(place, &bytes);
        }
        for entry in at(source, fs::read_dir(source))? {
            let entry = at(source, entry)?;
            self.copy(&place.join(entry.file_name()), &entry.path())?;
        }
        Ok(())
    }

    /// Removes whatever stands where a file or link will be made, and makes the folders above.
    fn make_way(&mut self, place: &Path) -> Result<(), Failed> {
        for above in place
            .ancestors()
            .skip(1)
            .take_while(|above| *above != self.folder)
        {
            if above.is_symlink() || above.is_file() {
                at(above, fs::remove_file(above))?;
            }
        }
        if let Some(parent) = place.parent() {
            at(parent, fs::create_dir_all(parent))?;
        }
        if place.is_dir() && !place.is_symlink() {
            at(place, fs::remove_dir_all(place))?;
        } else if place.is_symlink() {
            at(place, fs::remove_file(place))?;
        }
        Ok(())
    }

    /// Removes what the tree does not name and says whether the folder is empty after that.
    fn prune(&mut self, folder: &Path) -> Result<bool, Failed> {
        let mut empty = true;
        for entry in at(folder, fs::read_dir(folder))? {
            let entry = at(folder, entry)?;
            let path = entry.path();
            let cargos_own =
                folder == self.folder && CARGOS_OWN.iter().any(|own| entry.file_name() == *own);
            let is_dir = at(&path, entry.file_type())?.is_dir();
            if cargos_own || self.known.contains(&path) || (is_dir && !self.prune(&path)?) {
                empty = false;
            } else {
                let removed = if is_dir {
                    fs::remove_dir(&path)
                } else {
                    fs::remove_file(&path)
                };
                at(&path, removed)?;
                self.written.removed += 1;
            }
        }
        Ok(empty)
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, Failed> {
    result.map_err(|error| (path.to_owned(), error))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _place: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// How to get from `folder` to `target`, so that the two can be moved together.
fn relative(folder: &Path, target: &Path) -> PathBuf {
    let here = absolute(folder);
    let there = absolute(target);
    let shared = here
        .components()
        .zip(there.components())
        .take_while(|(a, b)| a == b)
        .count();
    // Two places that share nothing but the root move apart rather than together.
    if shared <= 1 {
        return there;
    }
    let up = here.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(there.components().skip(shared)).collect()
}

fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // A folder that does not exist yet has only its existing part resolved.
    for above in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (above.canonicalize(), absolute.strip_prefix(above)) {
            return real.join(rest);
        }
    }
    absolute
}
