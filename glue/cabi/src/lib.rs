//! The C layer: between C's layouts and conventions and the types of crate `syscall`.
//!
//! Generated code consists of one function a system call, which decodes its C parameters with the
//! types here, calls the component's function and encodes what came back:
//!
//! ```text
//! pub unsafe extern "C" fn rump_sys_accept4(fd: i32, addr: *mut u8, addr_len: *mut u32, flags: i32) -> i32 {
//!     cabi::syscall(|lwp| {
//!         let mut addr = unsafe { cabi::SockAddrOut::new(addr, addr_len) };
//!         let result = sockets::syscalls::accept4(lwp, syscall::Fd(fd), addr.arg(), flags)?;
//!         addr.finish()?;
//!         Ok(result)
//!     })
//! }
//! ```
//!
//! Every decoder has `unsafe fn new(…)`, whose contract is that of the C function (a pointer is null or
//! good for what its type says, until the call returns), `fn arg(&mut self)`, and
//! `fn finish(self) -> Result<(), Errno>`, which copies results out and is not called when the call
//! failed. What cannot be decoded is an error inside the argument, for the call to find in its own
//! order.
//!
//! # Fixed entry points
//!
//! Beside the system calls a library exports the functions below, which
//! [`entry_points!`]`(&SYSTEM)` defines; `SYSTEM` is the tailored kernel's table. Their declarations,
//! for `rump/rump.h`:
//!
//! ```c
//! struct rump_kernel;
//! struct lwp;
//!
//! #define RUMP_RFFDG  0x01
//! #define RUMP_RFCFDG 0x02
//!
//! int rump_init(void);
//! struct rump_kernel *rump_boot(const char *params);
//! int rump_enter(struct rump_kernel *kernel);
//! void rump_leave(void);
//! void rump_shutdown(struct rump_kernel *kernel);
//! int rump_poll(uint64_t *next);
//! uint64_t rump_now(void);
//!
//! int rump_pub_lwproc_rfork(int flags);
//! int rump_pub_lwproc_newlwp(pid_t pid);
//! void rump_pub_lwproc_switch(struct lwp *lwp);
//! void rump_pub_lwproc_releaselwp(void);
//! struct lwp *rump_pub_lwproc_curlwp(void);
//! ```
//!
//! # What this crate asks of the host
//!
//! The hypercall groups `tls`, `console` and `clock`, whatever components are selected.
#![no_std]
// The memory of a C caller is a fact no type can hold.
#![allow(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod address;
mod call;
mod control;
mod entry;
mod event;
mod file;
mod group;
mod kernel;
mod lock;
mod lwp;
mod memory;
mod message;
mod option;
mod pair;
mod scalar;
#[cfg(test)]
mod tests;

pub use address::{SockAddrIn, SockAddrOut};
pub use call::{CResult, public, syscall, yielded};
pub use event::{EpollEventIn, EpollEvents, PollFds, RawEpollEvent, RawPollfd};
pub use file::{
    DirentsOut, Offset, Path, RawStat, RawStatFs, RawStatx, StatFsOut, StatOut, StatxOut, Times,
};
pub use group::{GroupsIn, GroupsOut};
pub use kernel::{RawKernel, boot, enter, init, leave, now, poll, shutdown};
pub use lock::FcntlArg;
pub use lwp::{
    RFCFDG, RFFDG, RawLwp, lwproc_curlwp, lwproc_newlwp, lwproc_releaselwp, lwproc_rfork,
    lwproc_switch,
};
pub use memory::{IovIn, IovOut, RawIovec, UserIn, UserOut};
pub use message::{MsgIn, MsgOut, RawMsghdr};
pub use option::{IoctlArg, OptIn, OptOut};
pub use pair::FdPair;
pub use scalar::{RawTimespec, SigMask, Str, Timespec};
