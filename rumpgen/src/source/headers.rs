//! Reads the C headers that a component brings: what C programs want of it that is no call of the kernel's, such as
//! functions over its calls that use their own memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::diagnostic::Diagnostic;

/// Adds the headers in `folder`, if there is such a folder, by name.
pub(super) fn read(
    folder: &Path,
    headers: &mut BTreeMap<String, String>,
) -> Result<(), Diagnostic> {
    if !folder.is_dir() {
        return Ok(());
    }
    let failed = |path: &Path, error: std::io::Error| {
        Diagnostic::new(format!("cannot read `{}`: {error}", path.display()))
    };
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
        if headers.insert(name.to_owned(), text).is_some() {
            let message = format!("`{}` is the second header of that name", path.display());
            return Err(Diagnostic::new(message)
                .help("headers of all components stand in one folder: give it another name"));
        }
    }
    Ok(())
}
