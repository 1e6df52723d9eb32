//! One end of a TCP stream, to measure it; the other end is the same in C (`tests/bench/stream.c`).
//!
//! - `stream sink ADDRESS PORT` says "listening" and reads one connection to its end.
//! - `stream source ADDRESS PORT MIB` writes that much, waits until the sink has it, and says how many MB/s it was.
#![no_std]

extern crate alloc;

use alloc::string::String;
use alloc::vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use hypercall::clock;
use rump::net::{Shutdown, TcpListener, TcpStream};
use rump::{Kernel, Result};

/// How many bytes are read and written at once.
const PORTION: usize = 64 << 10;
/// How long closing may wait for the other end.
const LINGER: Duration = Duration::from_secs(10);

/// Does what the arguments say.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    let words: vec::Vec<&str> = args.iter().map(String::as_str).collect();
    let address = |ip: &str, port: &str| -> Option<SocketAddr> {
        Some((ip.parse::<IpAddr>().ok()?, port.parse::<u16>().ok()?).into())
    };
    let done = match words[..] {
        ["sink", ip, port] => address(ip, port).map(|address| sink(kernel, address)),
        ["source", ip, port, size] => address(ip, port)
            .zip(size.parse::<u64>().ok())
            .map(|(address, size)| source(kernel, address, size << 20)),
        _ => None,
    };
    match done {
        Some(Ok(())) => 0,
        Some(Err(errno)) => {
            kernel.print(format_args!("stream: {errno}"));
            1
        }
        None => {
            kernel.print(format_args!(
                "stream: say `sink ADDRESS PORT` or `source ADDRESS PORT MIB`"
            ));
            2
        }
    }
}

fn sink(kernel: &Kernel, address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(kernel, address)?;
    kernel.print(format_args!("listening"));
    let (stream, _) = listener.accept()?;
    let mut buffer = vec![0; PORTION];
    while stream.read(&mut buffer)? > 0 {}
    // The kernel ends with the machine: closing waits until the source has heard of it.
    stream.set_linger(Some(LINGER))
}

fn source(kernel: &Kernel, address: SocketAddr, total: u64) -> Result<()> {
    let stream = TcpStream::connect(kernel, address)?;
    let buffer = vec![0; PORTION];
    let begin = clock::monotonic();
    let mut left = total;
    while left > 0 {
        let len = left.min(PORTION as u64) as usize;
        left -= stream.write(&buffer[..len])? as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read(&mut [0])?;
    let took = (clock::monotonic() - begin).max(1);
    kernel.print(format_args!("{} MB/s", total * 1000 / took));
    Ok(())
}
