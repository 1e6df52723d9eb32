//! Two kernels in one process.

use std::error::Error;
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use kernel::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use kernel::poll::{Events, Interest, Poller};
use kernel::{Config, Errno, Kernel};

type Result = std::result::Result<(), Box<dyn Error>>;

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7000);

fn boot() -> std::result::Result<Kernel, kernel::BootError> {
    kernel::boot(Config::new())
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

/// A client in kernel B talks to a server in kernel A. Both kernels have the address; what joins them is a
/// relay of the host's.
#[test]
fn two_kernels_talk() -> Result {
    let (a, b) = (boot()?, boot()?);
    let server = TcpListener::bind(&a, SERVER)?;
    let gateway = TcpListener::bind(&b, SERVER)?;
    let data = pattern(8 << 20);

    thread::scope(|scope| -> Result {
        let answered = scope.spawn(|| -> std::result::Result<usize, Errno> {
            let (stream, _) = server.accept()?;
            let mut all = Vec::new();
            let count = stream.read_to_end(&mut all)?;
            all.reverse();
            stream.write_all(&all)?;
            Ok(count)
        });
        let relayed = scope.spawn(|| -> std::io::Result<()> {
            let (from_b, _) = gateway.accept()?;
            let into_a = TcpStream::connect(&a, SERVER)?;
            outside::relay(from_b, into_a)
        });
        let mut stream = TcpStream::connect(&b, SERVER)?;
        Write::write_all(&mut stream, &data)?;
        stream.shutdown(Shutdown::Write)?;
        let mut back = Vec::new();
        Read::read_to_end(&mut stream, &mut back)?;
        back.reverse();
        assert!(
            back == data,
            "{} bytes came back of {}",
            back.len(),
            data.len()
        );
        assert_eq!(answered.join().unwrap()?, data.len());
        relayed.join().unwrap()?;
        Ok(())
    })
}

#[test]
fn kernels_share_nothing() -> Result {
    let (a, b) = (boot()?, boot()?);
    let in_a = TcpListener::bind(&a, SERVER)?;
    let in_b = TcpListener::bind(&b, SERVER)?;
    assert_eq!(
        TcpListener::bind(&a, SERVER).unwrap_err(),
        Errno::EADDRINUSE
    );
    a.shutdown();
    assert!(a.is_dead());
    assert_eq!(in_a.accept().unwrap_err(), Errno::EIO);
    let client = TcpStream::connect(&b, SERVER)?;
    let (accepted, peer) = in_b.accept()?;
    assert_eq!(peer, client.local_addr()?);
    client.write_all(b"still here")?;
    let mut buffer = [0; 10];
    accepted.read_exact(&mut buffer)?;
    assert_eq!(&buffer, b"still here");
    Ok(())
}

#[test]
fn a_kernel_lives_as_long_as_what_is_of_it() -> Result {
    let listener = TcpListener::bind(&boot()?, SERVER)?;
    let kernel = {
        use kernel::AsDescriptor;
        listener.as_descriptor().kernel().clone()
    };
    let client = TcpStream::connect(&kernel, SERVER)?;
    drop(kernel);
    client.write_all(b"x")?;
    assert_eq!(listener.accept()?.0.read(&mut [0; 2])?, 1);
    Ok(())
}

#[test]
fn a_thread_that_waits_hears_of_the_end() -> Result {
    let kernel = boot()?;
    let listener = TcpListener::bind(&kernel, SERVER)?;
    let waiting = thread::spawn(move || listener.accept().map(drop));
    thread::sleep(Duration::from_millis(50));
    kernel.shutdown();
    let errno = waiting.join().unwrap().unwrap_err();
    assert!(matches!(errno, Errno::EINTR | Errno::EIO), "{errno}");
    Ok(())
}

#[test]
fn errors_are_those_of_linux() -> Result {
    let kernel = boot()?;
    assert_eq!(
        TcpStream::connect(&kernel, SERVER).unwrap_err(),
        Errno::ECONNREFUSED
    );
    let listener = TcpListener::bind(&kernel, SERVER)?;
    listener.set_read_timeout(Some(Duration::from_millis(20)))?;
    assert_eq!(listener.read_timeout()?, Some(Duration::from_millis(20)));
    assert_eq!(listener.accept().unwrap_err(), Errno::EAGAIN);
    let client = TcpStream::connect(&kernel, SERVER)?;
    let (server, _) = listener.accept()?;
    client.set_nonblocking(true)?;
    assert_eq!(client.read(&mut [0; 1]).unwrap_err(), Errno::EAGAIN);
    drop(client);
    assert_eq!(server.read(&mut [0; 1])?, 0);
    assert_eq!(
        kernel::boot(Config::new().param("tcp-bufer", "1"))
            .unwrap_err()
            .errno(),
        Errno::EINVAL
    );
    Ok(())
}

#[test]
fn datagrams_and_a_poller() -> Result {
    let kernel = boot()?;
    let here = (Ipv4Addr::LOCALHOST, 0);
    let (a, b) = (
        UdpSocket::bind(&kernel, here)?,
        UdpSocket::bind(&kernel, here)?,
    );
    let poller = Poller::new(&kernel)?;
    poller.add(&b, 7, Interest::READ)?;
    let mut events = Events::with_capacity(4);
    assert_eq!(poller.wait(&mut events, Some(Duration::from_millis(5)))?, 0);
    a.send_to(b"datagram", b.local_addr()?)?;
    assert_eq!(poller.wait(&mut events, None)?, 1);
    let event = events.iter().next().unwrap();
    assert!(event.key == 7 && event.is_readable() && !event.is_writable());
    let mut buffer = [0; 99];
    let (count, from) = b.recv_from(&mut buffer)?;
    assert_eq!(
        (&buffer[..count], from),
        (&b"datagram"[..], a.local_addr()?)
    );
    poller.modify(&b, 8, (Interest::READ | Interest::WRITE).edge())?;
    assert_eq!(poller.wait(&mut events, None)?, 1);
    assert_eq!(poller.wait(&mut events, Some(Duration::ZERO))?, 0);
    drop(b);
    assert_eq!(poller.wait(&mut events, Some(Duration::ZERO))?, 0);
    Ok(())
}
