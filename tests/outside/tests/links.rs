//! Two kernels in one process, each with a link of the host.

use std::error::Error;
use std::thread;

use kernel::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use kernel::{Config, Errno, Kernel};

fn boot(link: &str, address: Ipv4Addr) -> Result<Kernel, kernel::BootError> {
    let config = Config::new().param("virtif", link);
    kernel::boot(config.param("ip", &format!("{address}/24")))
}

#[test]
#[ignore = "needs the TAPs tap-a and tap-b on one bridge"]
fn two_kernels_talk_over_a_bridge() -> Result<(), Box<dyn Error>> {
    two_kernels_talk("tap:tap-a", "tap:tap-b")
}

#[test]
fn two_kernels_talk_over_a_segment() -> Result<(), Box<dyn Error>> {
    two_kernels_talk("bus:segment", "bus:segment")
}

fn two_kernels_talk(link_a: &str, link_b: &str) -> Result<(), Box<dyn Error>> {
    let (here, there) = (Ipv4Addr::new(10, 99, 0, 1), Ipv4Addr::new(10, 99, 0, 2));
    let (a, b) = (boot(link_a, here)?, boot(link_b, there)?);
    let listener = TcpListener::bind(&b, (there, 7000))?;
    let answering = thread::spawn(move || -> Result<(), Errno> {
        let (stream, peer) = listener.accept()?;
        assert_eq!(peer.ip(), here);
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        all.reverse();
        stream.write_all(&all)
    });
    let data: Vec<u8> = (0..4_000_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let stream = TcpStream::connect(&a, (there, 7000))?;
    stream.write_all(&data)?;
    stream.shutdown(Shutdown::Write)?;
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    back.reverse();
    assert!(back == data, "{} of {} bytes", back.len(), data.len());
    answering.join().unwrap()?;
    Ok(())
}
