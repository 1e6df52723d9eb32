//! Hosts by their names, through the facade: `names CONFIGURE HOST PORT` has `virt0` configured by `dhcp`, by `auto`, or by
//! nobody (`-`), prints the addresses of a host, and connects to it.
#![no_std]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use rump::net::{TcpStream, lookup};
use rump::{Errno, Kernel, Result, netconfig};

/// Does what the arguments say.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    match run(kernel, args) {
        Ok(()) => 0,
        Err(errno) => {
            kernel.print(format_args!("names: {errno:?}"));
            1
        }
    }
}

fn run(kernel: &Kernel, args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let [configure, host, port] = words[..] else {
        return Err(Errno::EINVAL);
    };
    let port = port.parse().map_err(|_| Errno::EINVAL)?;
    match configure {
        "dhcp" => netconfig::interface(kernel, "virt0")?.dhcp()?,
        "auto" => netconfig::interface(kernel, "virt0")?.autoconf()?,
        _ => {}
    }
    for address in lookup(kernel, host, port)? {
        kernel.print(format_args!("{address}"));
    }
    let stream = TcpStream::connect_host(kernel, host, port)?;
    kernel.print(format_args!("connected to {}", stream.peer_addr()?));
    Ok(())
}
