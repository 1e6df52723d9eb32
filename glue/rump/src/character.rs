//! Character devices, such as consoles: opened by name, then read and written like any descriptor.

use alloc::string::String;
use alloc::vec::Vec;

use dev::Dev;
use syscall::consts::{O_CLOEXEC, O_RDWR};

use crate::{Descriptor, Kernel, Result};

/// The names of all character devices, in the order they were found.
pub fn names(kernel: &Kernel) -> Result<Vec<String>> {
    kernel.enter(|lwp| Ok(lwp.state::<Dev>()?.character_names()))
}

/// Opens the character device of this name, such as `vcon0`; `ENXIO` if there is none.
pub fn open(kernel: &Kernel, name: &str) -> Result<Descriptor> {
    Descriptor::open(kernel, |lwp| {
        let file = lwp.state::<Dev>()?.character(name)?;
        lwp.process().open(lwp, file, O_RDWR | O_CLOEXEC)
    })
}
