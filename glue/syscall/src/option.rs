//! Arguments whose meaning depends on a number beside them: socket options and `ioctl`.

use alloc::vec::Vec;

use crate::{Errno, UioIn, UioOut, UserIn, UserOut};

/// The longest option value that is read.
const MAX_OPTION: usize = 4096;

/// The value of a socket option the call reads.
#[derive(Clone, Copy)]
pub struct OptIn<'a>(Result<UserIn<'a>, Errno>);

impl<'a> OptIn<'a> {
    /// A value in the caller's memory, or why there is none.
    pub fn new(value: Result<UserIn<'a>, Errno>) -> Self {
        OptIn(value)
    }

    /// The value's bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, Errno> {
        let user = self.0?;
        if user.len() > MAX_OPTION {
            return Err(Errno::EINVAL);
        }
        let mut bytes = alloc::vec![0; user.len()];
        UioIn::from(user).take(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where the value of a socket option goes: as much of it as the caller has room for.
pub struct OptOut<'a> {
    place: Result<UserOut<'a>, Errno>,
    written: &'a mut usize,
}

impl<'a> OptOut<'a> {
    /// A place in the caller's memory, or why there is none, and one for how much was written.
    pub fn new(place: Result<UserOut<'a>, Errno>, written: &'a mut usize) -> Self {
        OptOut { place, written }
    }

    /// Whether the arguments themselves were good.
    pub fn check(&self) -> Result<(), Errno> {
        self.place.as_ref().map(|_| ()).map_err(|e| *e)
    }

    /// Writes the value, cut off where the caller's room ends.
    pub fn put(self, value: &[u8]) -> Result<(), Errno> {
        *self.written = UioOut::from(self.place?).put(value)?;
        Ok(())
    }
}

/// The request and the argument of an `ioctl`.
pub struct IoctlArg<'a> {
    request: u64,
    input: UserIn<'a>,
    output: UserOut<'a>,
}

impl<'a> IoctlArg<'a> {
    /// A request whose argument is at the place that both `input` and `output` name; their lengths
    /// do not count, since the request implies one.
    pub fn new(request: u64, input: UserIn<'a>, output: UserOut<'a>) -> Self {
        IoctlArg {
            request,
            input,
            output,
        }
    }

    /// The request.
    pub fn request(&self) -> u64 {
        self.request
    }

    /// Reads an `int`.
    pub fn read_int(&self) -> Result<i32, Errno> {
        let mut bytes = [0; 4];
        self.input.mem.copy_in(self.input.address, &mut bytes)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    /// Writes an `int`.
    pub fn write_int(&self, value: i32) -> Result<(), Errno> {
        self.output
            .mem
            .copy_out(self.output.address, &value.to_ne_bytes())
    }
}
