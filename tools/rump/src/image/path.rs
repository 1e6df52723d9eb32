//! Paths in an image. They begin and end there: a link that says `/etc` is the image's, and above the root is the root.

use rump::Errno;
use rump::fs::{FileType, Node};

use crate::image::Image;

/// Symbolic links on the way, at most.
const MOST_LINKS: u32 = 40;

/// The way from the root of an image to a directory or file in it.
#[derive(Clone)]
pub(crate) struct Trail {
    root: Node,
    steps: Vec<(Vec<u8>, Node)>,
}

impl Trail {
    pub(super) fn new(root: Node) -> Trail {
        Trail {
            root,
            steps: Vec::new(),
        }
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// Where it leads.
    pub(crate) fn node(&self) -> &Node {
        self.steps.last().map_or(&self.root, |(_, node)| node)
    }

    /// The directory that is in, and the name there; nothing for the root.
    pub(crate) fn parent(&self) -> Option<(&Node, &[u8])> {
        let (name, _) = self.steps.last()?;
        let above = self.steps.len().checked_sub(2);
        let parent = above.map_or(&self.root, |at| &self.steps[at].1);
        Some((parent, name))
    }

    /// The path from the root.
    pub(crate) fn path(&self) -> Vec<u8> {
        let mut path = Vec::new();
        for (name, _) in &self.steps {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        path
    }

    /// Goes on along a path. With `follow` a symbolic link at its end is what it leads to.
    fn walk(&mut self, path: &[u8], follow: bool, links: &mut u32) -> Result<(), Errno> {
        if path.starts_with(b"/") {
            self.steps.clear();
        }
        let is_directory = path.ends_with(b"/");
        let mut names = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next() {
            match name {
                b"" | b"." => {}
                b".." => drop(self.steps.pop()),
                name => {
                    let node = self.node().lookup(name)?;
                    // Slashes at the end say that it is to be a directory.
                    let is_last = names.clone().all(<[u8]>::is_empty);
                    let is_link = node.file_type() == FileType::Symlink;
                    if is_link && (!is_last || follow || is_directory) {
                        *links += 1;
                        if *links > MOST_LINKS {
                            return Err(Errno::ELOOP);
                        }
                        let target = node.read_link()?;
                        self.walk(&target, true, links)?;
                    } else {
                        if !node.is_dir() && (!is_last || is_directory) {
                            return Err(Errno::ENOTDIR);
                        }
                        self.steps.push((name.to_vec(), node));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Image {
    /// The way along a path from where one stands. With `follow` a symbolic link at its end is what it leads to.
    pub(crate) fn find(&self, path: &[u8], follow: bool) -> Result<Trail, Errno> {
        let mut trail = self.here.clone();
        trail.walk(path, follow, &mut 0)?;
        Ok(trail)
    }

    /// The directory that a new name at the end of a path comes into, and the name.
    pub(crate) fn find_new<'p>(&self, path: &'p [u8]) -> Result<(Trail, &'p [u8]), Errno> {
        let end = path
            .iter()
            .rposition(|byte| *byte != b'/')
            .ok_or(Errno::EEXIST)?;
        let path = &path[..=end];
        let cut = path.iter().rposition(|byte| *byte == b'/');
        let (above, name) = match cut {
            Some(at) => (&path[..=at], &path[at + 1..]),
            None => (&b"."[..], path),
        };
        match name {
            b"." | b".." => Err(Errno::EEXIST),
            name => Ok((self.find(above, true)?, name)),
        }
    }

    /// Stands in a directory from now on.
    pub(crate) fn go(&mut self, path: &[u8]) -> Result<(), Errno> {
        let trail = self.find(path, true)?;
        if !trail.node().is_dir() {
            return Err(Errno::ENOTDIR);
        }
        self.here = trail;
        Ok(())
    }

    /// Where one stands.
    pub(crate) fn here(&self) -> &Trail {
        &self.here
    }
}
