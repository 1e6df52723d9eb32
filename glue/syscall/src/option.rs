//! Arguments whose meaning depends on a number beside them: socket options and `ioctl`.

use alloc::vec::Vec;

use crate::{Errno, UioIn, UioOut, UserIn, UserOut};

/// The longest option value that is read.
const MAX_OPTION: usize = 4096;

/// The value of a socket option the call reads.
#[derive(Clone, Copy)]
pub struct OptIn<'a> {
    value: Result<UserIn<'a>, Errno>,
    follow: Follow<'a>,
}

/// Where the list is that a value stands for.
type Follow<'a> = fn(UserIn<'a>) -> Result<UserIn<'a>, Errno>;

impl<'a> OptIn<'a> {
    /// A value in the caller's memory, or why there is none. What an option has for a list is the list.
    pub fn new(value: Result<UserIn<'a>, Errno>) -> Self {
        OptIn { value, follow: Ok }
    }

    /// The same of a caller who says of a list where it is and how long: `follow` reads that. A pointer to nothing
    /// is to be a list of nothing.
    pub fn by_pointer(self, follow: Follow<'a>) -> Self {
        OptIn { follow, ..self }
    }

    /// The value's bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, Errno> {
        copy(self.value?, MAX_OPTION)
    }

    /// The list that the value stands for, yet to be [copied](copy): the instructions of `SO_ATTACH_FILTER`.
    pub fn list(&self) -> Result<UserIn<'a>, Errno> {
        (self.follow)(self.value?)
    }
}

/// Copies what a caller has, up to so many bytes: `EINVAL` for more.
pub fn copy(user: UserIn<'_>, most: usize) -> Result<Vec<u8>, Errno> {
    if user.len() > most {
        return Err(Errno::EINVAL);
    }
    let mut bytes = alloc::vec![0; user.len()];
    UioIn::from(user).take(&mut bytes)?;
    Ok(bytes)
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
