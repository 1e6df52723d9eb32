//! Symbols of objects, archives and shared libraries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use object::read::archive::ArchiveFile;
use object::{File, Object, ObjectSymbol};

use crate::diagnostic::Diagnostic;

/// Names in the index of a static library: what its members define for others.
pub fn archive_index(path: &Path) -> Result<BTreeSet<String>, Diagnostic> {
    let data = load(path)?;
    let archive = ArchiveFile::parse(&*data).map_err(|error| unreadable(path, error))?;
    let index = archive.symbols().map_err(|error| unreadable(path, error))?;
    let symbols = index.into_iter().flatten().filter_map(Result::ok);
    Ok(symbols
        .map(|symbol| String::from_utf8_lossy(symbol.name()).into_owned())
        .collect())
}

/// Names the objects of an archive use and do not define. Rust's metadata in it is no object.
pub fn archive_undefined(path: &Path) -> Result<BTreeSet<String>, Diagnostic> {
    let data = load(path)?;
    let archive = ArchiveFile::parse(&*data).map_err(|error| unreadable(path, error))?;
    let mut names = BTreeSet::new();
    for member in archive.members() {
        let member = member.map_err(|error| unreadable(path, error))?;
        let bytes = member
            .data(&*data)
            .map_err(|error| unreadable(path, error))?;
        if let Ok(object) = File::parse(bytes) {
            collect_undefined(&object, &mut names);
        }
    }
    Ok(names)
}

/// Names an object uses and does not define.
pub fn undefined(path: &Path) -> Result<BTreeSet<String>, Diagnostic> {
    let data = load(path)?;
    let object = File::parse(&*data).map_err(|error| unreadable(path, error))?;
    let mut names = BTreeSet::new();
    collect_undefined(&object, &mut names);
    Ok(names)
}

/// Names a shared library defines for others.
pub fn exported(path: &Path) -> Result<BTreeSet<String>, Diagnostic> {
    let data = load(path)?;
    let object = File::parse(&*data).map_err(|error| unreadable(path, error))?;
    let defined = object
        .dynamic_symbols()
        .filter(|s| s.is_definition() && s.is_global());
    Ok(defined
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .collect())
}

fn collect_undefined(object: &File<'_>, names: &mut BTreeSet<String>) {
    let used = object.symbols().filter(ObjectSymbol::is_undefined);
    names.extend(used.filter_map(|symbol| symbol.name().ok().map(str::to_owned)));
}

fn load(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    fs::read(path)
        .map_err(|error| Diagnostic::new(format!("cannot read {}: {error}", path.display())))
}

fn unreadable(path: &Path, error: object::Error) -> Diagnostic {
    Diagnostic::new(format!(
        "cannot read the symbols of {}: {error}",
        path.display()
    ))
}
