//! Messages, to the standard error output.

use hypercall::Bytes;

use crate::Platform;

impl hypercall::Console for Platform {
    fn write(text: Bytes<'_>) {
        let mut rest = text.as_slice();
        // Past the buffers and locks of the standard library: a panic inside of them reports here too.
        while !rest.is_empty() {
            // SAFETY: the range is that of a slice.
            let written = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) => rest = &rest[written..],
                Err(_) if crate::last_errno() == libc::EINTR => {}
                Err(_) => return,
            }
        }
    }
}
