//! Where the image is, by the linker script.

use super::paging::{self, Access, NoTable};
use crate::boot::start_info::Range;
use crate::xen;

unsafe extern "C" {
    static image_start: u8;
    static image_constants: u8;
    static image_data: u8;
    static image_end: u8;
}

fn range(start: *const u8, end: *const u8) -> Range {
    Range {
        start: start.addr() as u64,
        end: end.addr() as u64,
    }
}

/// All of it, with memory that is zero at first.
pub(crate) fn whole() -> Range {
    range(&raw const image_start, &raw const image_end)
}

/// Its instructions.
pub(crate) fn code() -> Range {
    range(&raw const image_start, &raw const image_constants)
}

/// Lets nobody write over code and constants, nor execute data, nor reach address zero.
pub(crate) fn protect() -> Result<(), NoTable> {
    let low = Range {
        start: super::PAGE as u64,
        end: whole().start,
    };
    let null = Range {
        start: 0,
        end: low.start,
    };
    let data = Range {
        start: range(&raw const image_data, &raw const image_end).start,
        end: whole().end.next_multiple_of(paging::LARGE),
    };
    paging::map(null, Access::None)?;
    paging::map(low, Access::Data)?;
    paging::map(code(), Access::Code)?;
    paging::map(
        range(&raw const image_constants, &raw const image_data),
        Access::Constants,
    )?;
    paging::map(data, Access::Data)?;
    match xen::get() {
        Some(_) => xen::protect(),
        None => Ok(()),
    }
}
