//! WireGuard tunnels. Keys are in base64, as WireGuard's own tools write them.
//!
//! ```no_run
//! # fn f(kernel: &rump::Kernel, ours: &str, theirs: &str) -> rump::Result<()> {
//! use rump::wg::{Peer, Tunnel};
//!
//! let tunnel = Tunnel::new(kernel, ours, 51820)?;
//! tunnel.set_peer(&Peer {
//!     public_key: theirs,
//!     endpoint: Some(([192, 0, 2, 1], 51820).into()),
//!     allowed: &["10.9.0.0/24".parse()?],
//!     ..Peer::default()
//! })?;
//! // With netconfig: the interface is called wg0 here, and gets an address.
//! # Ok(()) }
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use net::Cidr;
use syscall::UserOut;
use wg::syscalls;

use crate::{Kernel, Result};

/// An interface that is a tunnel.
#[derive(Clone, Debug)]
pub struct Tunnel {
    kernel: Kernel,
    number: u32,
}

/// What is to be known of a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer<'a> {
    /// Its public key.
    pub public_key: &'a str,
    /// A key shared with it beforehand.
    pub psk: Option<&'a str>,
    /// Where it is; `None`, if it speaks first.
    pub endpoint: Option<SocketAddr>,
    /// Its networks inside.
    pub allowed: &'a [Cidr],
    /// After how many seconds without a message it gets one; zero is never.
    pub keepalive: u16,
}

impl Tunnel {
    /// Makes an interface with this private key over a UDP port; zero is any that is free. `EINVAL`: no key;
    /// `EADDRINUSE`: the port is taken.
    pub fn new(kernel: &Kernel, private_key: &str, port: u16) -> Result<Self> {
        let number = kernel.enter(|lwp| syscalls::create(lwp, private_key.into(), port.into()))?;
        let kernel = kernel.clone();
        Ok(Tunnel { kernel, number })
    }

    /// The interface's name.
    pub fn name(&self) -> String {
        format!("wg{}", self.number)
    }

    /// The UDP port.
    pub fn port(&self) -> Result<u16> {
        let port = self.kernel.enter(|lwp| syscalls::port(lwp, self.number))?;
        Ok(port as u16)
    }

    /// Adds a peer, or has other things known of it. `EINVAL`: what should be a key is none, or our own.
    pub fn set_peer(&self, peer: &Peer<'_>) -> Result<()> {
        let endpoint = peer.endpoint.map_or(String::new(), |it| it.to_string());
        let allowed: Vec<String> = peer.allowed.iter().map(Cidr::to_string).collect();
        self.kernel.enter(|lwp| {
            syscalls::peer(
                lwp,
                self.number,
                peer.public_key.into(),
                peer.psk.unwrap_or("").into(),
                endpoint.as_str().into(),
                allowed.join(",").as_str().into(),
                peer.keepalive.into(),
            )
        })
    }

    /// Forgets a peer. `ENOENT`: it is none.
    pub fn remove_peer(&self, public_key: &str) -> Result<()> {
        self.kernel
            .enter(|lwp| syscalls::remove_peer(lwp, self.number, public_key.into()))
    }

    /// The peers, a line each: public key, where it is, its networks, when there was the last handshake (seconds since
    /// 1970, zero for none), bytes received and sent.
    pub fn peers(&self) -> Result<String> {
        let mut text = Vec::new();
        loop {
            let room = text.len();
            let len = self.kernel.enter(|lwp| {
                syscalls::peers(lwp, self.number, UserOut::from(text.as_mut_slice()))
            })? as usize;
            if len <= room {
                text.truncate(len.saturating_sub(1));
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            text.resize(len, 0);
        }
    }
}
