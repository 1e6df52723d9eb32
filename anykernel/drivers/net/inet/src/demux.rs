//! Who gets a packet: the tables of connections, listeners, and sockets for datagrams.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::BuildHasher;
use core::net::IpAddr;

use hashbrown::HashMap;

use crate::address::{Endpoint, Scope, Tuple};
use crate::datagram::DatagramSocket;
use crate::ports::PortTable;
use crate::tcp::TcpSocket;
use crate::time_wait::TimeWaits;

/// Sockets by the port they are bound to.
pub(crate) struct Bound<T>(HashMap<u16, Vec<Entry<T>>>);

struct Entry<T> {
    scope: Scope,
    /// The only one it hears, if it is connected.
    peer: Option<Endpoint>,
    /// It shares the port with others that do (`SO_REUSEPORT`).
    shares: bool,
    socket: Arc<T>,
}

impl<T> Default for Bound<T> {
    fn default() -> Self {
        Bound(HashMap::new())
    }
}

impl<T> Bound<T> {
    /// Adds a socket, or changes what it hears.
    pub(crate) fn put(
        &mut self,
        port: u16,
        scope: Scope,
        peer: Option<Endpoint>,
        shares: bool,
        socket: &Arc<T>,
    ) {
        let entries = self.0.entry(port).or_default();
        match entries
            .iter_mut()
            .find(|entry| Arc::ptr_eq(&entry.socket, socket))
        {
            Some(entry) => (entry.scope, entry.peer, entry.shares) = (scope, peer, shares),
            None => entries.push(Entry {
                scope,
                peer,
                shares,
                socket: socket.clone(),
            }),
        }
    }

    /// Removes a socket.
    pub(crate) fn remove(&mut self, port: u16, socket: &T) -> Option<Arc<T>> {
        let entries = self.0.get_mut(&port)?;
        let index = entries
            .iter()
            .position(|entry| core::ptr::eq(&*entry.socket, socket))?;
        let socket = entries.remove(index).socket;
        if entries.is_empty() {
            self.0.remove(&port);
        }
        Some(socket)
    }

    /// The socket that fits a packet best; of equals the last that came, or of those that share the port always the same one
    /// for a sender.
    pub(crate) fn find(&self, local: Endpoint, from: Endpoint) -> Option<&Arc<T>> {
        // The plain form: iterators put together are a kilobyte of code.
        let (mut best, mut most, mut index) = (None, 0, 0);
        for ((connected, fit), entry) in self.entries(local, from) {
            index += 1;
            let rank = match entry.shares {
                true => self.0.hasher().hash_one((from, index)) as u32,
                false => index,
            };
            let rank = u64::from(connected) << 40 | u64::from(fit) << 32 | u64::from(rank);
            if rank >= most {
                (best, most) = (Some(&entry.socket), rank);
            }
        }
        best
    }

    /// All sockets that fit a packet, and how well.
    pub(crate) fn fitting(
        &self,
        local: Endpoint,
        from: Endpoint,
    ) -> impl Iterator<Item = ((bool, u8), &Arc<T>)> {
        self.entries(local, from)
            .map(|(fit, entry)| (fit, &entry.socket))
    }

    fn entries(
        &self,
        local: Endpoint,
        from: Endpoint,
    ) -> impl Iterator<Item = ((bool, u8), &Entry<T>)> {
        let entries = self.0.get(&local.port).map_or(&[][..], Vec::as_slice);
        entries.iter().filter_map(move |entry| {
            let fit = entry.scope.fit(local.addr)?;
            match entry.peer {
                Some(peer) if peer != from => None,
                peer => Some(((peer.is_some(), fit), entry)),
            }
        })
    }

    /// All sockets bound to a port for all addresses or more particularly; for packets to many.
    pub(crate) fn at(
        &self,
        port: u16,
    ) -> impl Iterator<Item = (&Scope, Option<Endpoint>, &Arc<T>)> {
        let entries = self.0.get(&port).map_or(&[][..], Vec::as_slice);
        entries
            .iter()
            .map(|entry| (&entry.scope, entry.peer, &entry.socket))
    }
}

/// Who a segment is for.
pub(crate) enum Target {
    Connection(Arc<TcpSocket>),
    Listener(Arc<TcpSocket>),
    TimeWait,
    Nobody,
}

/// All tables of an instance.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) connections: HashMap<Tuple, Arc<TcpSocket>>,
    pub(crate) listeners: Bound<TcpSocket>,
    pub(crate) time_waits: TimeWaits,
    pub(crate) tcp_ports: PortTable,
    pub(crate) udp: Bound<DatagramSocket>,
    pub(crate) udp_ports: PortTable,
    /// Raw sockets, and those for echo requests, in the order they were made.
    pub(crate) raw: Vec<Arc<DatagramSocket>>,
}

impl Tables {
    /// Who a segment is for.
    pub(crate) fn segment(&self, tuple: &Tuple) -> Target {
        if let Some(socket) = self.connections.get(tuple) {
            return Target::Connection(socket.clone());
        }
        if self.time_waits.contains(tuple) {
            return Target::TimeWait;
        }
        match self.listeners.find(tuple.local, tuple.remote) {
            Some(socket) => Target::Listener(socket.clone()),
            None => Target::Nobody,
        }
    }

    /// Whether a connection between these ends exists or has just ended.
    pub(crate) fn is_taken(&self, tuple: &Tuple) -> bool {
        self.connections.contains_key(tuple) || self.time_waits.contains(tuple)
    }

    /// Removes a raw socket.
    pub(crate) fn remove_raw(&mut self, socket: &DatagramSocket) -> Option<Arc<DatagramSocket>> {
        let index = self
            .raw
            .iter()
            .position(|other| core::ptr::eq(&**other, socket))?;
        Some(self.raw.remove(index))
    }
}

/// Whether a packet to many, at `addr`, is for a socket with this scope.
pub(crate) fn hears_many(scope: &Scope, addr: IpAddr) -> bool {
    scope.fit(addr).is_some()
}
