//! What a server has to offer: pages of its own, and files if it was given a directory.

#[cfg(feature = "files")]
use crate::files::Files;
use crate::response::{Body, find_page};
#[cfg(feature = "files")]
use rump::Kernel;

/// What a server has to offer.
#[derive(Default)]
pub(crate) struct Site {
    #[cfg(feature = "files")]
    files: Option<Files>,
}

impl Site {
    /// Pages, and the files of a directory.
    #[cfg(feature = "files")]
    pub(crate) fn new(kernel: &Kernel, root: Option<&str>) -> Self {
        Site {
            files: root.map(|root| Files::new(kernel, root)),
        }
    }

    /// What a path leads to.
    pub(crate) fn find(&self, path: &str) -> Body {
        #[cfg(feature = "files")]
        if let Some(files) = &self.files {
            return files.find(path);
        }
        find_page(path)
    }
}
