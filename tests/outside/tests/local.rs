//! Unix-domain sockets of a kernel.

use std::error::Error;
use std::io::{Read, Write};
use std::thread;

use kernel::poll::{Events, Interest, Poller};
use kernel::unix::{Shutdown, SocketAddr, UnixDatagram, UnixListener, UnixStream};
use kernel::{Config, Errno};

type Result = std::result::Result<(), Box<dyn Error>>;

#[test]
fn streams() -> Result {
    let kernel = kernel::boot(Config::new())?;
    let listener = UnixListener::bind(&kernel, "/run/server")?;
    let data: Vec<u8> = (0..3_000_000u32)
        .map(|i| (i.wrapping_mul(i) >> 11) as u8)
        .collect();
    thread::scope(|scope| -> Result {
        let served = scope.spawn(|| -> std::result::Result<(), Errno> {
            let (stream, peer) = listener.accept()?;
            assert!(peer.is_unnamed());
            let mut all = Vec::new();
            stream.read_to_end(&mut all)?;
            stream.write_all(&all)
        });
        let mut stream = UnixStream::connect(&kernel, "/run/server")?;
        assert_eq!(stream.peer_addr()?.as_pathname(), Some(&b"/run/server"[..]));
        assert_eq!(stream.peer_cred()?.pid, 1);
        Write::write_all(&mut stream, &data)?;
        stream.shutdown(Shutdown::Write)?;
        let mut back = Vec::new();
        Read::read_to_end(&mut stream, &mut back)?;
        assert!(
            back == data,
            "{} bytes came back of {}",
            back.len(),
            data.len()
        );
        served.join().expect("the server does not panic")?;
        Ok(())
    })?;
    drop(listener);
    let gone = UnixStream::connect(&kernel, "/run/server");
    assert_eq!(gone.err(), Some(Errno::ENOENT));
    Ok(())
}

#[test]
fn pairs_are_waited_for() -> Result {
    let kernel = kernel::boot(Config::new())?;
    let (one, other) = UnixStream::pair(&kernel)?;
    one.set_nonblocking(true)?;
    let mut byte = [0];
    assert_eq!(one.read(&mut byte), Err(Errno::EAGAIN));
    let poller = Poller::new(&kernel)?;
    poller.add(&one, 7, Interest::READ)?;
    let mut events = Events::with_capacity(1);
    thread::scope(|scope| -> Result {
        scope.spawn(|| other.write_all(b"x"));
        poller.wait(&mut events, None)?;
        assert_eq!(events.iter().next().map(|event| event.key), Some(7));
        assert_eq!((one.read(&mut byte)?, byte), (1, *b"x"));
        Ok(())
    })?;
    drop(other);
    assert_eq!(one.write(b"x"), Err(Errno::EPIPE));
    Ok(())
}

#[test]
fn datagrams() -> Result {
    let kernel = kernel::boot(Config::new())?;
    let name = SocketAddr::from_abstract_name("receiver")?;
    let receiver = UnixDatagram::bind_addr(&kernel, &name)?;
    let sender = UnixDatagram::bind(&kernel, "/run/sender")?;
    sender.send_to_addr(b"one", &name)?;
    sender.connect_addr(&name)?;
    sender.send(b"two")?;
    let mut buffer = [0; 9];
    for expected in [b"one", b"two"] {
        let (count, from) = receiver.recv_from(&mut buffer)?;
        assert_eq!(&buffer[..count], expected);
        assert_eq!(from.as_pathname(), Some(&b"/run/sender"[..]));
    }
    assert_eq!(
        format!("{:?}", receiver.local_addr()?),
        "\"receiver\" (abstract)"
    );
    receiver.send_to(b"back", "/run/sender")?;
    assert_eq!(sender.recv(&mut buffer)?, 4);
    let (one, other) = UnixDatagram::pair(&kernel)?;
    one.send(b"pair")?;
    assert_eq!(other.recv(&mut buffer)?, 4);
    Ok(())
}
