//! What platforms are told by loaders, firmware and hypervisors. The code that reads it is not public; `pvh` has a module
//! for this.

use std::sync::LazyLock;

pub(crate) fn clock(bytes: &[u8]) {
    pvh::fuzzing::clock(bytes);
}

/// Where the bytes are in the machine's memory.
const AT: usize = 0xf_0000;

pub(crate) fn loader(bytes: &[u8]) {
    Machine::holding(bytes, pvh::fuzzing::loader);
}

pub(crate) fn firmware(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    sum_up(&mut bytes);
    Machine::holding(&bytes, pvh::fuzzing::firmware);
}

/// Makes the sums of a root pointer at the beginning and of tables right, where there is something that looks like
/// them: nobody guesses those. A first byte that is odd leaves them wrong.
fn sum_up(bytes: &mut [u8]) {
    let sum = |bytes: &mut [u8], at: usize| {
        bytes[at] = 0;
        let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        bytes[at] = sum.wrapping_neg();
    };
    if bytes.len() < 36 {
        return;
    }
    // Tables begin at multiples of 64 here, each with its length.
    for at in (64..bytes.len().saturating_sub(36)).step_by(64) {
        let rest = &mut bytes[at..];
        let len = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]) as usize;
        if (36..=rest.len()).contains(&len) {
            sum(&mut rest[..len], 9);
        }
    }
    sum(&mut bytes[..20], 8);
    sum(&mut bytes[..36], 32);
}

/// The lower 4 GiB of this program's addresses as a machine's memory, of which there are zeros but for what a loader
/// or firmware put there. The first 64 KiB are the system's.
struct Machine;

static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    const BEGIN: usize = 64 << 10;
    let flags =
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let (begin, len) = (std::ptr::without_provenance_mut(BEGIN), (4 << 30) - BEGIN);
    // SAFETY: new memory, at a place where there is nothing.
    let memory = unsafe { libc::mmap(begin, len, protection, flags, -1, 0) };
    assert_eq!(memory, begin, "{}", std::io::Error::last_os_error());
    Machine
});

impl Machine {
    /// Calls with the address of these bytes.
    fn holding(bytes: &[u8], f: impl FnOnce(u64)) {
        LazyLock::force(&MACHINE);
        let bytes = &bytes[..bytes.len().min(64 << 10)];
        let place = std::ptr::with_exposed_provenance_mut::<u8>(AT);
        // SAFETY: memory of the machine, which only this function writes; nobody reads it meanwhile.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        f(AT as u64);
        // SAFETY: as above.
        unsafe { std::ptr::write_bytes(place, 0, bytes.len()) };
    }
}
