//! Tests of whole kernels on the simulated platform: one that talks to itself, and two on a cable.

mod blind;
mod bulk;
mod capture;
mod carrier;
mod datagrams;
mod filters;
mod floods;
mod groups;
mod hostile;
mod icmp;
mod offloads;
mod options;
mod paths;
mod readiness;
mod recovery;
mod streams;
mod windows;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use base::{
    Blocking, Config, Errno, Events, Kernel, Lwp, ParamKind, ParamSpec, Process, System, Wait,
    block, enter,
};
use net::{Cidr, Net};
use sockets::{Families, Incoming, Outgoing, Protocol, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UserIn, UserOut};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &r#loop::COMPONENT,
        &virtif::COMPONENT,
        &sockets::COMPONENT,
        &crate::COMPONENT,
        &multicast::COMPONENT,
    ],
    params: &[
        param("base", "memory-limit", ParamKind::Bytes, "0"),
        param("net", "ip", ParamKind::Text, ""),
        param("net", "gateway", ParamKind::Text, ""),
        param("virtif", "virtif", ParamKind::Text, ""),
        param("inet", "tcp-buffer", ParamKind::Bytes, "256KiB"),
        param("inet", "udp-buffer", ParamKind::Bytes, "208KiB"),
        param("inet", "tcp-half-open", ParamKind::Integer, "1024"),
    ],
};

const fn param(
    component: &'static str,
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
) -> ParamSpec {
    ParamSpec {
        component,
        name,
        kind,
        default,
        doc: "",
    }
}

/// Longer than anything that works takes.
const PATIENCE: u64 = 300_000_000_000;

/// A kernel.
struct Host {
    kernel: Kernel,
    net: Arc<Net>,
}

/// A kernel that is connected to nothing but itself, in a new world.
fn alone() -> Host {
    alone_with(&[])
}

fn alone_with(params: &[(&str, &str)]) -> Host {
    sim::reset(1);
    boot(params)
}

fn boot(params: &[(&str, &str)]) -> Host {
    let mut config = Config::new();
    for (name, value) in params {
        config = config.param(name, value);
    }
    let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
    let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
    Host { kernel, net }
}

/// Two kernels on a cable with these properties: 10.0.0.1, fd00::1 and 10.0.0.2, fd00::2.
fn pair(cable: &str) -> [Host; 2] {
    pair_with([cable, cable])
}

/// The same, with a cable whose properties differ at the two ends.
fn pair_with(ends: [&str; 2]) -> [Host; 2] {
    sim::reset(1);
    let hosts = [1, 2].map(|number| {
        let host = boot(&[("virtif", &alloc::format!("wire:{}", ends[number - 1]))]);
        host.enter(|lwp| {
            let interface = host.net.interface("virt0")?;
            for (address, prefix) in [
                (alloc::format!("10.0.0.{number}"), 24),
                (alloc::format!("fd00::{number}"), 64),
            ] {
                let cidr = Cidr::new(address.parse().unwrap(), prefix)?;
                host.net.add_address(lwp, &interface, cidr)?;
            }
            Ok(())
        })
        .unwrap();
        host
    });
    // Time for what kernels do with a new IPv6 address.
    sim::advance(3_000_000_000);
    hosts
}

impl Host {
    fn enter<R>(&self, f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
        enter(self.kernel.process(), f)
    }

    fn socket(&self, family: u16, kind: u32, protocol: u32) -> Result<Sock, Errno> {
        let served: Arc<dyn Protocol> = self
            .enter(|lwp| lwp.state::<Families>())
            .unwrap()
            .get(family)
            .unwrap();
        let socket = self.enter(|lwp| served.socket(lwp, kind, protocol))?;
        Ok(Sock {
            process: self.kernel.process().clone(),
            socket,
        })
    }

    fn tcp(&self) -> Sock {
        self.socket(AF_INET, SOCK_STREAM, 0).unwrap()
    }

    fn udp(&self) -> Sock {
        self.socket(AF_INET, SOCK_DGRAM, 0).unwrap()
    }

    /// A listener at `address`, and where it is.
    fn listener(&self, address: &str, backlog: u32) -> (Sock, SockAddr) {
        let at = addr(address);
        let socket = self.socket(at.family(), SOCK_STREAM, 0).unwrap();
        socket.bind(at).unwrap();
        socket.listen(backlog).unwrap();
        let at = socket.local();
        (socket, at)
    }

    fn memory_used(&self) -> usize {
        self.kernel.instance().memory().used()
    }
}

fn addr(text: &str) -> SockAddr {
    text.parse::<SocketAddr>().unwrap().into()
}

fn port(address: SockAddr) -> u16 {
    address.ip().unwrap().port()
}

fn at(address: &str, port: u16) -> SockAddr {
    (address.parse::<IpAddr>().unwrap(), port).into()
}

/// Two ends of a connection, that of who connected first.
fn connected(client: &Host, server: &Host, address: &str) -> (Sock, Sock) {
    connected_with(client, server, address, |_| ())
}

fn connected_with(
    client: &Host,
    server: &Host,
    address: &str,
    prepare: impl Fn(&Sock),
) -> (Sock, Sock) {
    let at = addr(address);
    let listener = server.socket(at.family(), SOCK_STREAM, 0).unwrap();
    prepare(&listener);
    listener.bind(at).unwrap();
    listener.listen(5).unwrap();
    let one = client.socket(at.family(), SOCK_STREAM, 0).unwrap();
    prepare(&one);
    one.connect(listener.local()).unwrap();
    let (other, _) = listener.accept().unwrap();
    listener.close();
    (one, other)
}

/// A socket, with calls that wait.
struct Sock {
    process: Arc<Process>,
    socket: Arc<dyn Socket>,
}

/// What a receive call said beside the data.
struct Received {
    len: usize,
    from: Option<SockAddr>,
    flags: u32,
}

impl Sock {
    fn enter<R>(&self, f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
        enter(&self.process, f)
    }

    fn block<R>(&self, mut step: impl FnMut(&Lwp<'_>) -> Result<R, Wait>) -> Result<R, Errno> {
        self.enter(|lwp| {
            let how = Blocking::new(false).within(lwp, PATIENCE);
            block(lwp, self.socket.readiness(), how, || step(lwp))
        })
    }

    /// One step, with an answer for having to wait.
    fn step<R>(&self, f: impl FnOnce(&Lwp<'_>) -> Result<R, Wait>) -> Result<R, Errno> {
        self.enter(|lwp| {
            f(lwp).map_err(|wait| match wait {
                Wait::Fail(errno) => errno,
                Wait::For(_) => Errno::EAGAIN,
            })
        })
    }

    fn bind(&self, address: SockAddr) -> Result<(), Errno> {
        self.enter(|lwp| self.socket.bind(lwp, &address))
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        self.enter(|lwp| self.socket.listen(lwp, backlog))
    }

    fn accepted(&self, (socket, peer): (Arc<dyn Socket>, SockAddr)) -> (Sock, SockAddr) {
        let process = self.process.clone();
        (Sock { process, socket }, peer)
    }

    fn accept(&self) -> Result<(Sock, SockAddr), Errno> {
        let taken = self.block(|lwp| self.socket.try_accept(lwp))?;
        Ok(self.accepted(taken))
    }

    fn try_accept(&self) -> Result<(Sock, SockAddr), Errno> {
        let taken = self.step(|lwp| self.socket.try_accept(lwp))?;
        Ok(self.accepted(taken))
    }

    fn connect(&self, address: SockAddr) -> Result<(), Errno> {
        self.block(|lwp| self.socket.connect(lwp, &address))
    }

    fn try_connect(&self, address: SockAddr) -> Result<(), Errno> {
        self.step(|lwp| self.socket.connect(lwp, &address))
    }

    /// Sends all of it.
    fn send(&self, data: &[u8]) -> Result<usize, Errno> {
        let mut sent = 0;
        while sent < data.len() {
            sent += self.block(|lwp| {
                let mut rest = UserIn::from(&data[sent..]).into();
                self.socket
                    .try_send(lwp, &mut rest, &mut Outgoing::default(), 0)
            })?;
        }
        Ok(sent)
    }

    fn try_send(&self, data: &[u8]) -> Result<usize, Errno> {
        self.send_with(data, 0)
    }

    /// Sends with flags, as much as is taken at once.
    fn send_with(&self, data: &[u8], flags: u32) -> Result<usize, Errno> {
        self.step(|lwp| {
            let mut data = UserIn::from(data).into();
            self.socket
                .try_send(lwp, &mut data, &mut Outgoing::default(), flags)
        })
    }

    fn send_to(&self, data: &[u8], to: SockAddr) -> Result<usize, Errno> {
        self.step(|lwp| {
            let mut data = UserIn::from(data).into();
            let mut with = Outgoing {
                to: Some(to),
                ..Outgoing::default()
            };
            self.socket.try_send(lwp, &mut data, &mut with, 0)
        })
    }

    fn receive_from(&self, len: usize, flags: u32) -> Result<(Vec<u8>, Received), Errno> {
        let mut data = alloc::vec![0; len];
        let mut with = Incoming::default();
        let len = self.block(|lwp| {
            let mut place = UserOut::from(&mut data[..]).into();
            self.socket.try_receive(lwp, &mut place, &mut with, flags)
        })?;
        data.truncate(len);
        let (from, flags) = (with.from, with.flags);
        Ok((data, Received { len, from, flags }))
    }

    fn receive(&self, len: usize) -> Result<Vec<u8>, Errno> {
        Ok(self.receive_from(len, 0)?.0)
    }

    fn try_receive(&self, len: usize) -> Result<Vec<u8>, Errno> {
        let mut data = alloc::vec![0; len];
        let len = self.step(|lwp| {
            let mut place = UserOut::from(&mut data[..]).into();
            let mut with = Incoming::default();
            self.socket.try_receive(lwp, &mut place, &mut with, 0)
        })?;
        data.truncate(len);
        Ok(data)
    }

    /// Receives until the end.
    fn receive_all(&self) -> Result<Vec<u8>, Errno> {
        let mut all = Vec::new();
        loop {
            let data = self.receive(10_000)?;
            if data.is_empty() {
                return Ok(all);
            }
            all.extend(data);
        }
    }

    fn shutdown(&self, how: u32) -> Result<(), Errno> {
        self.enter(|lwp| self.socket.shutdown(lwp, how))
    }

    fn local(&self) -> SockAddr {
        self.enter(|lwp| Ok(self.socket.local_address(lwp)))
            .unwrap()
    }

    fn peer(&self) -> Result<SockAddr, Errno> {
        self.enter(|lwp| self.socket.peer_address(lwp))
    }

    fn set(&self, level: u32, name: u32, value: i32) -> Result<(), Errno> {
        let value = value.to_ne_bytes();
        self.enter(|lwp| self.socket.set_option(lwp, level, name, &value))
    }

    fn get(&self, level: u32, name: u32) -> Result<i32, Errno> {
        let value = self.enter(|lwp| self.socket.option(lwp, level, name))?;
        Ok(i32::from_ne_bytes(value[..4].try_into().unwrap()))
    }

    fn error(&self) -> i32 {
        self.get(SOL_SOCKET, SO_ERROR).unwrap()
    }

    fn level(&self) -> Events {
        self.socket.readiness().level()
    }

    fn linger(&self, seconds: i32) {
        let value = [1i32.to_ne_bytes(), seconds.to_ne_bytes()].concat();
        self.enter(|lwp| self.socket.set_option(lwp, SOL_SOCKET, SO_LINGER, &value))
            .unwrap();
    }

    /// Closes with a reset.
    fn reset(self) {
        self.linger(0);
        self.close();
    }

    fn close(self) {
        let _ = self.enter(|lwp| {
            self.socket.close(lwp);
            Ok(())
        });
    }
}
