//! The program that leads frames of one queue to a socket, and lets all others go on to the host. It is loaded by
//! `bpf(2)` and attached by a link, which the system takes away with its last descriptor.

use std::ffi::{c_int, c_long};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use hypercall::Errno;

/// What `bpf(2)` is asked to do.
const MAP_CREATE: c_int = 0;
const MAP_UPDATE_ELEM: c_int = 2;
const PROG_LOAD: c_int = 5;
const LINK_CREATE: c_int = 28;
/// Kinds of a map, of a program and of what it is attached to.
const MAP_TYPE_XSKMAP: u32 = 17;
const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
/// Where it runs: in the driver, or for drivers that cannot, behind it.
const IN_DRIVER: u32 = 1 << 2;
const BEHIND_DRIVER: u32 = 1 << 1;

/// `union bpf_attr` as each of these wants it.
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
}

#[repr(C)]
struct MapUpdate {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    count: u32,
    instructions: u64,
    license: u64,
}

#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

/// `struct bpf_insn`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u8,
    /// The register it writes, and in the upper half the one it reads.
    registers: u8,
    offset: i16,
    immediate: i32,
}

const fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction {
        code,
        registers: from << 4 | to,
        offset,
        immediate,
    }
}

/// `return bpf_redirect_map(map, context->rx_queue_index, XDP_PASS)`.
fn program(map: RawFd) -> [Instruction; 6] {
    const LOAD_WORD: u8 = 0x61;
    const LOAD_CONSTANT: u8 = 0x18;
    const MAP: u8 = 1;
    const MOVE: u8 = 0xb7;
    const CALL: u8 = 0x85;
    const EXIT: u8 = 0x95;
    const RX_QUEUE_INDEX: i16 = 16;
    const XDP_PASS: i32 = 2;
    const REDIRECT_MAP: i32 = 51;
    [
        instruction(LOAD_WORD, 2, 1, RX_QUEUE_INDEX, 0),
        instruction(LOAD_CONSTANT, 1, MAP, 0, map),
        instruction(0, 0, 0, 0, 0),
        instruction(MOVE, 3, 0, 0, XDP_PASS),
        instruction(CALL, 0, 0, 0, REDIRECT_MAP),
        instruction(EXIT, 0, 0, 0, 0),
    ]
}

/// The program on an interface.
pub(super) struct Attached {
    _link: OwnedFd,
}

impl Attached {
    /// Leads a queue of an interface to a socket. `EBUSY` if another program is on the interface.
    pub(super) fn new(interface: u32, queue: u32, socket: RawFd) -> Result<Attached, Errno> {
        let map = descriptor(
            MAP_CREATE,
            &MapCreate {
                map_type: MAP_TYPE_XSKMAP,
                key_size: 4,
                value_size: 4,
                max_entries: queue + 1,
            },
        )?;
        let (key, value) = (queue, socket);
        call(
            MAP_UPDATE_ELEM,
            &MapUpdate {
                map: map.as_raw_fd() as u32,
                padding: 0,
                key: (&raw const key).expose_provenance() as u64,
                value: (&raw const value).expose_provenance() as u64,
                flags: 0,
            },
        )?;
        let instructions = program(map.as_raw_fd());
        let license = c"BSD-2-Clause";
        let program = descriptor(
            PROG_LOAD,
            &ProgLoad {
                prog_type: PROG_TYPE_XDP,
                count: instructions.len() as u32,
                instructions: instructions.as_ptr().expose_provenance() as u64,
                license: license.as_ptr().expose_provenance() as u64,
            },
        )?;
        let attach = |flags| {
            descriptor(
                LINK_CREATE,
                &LinkCreate {
                    program: program.as_raw_fd() as u32,
                    interface,
                    attach_type: ATTACH_XDP,
                    flags,
                },
            )
        };
        let link = match attach(IN_DRIVER) {
            Err(Errno::EBUSY) => return Err(Errno::EBUSY),
            Err(_) => attach(BEHIND_DRIVER)?,
            Ok(link) => link,
        };
        Ok(Attached { _link: link })
    }
}

/// Calls `bpf(2)`, whose arguments name only memory that lives for the call.
fn call<T>(command: c_int, arguments: &T) -> Result<c_long, Errno> {
    let len = mem::size_of::<T>();
    // SAFETY: reads as many bytes of arguments as there are, and what they name.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, command, &raw const *arguments, len) };
    match answer {
        -1 => Err(Errno::from_number(crate::last_errno())),
        answer => Ok(answer),
    }
}

/// The same, for what answers with a new descriptor.
fn descriptor<T>(command: c_int, arguments: &T) -> Result<OwnedFd, Errno> {
    let fd = call(command, arguments)?;
    // SAFETY: it is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}
