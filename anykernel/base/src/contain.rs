//! Containment: a panic inside ends the instance, not the process it lives in.
#![allow(unsafe_code)]

use hypercall::{Upcall, fault};

use crate::{Errno, Instance};

/// Runs `f`; if it panics, the instance is dead and the answer is `EIO`.
#[inline]
pub(crate) fn contain<R>(
    instance: &Instance,
    f: impl FnOnce() -> Result<R, Errno>,
) -> Result<R, Errno> {
    struct Call<F, R> {
        f: Option<F>,
        result: Option<R>,
    }

    extern "C-unwind" fn run<F: FnOnce() -> R, R>(cookie: usize) {
        // SAFETY: the cookie is `&mut call` of the frame below, which waits for us.
        let call = unsafe { &mut *(cookie as *mut Call<F, R>) };
        if let Some(f) = call.f.take() {
            call.result = Some(f());
        }
    }

    fn upcall<F: FnOnce() -> R, R>(call: &mut Call<F, R>) -> Upcall {
        Upcall::new(run::<F, R>, core::ptr::from_mut(call) as usize)
    }

    let mut call = Call {
        f: Some(f),
        result: None,
    };
    let panicked = fault::catch(upcall(&mut call));
    match call.result {
        Some(result) if !panicked => result,
        _ => {
            instance.kill();
            instance.handles.close();
            Err(Errno::EIO)
        }
    }
}
