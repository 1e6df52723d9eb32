//! Uses devices as its arguments say, one after another: `disk NAME` writes a pattern, flushes it, reads it
//! back; `sum NAME` says a checksum of all that is on a disk (FNV-1a of 64 bits); `discard NAME` gives it all up;
//! `read-only NAME` sees that it cannot; `console NAME` reads a line and writes it back in capitals.
//! Any failure ends it with code 1 and a line that says what failed.
#![no_std]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rump::block::Block;
use rump::{Errno, Kernel, character};

/// Bytes at the start of a disk that get the pattern.
const SPAN: u64 = 8 << 20;

/// Bytes of one transfer: not a power of two, so that pieces are of different lengths.
const STEP: usize = 3 * 128 * 1024 + 4096;

/// Does what the arguments say. Returns the exit code.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    for job in args.chunks(2) {
        let done = match job {
            [what, name] if what == "disk" => disk(kernel, name),
            [what, name] if what == "sum" => sum(kernel, name),
            [what, name] if what == "discard" => discard(kernel, name),
            [what, name] if what == "read-only" => read_only(kernel, name),
            [what, name] if what == "console" => console(kernel, name),
            _ => Err(
                "arguments are pairs: disk, sum, discard, read-only or console, and a NAME"
                    .to_string(),
            ),
        };
        match done {
            Ok(line) => kernel.print(format_args!("devices: {line}")),
            Err(line) => {
                kernel.print(format_args!("devices: {}: {line}", job.join(" ")));
                return 1;
            }
        }
    }
    0
}

/// The pattern: each eight bytes say where they are.
fn pattern(offset: u64, bytes: &mut [u8]) {
    for (at, word) in bytes.chunks_exact_mut(8).enumerate() {
        let place = offset + 8 * at as u64;
        let value = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word.copy_from_slice(&value.to_le_bytes());
    }
}

fn disk(kernel: &Kernel, name: &str) -> Result<String, String> {
    let failed = |what: &str| {
        let what = what.to_string();
        move |errno: Errno| format!("{what}: {errno}")
    };
    let disk = Block::open(kernel, name).map_err(failed("open"))?;
    let span = disk.size().min(SPAN);
    let pieces = || {
        (0..span)
            .step_by(STEP)
            .map(|at| (at, STEP.min((span - at) as usize)))
    };
    for (at, len) in pieces() {
        let mut bytes = vec![0; len];
        pattern(at, &mut bytes);
        disk.write_at(&bytes, at).map_err(failed("write"))?;
    }
    disk.flush().map_err(failed("flush"))?;
    for (at, len) in pieces() {
        let (mut bytes, mut expected) = (vec![0; len], vec![0; len]);
        disk.read_at(&mut bytes, at).map_err(failed("read"))?;
        pattern(at, &mut expected);
        if bytes != expected {
            return Err(format!("what was read at {at} is not what was written"));
        }
    }
    let beyond = disk.read_at(&mut vec![0; disk.block_size()], disk.size());
    if beyond != Err(Errno::EINVAL) {
        return Err(format!("reading beyond the end gives {beyond:?}"));
    }
    Ok(format!("{name}: {span} bytes written, flushed and read"))
}

fn sum(kernel: &Kernel, name: &str) -> Result<String, String> {
    let disk = Block::open(kernel, name).map_err(|errno| format!("open: {errno}"))?;
    let mut sum = 0xcbf2_9ce4_8422_2325u64;
    for at in (0..disk.size()).step_by(STEP) {
        let mut bytes = vec![0; STEP.min((disk.size() - at) as usize)];
        let read = disk.read_at(&mut bytes, at);
        read.map_err(|errno| format!("read: {errno}"))?;
        for byte in bytes {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    Ok(format!("{name}: {} bytes, sum {sum:016x}", disk.size()))
}

fn discard(kernel: &Kernel, name: &str) -> Result<String, String> {
    let disk = Block::open(kernel, name).map_err(|errno| format!("open: {errno}"))?;
    let discarded = disk.discard(0, disk.size());
    discarded.map_err(|errno| format!("discard: {errno}"))?;
    Ok(format!("{name}: {} bytes discarded", disk.size()))
}

fn read_only(kernel: &Kernel, name: &str) -> Result<String, String> {
    let disk = Block::open(kernel, name).map_err(|errno| format!("open: {errno}"))?;
    let mut bytes = vec![0; disk.block_size()];
    let read = disk.read_at(&mut bytes, 0);
    let written = disk.write_at(&bytes, 0);
    match (disk.is_read_only(), read, written) {
        (true, Ok(()), Err(Errno::EROFS)) => Ok(format!("{name}: read-only")),
        other => Err(format!("is read-only, read, written: {other:?}")),
    }
}

fn console(kernel: &Kernel, name: &str) -> Result<String, String> {
    let console = character::open(kernel, name).map_err(|errno| format!("open: {errno}"))?;
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        match console.read(&mut byte) {
            Ok(1) => line.push(byte[0]),
            other => return Err(format!("read: {other:?}")),
        }
    }
    line.make_ascii_uppercase();
    match console.write(&line) {
        Ok(count) if count == line.len() => Ok(format!("{name}: a line of {count} bytes")),
        other => Err(format!("write: {other:?}")),
    }
}
