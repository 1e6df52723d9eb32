//! The closed set of types that system calls are made of: what each is in C and at the C boundary.
//!
//! Crate `syscall` has the kernel's side of every name here, crate `cabi` the decoder between the
//! two. This table knows neither: it states the correspondence that generated code relies on.

/// One parameter of the C function.
#[derive(Debug)]
pub struct CParam {
    /// Appended to the argument's name, so that several parameters of one argument differ.
    pub suffix: &'static str,
    /// The C declaration, with `@` where the name goes.
    pub c: &'static str,
    /// The Rust type of the same representation.
    pub rust: &'static str,
}

/// How the C parameters become the kernel's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They are the same thing.
    Plain,
    /// A tuple struct of crate `syscall` around the one parameter.
    Wrapped,
    /// A decoder of crate `cabi`, which also carries results back.
    Decoded,
}

/// A type that may stand in a system call's argument list.
#[derive(Debug)]
pub struct Argument {
    /// Its name, the last segment of its path.
    pub name: &'static str,
    /// How it is made.
    pub form: Form,
    /// What it is made from.
    pub params: &'static [CParam],
    /// The C headers that declare the types used. Where there are none, structures are declared by their names.
    pub headers: &'static [&'static str],
}

/// A type `T` that may stand in a system call's `Result<T, Errno>`.
#[derive(Debug)]
pub struct Return {
    /// Its name, the last segment of its path; `()` for the unit.
    pub name: &'static str,
    /// The C type.
    pub c: &'static str,
    /// The Rust type of the same representation.
    pub rust: &'static str,
    /// The C headers that declare the type used.
    pub headers: &'static [&'static str],
}

const fn one(c: &'static str, rust: &'static str) -> CParam {
    CParam {
        suffix: "",
        c,
        rust,
    }
}

const fn len(c: &'static str, rust: &'static str) -> CParam {
    CParam {
        suffix: "_len",
        c,
        rust,
    }
}

const fn argument(
    name: &'static str,
    form: Form,
    params: &'static [CParam],
    headers: &'static [&'static str],
) -> Argument {
    Argument {
        name,
        form,
        params,
        headers,
    }
}

const NONE: &[&str] = &[];
const SIZE: &[&str] = &["stddef.h"];
const INT: &[&str] = &["stdint.h"];
const SOCKET: &[&str] = &["sys/socket.h"];

/// Every argument type, in the order of the documentation.
#[rustfmt::skip]
pub static ARGUMENTS: &[Argument] = &[
    argument("Fd", Form::Wrapped, &[one("int @", "i32")], NONE),
    argument("i32", Form::Plain, &[one("int @", "i32")], NONE),
    argument("u32", Form::Plain, &[one("unsigned int @", "u32")], NONE),
    argument("i64", Form::Plain, &[one("int64_t @", "i64")], INT),
    argument("u64", Form::Plain, &[one("uint64_t @", "u64")], INT),
    argument("usize", Form::Plain, &[one("size_t @", "usize")], SIZE),
    argument("Address", Form::Wrapped, &[one("void *@", "usize")], NONE),
    argument("FcntlArg", Form::Decoded, &[one("long @", "isize")], NONE),
    argument("Str", Form::Decoded, &[one("const char *@", "*const u8")], NONE),
    argument("Path", Form::Decoded, &[one("const char *@", "*const u8")], NONE),
    argument("UserIn", Form::Decoded, &[one("const void *@", "*const u8"), len("size_t @", "usize")], SIZE),
    argument("UserOut", Form::Decoded, &[one("void *@", "*mut u8"), len("size_t @", "usize")], SIZE),
    argument("IovIn", Form::Decoded, &[one("const struct iovec *@", "*const cabi::RawIovec"), len("int @", "i32")], &["sys/uio.h"]),
    argument("IovOut", Form::Decoded, &[one("const struct iovec *@", "*const cabi::RawIovec"), len("int @", "i32")], &["sys/uio.h"]),
    argument("SockAddrIn", Form::Decoded, &[one("const struct sockaddr *@", "*const u8"), len("socklen_t @", "u32")], SOCKET),
    argument("SockAddrOut", Form::Decoded, &[one("struct sockaddr *@", "*mut u8"), len("socklen_t *@", "*mut u32")], SOCKET),
    argument("OptIn", Form::Decoded, &[one("const void *@", "*const u8"), len("socklen_t @", "u32")], SOCKET),
    argument("OptOut", Form::Decoded, &[one("void *@", "*mut u8"), len("socklen_t *@", "*mut u32")], SOCKET),
    argument("MsgIn", Form::Decoded, &[one("const struct msghdr *@", "*const cabi::RawMsghdr")], SOCKET),
    argument("MsgOut", Form::Decoded, &[one("struct msghdr *@", "*mut cabi::RawMsghdr")], SOCKET),
    argument("FdPair", Form::Decoded, &[one("int *@", "*mut i32")], NONE),
    argument("PollFds", Form::Decoded, &[one("struct pollfd *@", "*mut cabi::RawPollfd"), len("nfds_t @", "u64")], &["poll.h"]),
    argument("Timespec", Form::Decoded, &[one("const struct timespec *@", "*const cabi::RawTimespec")], &["time.h"]),
    argument("Times", Form::Decoded, &[one("const struct timespec *@", "*const cabi::RawTimespec")], &["time.h"]),
    argument("StatOut", Form::Decoded, &[one("struct stat *@", "*mut cabi::RawStat")], &["sys/stat.h"]),
    argument("StatxOut", Form::Decoded, &[one("struct statx *@", "*mut cabi::RawStatx")], NONE),
    argument("GroupsIn", Form::Decoded, &[len("size_t @", "usize"), one("const gid_t *@", "*const u32")], &["sys/types.h"]),
    argument("GroupsOut", Form::Decoded, &[len("int @", "i32"), one("gid_t *@", "*mut u32")], &["sys/types.h"]),
    argument("StatFsOut", Form::Decoded, &[one("struct statfs *@", "*mut cabi::RawStatFs")], &["sys/statfs.h"]),
    argument("DirentsOut", Form::Decoded, &[one("void *@", "*mut u8"), len("size_t @", "usize")], SIZE),
    argument("Offset", Form::Decoded, &[one("int64_t *@", "*mut i64")], INT),
    argument("SigMask", Form::Decoded, &[one("const sigset_t *@", "*const u8")], &["signal.h"]),
    argument("EpollEventIn", Form::Decoded, &[one("struct epoll_event *@", "*const cabi::RawEpollEvent")], &["sys/epoll.h"]),
    argument("EpollEvents", Form::Decoded, &[one("struct epoll_event *@", "*mut cabi::RawEpollEvent"), len("int @", "i32")], &["sys/epoll.h"]),
    argument("IoctlArg", Form::Decoded, &[one("unsigned long @", "u64"), CParam { suffix: "_data", c: "void *@", rust: "*mut u8" }], NONE),
];

/// Every return type.
#[rustfmt::skip]
pub static RETURNS: &[Return] = &[
    Return { name: "()", c: "int", rust: "i32", headers: NONE },
    Return { name: "i32", c: "int", rust: "i32", headers: NONE },
    Return { name: "u32", c: "int", rust: "i32", headers: NONE },
    Return { name: "usize", c: "ssize_t", rust: "isize", headers: &["sys/types.h"] },
    Return { name: "i64", c: "int64_t", rust: "i64", headers: INT },
    Return { name: "Address", c: "void *", rust: "usize", headers: NONE },
    Return { name: "NewFd", c: "int", rust: "i32", headers: NONE },
];

/// The argument type of this name.
pub fn find_argument(name: &str) -> Option<&'static Argument> {
    ARGUMENTS.iter().find(|a| a.name == name)
}

/// The return type of this name.
pub fn find_return(name: &str) -> Option<&'static Return> {
    RETURNS.iter().find(|r| r.name == name)
}

impl CParam {
    /// The parameter's name in C and in the generated function.
    pub fn named(&self, argument: &str) -> String {
        format!("{argument}{}", self.suffix)
    }

    /// The structure it points to, by name.
    pub fn structure(&self) -> Option<&'static str> {
        let named = self
            .c
            .trim_start_matches("const ")
            .strip_prefix("struct ")?;
        named.split(' ').next()
    }

    /// The C declaration of the parameter.
    pub fn declaration(&self, argument: &str) -> String {
        self.c.replace('@', &self.named(argument))
    }
}
