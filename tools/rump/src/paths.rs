//! Paths within an image, as arguments.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::Args;

use crate::failure::{Failure, Result};

/// Paths within the image, beside one that stands behind its name.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Paths {
    /// Paths in the image
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
}

impl Paths {
    /// The path behind the image's name comes first.
    pub(crate) fn begin_with(&mut self, path: Option<Vec<u8>>) {
        if let Some(path) = path {
            self.paths.insert(0, OsString::from_vec(path));
        }
    }

    /// All of them; where one stands if there are none.
    pub(crate) fn or_here(&self) -> Vec<Vec<u8>> {
        match self.all() {
            paths if paths.is_empty() => vec![b".".to_vec()],
            paths => paths,
        }
    }

    /// All of them, at least one.
    pub(crate) fn some(&self) -> Result<Vec<Vec<u8>>> {
        match self.all() {
            paths if paths.is_empty() => Err(Failure::Usage(
                "name a path in the image: IMAGE:/PATH, or /PATH behind IMAGE".to_owned(),
            )),
            paths => Ok(paths),
        }
    }

    fn all(&self) -> Vec<Vec<u8>> {
        let paths = self.paths.iter().cloned();
        paths.map(OsStringExt::into_vec).collect()
    }
}
