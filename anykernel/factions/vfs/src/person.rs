//! What the faction keeps of a process: where its paths begin, whom it acts for, what it takes from modes.

use alloc::sync::Arc;

use base::sync::Leaf;
use base::{Errno, Lwp, OfProcess};

use crate::mapping::Mappings;
use crate::{Credentials, Vfs, Vnode};

struct State {
    root: Option<Arc<Vnode>>,
    directory: Option<Arc<Vnode>>,
    credentials: Arc<Credentials>,
    umask: u32,
}

/// What the faction keeps of a process.
pub struct Person {
    vfs: Arc<Vfs>,
    state: Leaf<State>,
    mappings: Mappings,
}

impl Person {
    /// That of the process that acts. `ENOSYS` without the faction.
    pub fn of(lwp: &Lwp<'_>) -> Result<Arc<Person>, Errno> {
        let vfs = || lwp.state::<Vfs>();
        // Most often there is one: the state is looked up for the first only.
        if let Some(person) = lwp.process().find_kept::<Person>() {
            return Ok(person);
        }
        let vfs = vfs()?;
        Ok(lwp.process().kept(|| Person {
            vfs,
            state: Leaf::new(State {
                root: None,
                directory: None,
                credentials: Arc::new(Credentials::default()),
                umask: 0o022,
            }),
            mappings: Mappings::new(),
        }))
    }

    /// The faction's state.
    pub fn vfs(&self) -> &Arc<Vfs> {
        &self.vfs
    }

    pub(crate) fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    /// Where paths with a slash before them begin.
    pub(crate) fn root(&self, lwp: &Lwp<'_>) -> Result<Arc<Vnode>, Errno> {
        match self.state.with(|state| state.root.clone()) {
            Some(root) => Ok(root),
            None => self.vfs.root(lwp),
        }
    }

    /// Where all other paths begin.
    pub(crate) fn directory(&self, lwp: &Lwp<'_>) -> Result<Arc<Vnode>, Errno> {
        match self.state.with(|state| state.directory.clone()) {
            Some(directory) => Ok(directory),
            None => self.root(lwp),
        }
    }

    pub(crate) fn set_root(&self, root: Arc<Vnode>) {
        drop(self.state.with(|state| state.root.replace(root)));
    }

    pub(crate) fn set_directory(&self, directory: Arc<Vnode>) {
        drop(self.state.with(|state| state.directory.replace(directory)));
    }

    /// Whom it acts for.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.state.with(|state| state.credentials.clone())
    }

    /// Acts for somebody else from now on.
    pub fn set_credentials(&self, credentials: Credentials) {
        let new = Arc::new(credentials);
        drop(
            self.state
                .with(|state| core::mem::replace(&mut state.credentials, new)),
        );
    }

    /// The bits that new files do not get.
    pub(crate) fn umask(&self) -> u32 {
        self.state.with(|state| state.umask)
    }

    /// Sets them; what they were.
    pub(crate) fn set_umask(&self, umask: u32) -> u32 {
        self.state
            .with(|state| core::mem::replace(&mut state.umask, umask & 0o777))
    }
}

impl OfProcess for Person {
    fn of_child(&self) -> Arc<dyn OfProcess> {
        Arc::new(Person {
            vfs: self.vfs.clone(),
            state: Leaf::new(self.state.with(|state| State {
                root: state.root.clone(),
                directory: state.directory.clone(),
                credentials: state.credentials.clone(),
                umask: state.umask,
            })),
            // Memory is the parent's.
            mappings: Mappings::new(),
        })
    }
}
