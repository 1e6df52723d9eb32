//! Makes a tailored workspace self-contained: the selected crates' sources as copies, upstream
//! crates beside them, and no need for a network or for this repository.

use std::path::Path;
use std::process::Command;

use crate::diagnostic::Diagnostic;
use crate::emit::Tree;
use crate::tools::{self, CARGO};
use crate::write::{self, Sourcing, Written};

/// The folder of upstream crates.
const VENDOR: &str = "vendor";
/// The file that tells cargo of it.
const CONFIG: &str = ".cargo/config.toml";

/// Writes the workspace `tree` to `folder`, with everything it needs.
pub fn extract(mut tree: Tree, folder: &Path, offline: bool) -> Result<Written, Diagnostic> {
    CARGO.require()?;
    let mut written = write::write(&tree, folder, Sourcing::Copies)?;

    let mut vendor = Command::new(CARGO.name);
    vendor
        .current_dir(folder)
        .env_clear()
        .envs(tools::build_environment());
    vendor.args(["vendor", "--versioned-dirs"]);
    if offline {
        vendor.arg("--offline");
    }
    // What cargo prints is the configuration that makes it use the folder.
    let replacement = tools::run(vendor.arg(VENDOR))?;
    if let Some(config) = tree.files.get_mut(CONFIG) {
        config.push('\n');
        config.push_str(&replacement);
    }
    let again = write::write(&tree, folder, Sourcing::Copies)?;
    written.changed += again.changed;
    Ok(written)
}
