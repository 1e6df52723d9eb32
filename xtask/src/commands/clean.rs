//! `clean`: removes what was generated and built.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use rumpgen::diagnostic::Diagnostic;

use crate::cli::Clean;
use crate::failure::Failure;
use crate::repository;

/// Runs the command.
pub(crate) fn run(asked: &Clean) -> Result<ExitCode, Failure> {
    let known = configurations();
    let chosen: Vec<_> = match &asked.name {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => {
            let error = Diagnostic::new(format!("there is no configuration `{name}`"));
            return Err(Failure::asked(
                error.help(format!("there are: {}", known.join(", "))),
            ));
        }
    };
    for name in chosen {
        let places = repository::places(&name);
        remove(&places.workspace)?;
        remove(&places.artifacts)?;
        // What builds take turns by; missing where none ran.
        let _ = fs::remove_file(places.artifacts.with_file_name(format!("{name}.lock")));
        println!("removed {name}");
    }
    if asked.name.is_none() {
        remove(&repository::checks())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every configuration that was generated or built.
fn configurations() -> Vec<String> {
    let folders = [
        repository::root().join("generated"),
        repository::root().join("target/rump"),
    ];
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders
        .filter_map(|f| f.file_name().into_string().ok())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::work(format!(
            "cannot remove {}: {error}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}
