//! Programs that relay between kernels: what the tests of this crate are about.

use std::io::{self, Read, Write};
use std::thread;

use kernel::net::{Shutdown, TcpStream};

/// Relays between two connections, which may be of different kernels, until both have said everything.
pub fn relay(a: TcpStream, b: TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let there = scope.spawn(|| pump(&a, &b));
        let back = pump(&b, &a);
        there.join().expect("the pump does not panic").and(back)
    })
}

/// Copies what one connection says to the other, and its end.
fn pump(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = Read::read(&mut from, &mut buffer)?;
        if count == 0 {
            break;
        }
        Write::write_all(&mut to, &buffer[..count])?;
    }
    to.shutdown(Shutdown::Write)?;
    Ok(())
}
