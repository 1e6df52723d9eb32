//! Many connections on one poller.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use rump::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use rump::poll::{Events, Interest, Poller};
use rump::{Errno, Kernel, Result};

use crate::connection::{CHUNK, Connection, Next};
use crate::site::Site;

/// The listener's key; a connection's is its index.
const LISTENER: u64 = u64::MAX;

/// How long the listener rests at most: what it lacks may come from elsewhere than from a connection that is closed.
const REST: Duration = Duration::from_millis(100);

/// Events taken at once.
const BATCH: usize = 256;

struct Client {
    connection: Connection<rump::net::TcpStream>,
    interest: Interest,
}

/// The server.
pub(crate) struct Server {
    site: Site,
    poller: Poller,
    listener: TcpListener,
    /// Whether the listener rests since nothing more could be accepted.
    full: bool,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    /// Where data is while it is moved: no connection has such a buffer for itself.
    scratch: Vec<u8>,
}

impl Server {
    pub(crate) fn bind(kernel: &Kernel, port: u16, site: Site) -> Result<Self> {
        let listener = TcpListener::bind(kernel, (Ipv6Addr::UNSPECIFIED, port)).or_else(
            // A kernel without IPv6.
            |_| TcpListener::bind(kernel, (Ipv4Addr::UNSPECIFIED, port)),
        )?;
        listener.set_nonblocking(true)?;
        let poller = Poller::new(kernel)?;
        poller.add(&listener, LISTENER, Interest::READ)?;
        Ok(Server {
            site,
            poller,
            listener,
            full: false,
            clients: Vec::new(),
            free: Vec::new(),
            scratch: vec![0; CHUNK],
        })
    }

    /// Serves until that is impossible, and says why.
    pub(crate) fn run(mut self) -> Errno {
        let mut events = Events::with_capacity(BATCH);
        loop {
            let span = self.full.then_some(REST);
            if let Err(errno) = self.poller.wait(&mut events, span) {
                return errno;
            }
            if self.full
                && events.is_empty()
                && let Err(errno) = self.listen_again()
            {
                return errno;
            }
            for event in &events {
                let served = match event.key {
                    LISTENER => self.accept(),
                    key => self.serve(key as usize),
                };
                if let Err(errno) = served {
                    return errno;
                }
            }
        }
    }

    /// Accepts who is there. An error is the listener's or the poller's.
    fn accept(&mut self) -> Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let index = self.free.pop().unwrap_or(self.clients.len());
                    // One that cannot be served is closed by being dropped.
                    let ready = stream
                        .set_nonblocking(true)
                        .and_then(|()| stream.set_nodelay(true))
                        .and_then(|()| self.poller.add(&stream, index as u64, Interest::READ));
                    let client = ready.is_ok().then(|| Client {
                        connection: Connection::new(stream),
                        interest: Interest::READ,
                    });
                    if index == self.clients.len() {
                        self.clients.push(None);
                    }
                    if client.is_none() {
                        self.free.push(index);
                    }
                    self.clients[index] = client;
                }
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::ECONNABORTED) => {}
                Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM | Errno::ENOBUFS) => {
                    // Whoever waits goes on waiting until a connection is closed, or for a while.
                    self.full = true;
                    return self.poller.modify(&self.listener, LISTENER, Interest::NONE);
                }
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Lets a connection go on. An error is the listener's or the poller's.
    fn serve(&mut self, index: usize) -> Result<()> {
        let Some(client) = self.clients.get_mut(index).and_then(Option::as_mut) else {
            return Ok(());
        };
        let closed = match client.connection.advance(&mut self.scratch, &self.site) {
            Next::Wait(interest) if interest == client.interest => false,
            Next::Wait(interest) => {
                client.interest = interest;
                let stream = &client.connection.transport;
                self.poller.modify(stream, index as u64, interest).is_err()
            }
            Next::Close => true,
        };
        if closed {
            self.clients[index] = None;
            self.free.push(index);
            if self.full {
                self.listen_again()?;
            }
        }
        Ok(())
    }

    fn listen_again(&mut self) -> Result<()> {
        self.full = false;
        self.poller.modify(&self.listener, LISTENER, Interest::READ)
    }
}
