//! A connection from a kernel to itself.

use alloc::vec;
use core::time::Duration;

use rump::net::{TcpListener, TcpStream};
use rump::{Errno, Kernel, Result};

use crate::say;

/// How many bytes go there and back.
const LENGTH: usize = 4 << 20;
/// How many at once.
const PORTION: usize = 64 << 10;
const PORT: u16 = 7;

/// Sends bytes to a thread that sends them back, and compares.
pub(crate) fn transfer(kernel: &Kernel) -> i32 {
    match try_transfer(kernel) {
        Ok(true) => {
            say!(kernel, "loopback: {LENGTH} bytes there and back");
            0
        }
        Ok(false) => {
            say!(kernel, "loopback: other bytes came back");
            1
        }
        Err(errno) => {
            say!(kernel, "loopback: {errno}");
            1
        }
    }
}

fn try_transfer(kernel: &Kernel) -> Result<bool> {
    kernel.spawn(|kernel| {
        // What goes wrong here is seen at the other end.
        let _ = serve(kernel);
    })?;
    let stream = loop {
        match TcpStream::connect(kernel, ([127, 0, 0, 1], PORT)) {
            Err(Errno::ECONNREFUSED) => kernel.sleep(Duration::from_millis(1))?,
            connected => break connected?,
        }
    };
    let mut sent = vec![0; PORTION];
    let mut got = vec![0; PORTION];
    let mut state = 1u32;
    for _ in 0..LENGTH / PORTION {
        for byte in &mut sent {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        stream.write_all(&sent)?;
        let mut filled = 0;
        while filled < got.len() {
            match stream.read(&mut got[filled..])? {
                0 => return Ok(false),
                count => filled += count,
            }
        }
        if sent != got {
            return Ok(false);
        }
    }
    Ok(true)
}

fn serve(kernel: &Kernel) -> Result<()> {
    let listener = TcpListener::bind(kernel, ([127, 0, 0, 1], PORT))?;
    let (stream, _) = listener.accept()?;
    let mut buffer = vec![0; PORTION];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}
