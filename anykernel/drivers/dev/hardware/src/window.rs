//! Windows of registers that no bus enumerates, as the platform knows them.

use alloc::format;
use alloc::sync::Arc;

use base::{Errno, Lwp, Work};
use hypercall::mmio;

use dev::{Dev, Handle};

use crate::{Interrupt, Registers};

/// The most windows that are looked at.
const MOST: usize = 256;

/// A window, for its driver. There may be nothing in it.
#[derive(Debug)]
pub struct Window(hypercall::Window);

impl Handle for Window {
    const BUS: &'static str = "mmio";
}

impl Window {
    /// Its registers.
    pub fn registers(&self) -> Result<Registers, Errno> {
        let size = usize::try_from(self.0.size).map_err(|_| Errno::ENXIO)?;
        Registers::map(self.0.physical, size)
    }

    /// Has `work` scheduled when the device interrupts.
    pub fn interrupt(&self, work: &Arc<Work>) -> Result<Interrupt, Errno> {
        Interrupt::line(self.0.line, self.0.level != 0, work)
    }
}

/// Offers all windows that the platform knows.
pub(crate) fn search(lwp: &Lwp<'_>, dev: &Dev) {
    let mut window = hypercall::Window::default();
    for index in 0..MOST {
        if !mmio::window(index, &mut window) {
            break;
        }
        let place = format!("mmio {:#x}", window.physical);
        dev.offer(lwp, &[], place, Window(window));
    }
}
