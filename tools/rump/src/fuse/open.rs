//! Files that the host's kernel has open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{FileHandle, OpenAccMode, OpenFlags};
use rump::Errno;
use rump::fs::{File, Node, OpenOptions};

#[derive(Default)]
struct State {
    files: HashMap<u64, Arc<File>>,
    /// How many there ever were.
    count: u64,
}

/// Open files by their handles.
#[derive(Default)]
pub(super) struct OpenFiles(Mutex<State>);

impl OpenFiles {
    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens one. Where to append is the host's kernel's to say.
    pub(super) fn add(&self, node: &Node, flags: OpenFlags) -> Result<FileHandle, Errno> {
        let mut options = OpenOptions::new();
        match flags.acc_mode() {
            OpenAccMode::O_RDONLY => options.read(true),
            OpenAccMode::O_WRONLY => options.write(true),
            OpenAccMode::O_RDWR => options.read(true).write(true),
        };
        let file = Arc::new(node.open_with(&options)?);
        Ok(self.with(|state| {
            state.count += 1;
            state.files.insert(state.count, file);
            FileHandle(state.count)
        }))
    }

    pub(super) fn get(&self, handle: FileHandle) -> Result<Arc<File>, Errno> {
        self.with(|state| state.files.get(&handle.0).cloned())
            .ok_or(Errno::EBADF)
    }

    pub(super) fn remove(&self, handle: FileHandle) {
        // It closes when the lock is let go.
        drop(self.with(|state| state.files.remove(&handle.0)));
    }

    /// Reads as much as there is, up to `size`.
    pub(super) fn read(
        &self,
        handle: FileHandle,
        offset: u64,
        size: usize,
    ) -> Result<Vec<u8>, Errno> {
        let file = self.get(handle)?;
        let mut bytes = vec![0; size];
        let mut done = 0;
        while done < size {
            match file.read_at(&mut bytes[done..], offset + done as u64)? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }

    /// Writes all of it, or as much as there is room for.
    pub(super) fn write(
        &self,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize, Errno> {
        let file = self.get(handle)?;
        let mut done = 0;
        while done < bytes.len() {
            match file.write_at(&bytes[done..], offset + done as u64) {
                Ok(count) => done += count,
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(done)
    }
}
