//! The echo service (RFC 862), over TCP and UDP, as an application of a kernel: the smallest server
//! that serves everybody from one thread.
//!
//! `echo [--port N]`, port 7 otherwise.
#![no_std]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use rump::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use rump::poll::{Events, Interest, Poller};
use rump::{Errno, Kernel, Level, Result};

const LISTENER: u64 = 0;
const DATAGRAMS: u64 = 1;
/// The key of the first connection.
const FIRST: u64 = 2;

/// The longest datagram there is, in bytes.
const LONGEST: usize = 65535;

/// Datagrams and connections served before others have their turn.
const TURN: usize = 64;

/// Serves until the kernel ends. Returns the exit code.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    let port = match args {
        [] => Some(7),
        [name, value] if name == "--port" => value.parse().ok(),
        _ => None,
    };
    let Some(port) = port else {
        kernel.log(Level::Error, format_args!("echo: usage: echo [--port N]"));
        return 2;
    };
    match Server::bind(kernel, port).and_then(|mut server| {
        kernel.print(format_args!("echo: listening on port {port}"));
        server.run()
    }) {
        Err(Errno::EINTR) => 0,
        Err(errno) => {
            kernel.log(Level::Error, format_args!("echo: port {port}: {errno}"));
            1
        }
        Ok(()) => 0,
    }
}

struct Client {
    stream: TcpStream,
    /// What came and did not go back yet: nothing more is read until it did.
    pending: Vec<u8>,
    interest: Interest,
}

impl Client {
    /// Sends back what comes, for as long as both go on or its turn lasts, and says what it waits for then;
    /// `None` at the end.
    fn advance(&mut self, scratch: &mut [u8]) -> Option<Interest> {
        for _ in 0..TURN {
            if !self.pending.is_empty() {
                match self.stream.write(&self.pending) {
                    Ok(count) => drop(self.pending.drain(..count)),
                    Err(Errno::EAGAIN) => return Some(Interest::WRITE),
                    Err(_) => return None,
                }
                continue;
            }
            let count = match self.stream.read(scratch) {
                Ok(0) => return None,
                Ok(count) => count,
                Err(Errno::EAGAIN) => {
                    // An idle connection has no buffer.
                    self.pending = Vec::new();
                    return Some(Interest::READ);
                }
                Err(_) => return None,
            };
            let sent = match self.stream.write(&scratch[..count]) {
                Ok(sent) => sent,
                Err(Errno::EAGAIN) => 0,
                Err(_) => return None,
            };
            self.pending.extend_from_slice(&scratch[sent..count]);
        }
        Some(self.interest)
    }
}

struct Server {
    poller: Poller,
    listener: TcpListener,
    datagrams: UdpSocket,
    /// The connections, by key.
    clients: BTreeMap<u64, Client>,
    next: u64,
    /// Whether the listener rests since nothing more could be accepted.
    full: bool,
    scratch: Vec<u8>,
}

impl Server {
    fn bind(kernel: &Kernel, port: u16) -> Result<Self> {
        let bind = |address: SocketAddr| -> Result<_> {
            Ok((
                TcpListener::bind(kernel, address)?,
                UdpSocket::bind(kernel, address)?,
            ))
        };
        let (listener, datagrams) = bind((Ipv6Addr::UNSPECIFIED, port).into())
            // A kernel without IPv6.
            .or_else(|_| bind((Ipv4Addr::UNSPECIFIED, port).into()))?;
        listener.set_nonblocking(true)?;
        datagrams.set_nonblocking(true)?;
        let poller = Poller::new(kernel)?;
        poller.add(&listener, LISTENER, Interest::READ)?;
        poller.add(&datagrams, DATAGRAMS, Interest::READ)?;
        Ok(Server {
            poller,
            listener,
            datagrams,
            clients: BTreeMap::new(),
            next: FIRST,
            full: false,
            scratch: vec![0; LONGEST],
        })
    }

    fn run(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(TURN);
        loop {
            self.poller.wait(&mut events, None)?;
            for event in &events {
                match event.key {
                    LISTENER => self.accept()?,
                    DATAGRAMS => self.return_datagrams(),
                    key => self.serve(key)?,
                }
            }
        }
    }

    /// Accepts who is there. An error is the listener's or the poller's.
    fn accept(&mut self) -> Result<()> {
        for _ in 0..TURN {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(Errno::EAGAIN | Errno::ECONNABORTED) => return Ok(()),
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS) => {
                    self.full = true;
                    return self.poller.modify(&self.listener, LISTENER, Interest::NONE);
                }
                Err(errno) => return Err(errno),
            };
            stream.set_nonblocking(true)?;
            // One that cannot be served is closed by being dropped.
            if self.poller.add(&stream, self.next, Interest::READ).is_ok() {
                let client = Client {
                    stream,
                    pending: Vec::new(),
                    interest: Interest::READ,
                };
                self.clients.insert(self.next, client);
                self.next += 1;
            }
        }
        Ok(())
    }

    /// Datagrams that cannot go back are lost, as datagrams are.
    fn return_datagrams(&mut self) {
        for _ in 0..TURN {
            let Ok((count, from)) = self.datagrams.recv_from(&mut self.scratch) else {
                return;
            };
            let _ = self.datagrams.send_to(&self.scratch[..count], from);
        }
    }

    /// Lets a connection go on. An error is the listener's.
    fn serve(&mut self, key: u64) -> Result<()> {
        let Some(client) = self.clients.get_mut(&key) else {
            return Ok(());
        };
        let next = client.advance(&mut self.scratch);
        let goes_on = next.is_some_and(|interest| {
            let same = client.interest == interest;
            client.interest = interest;
            same || self.poller.modify(&client.stream, key, interest).is_ok()
        });
        if !goes_on {
            self.clients.remove(&key);
            if self.full {
                self.full = false;
                self.poller
                    .modify(&self.listener, LISTENER, Interest::READ)?;
            }
        }
        Ok(())
    }
}
