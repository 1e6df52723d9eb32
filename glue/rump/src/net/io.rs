//! The standard library's traits, for programs that have it.

use std::io::{Read, Result, Write};

use super::TcpStream;

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Ok(TcpStream::read(self, buffer)?)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        Ok(TcpStream::write(self, buffer)?)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        Read::read(&mut &*self, buffer)
    }
}

impl Write for TcpStream {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        Write::write(&mut &*self, buffer)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
