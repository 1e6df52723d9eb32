//! Two kernels on a cable, with a tunnel between them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

use base::{Blocking, Config, Errno, Kernel, Lwp, ParamKind, System, Wait, block, enter};
use net::testing::param;
use net::{Cidr, Net, Reason, Route};
use sockets::{Families, Incoming, Outgoing, Socket};
use syscall::consts::{AF_INET, SOCK_DGRAM, SOCK_STREAM};
use syscall::{UserIn, UserOut};

use super::pair::{SECOND, private, public};
use crate::syscalls;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &r#loop::COMPONENT,
        &virtif::COMPONENT,
        &sockets::COMPONENT,
        &inet::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[
        param("base", "memory-limit", ParamKind::Bytes, "0"),
        param("net", "ip", ParamKind::Text, ""),
        param("net", "gateway", ParamKind::Text, ""),
        param("virtif", "virtif", ParamKind::Text, ""),
        param("inet", "tcp-buffer", ParamKind::Bytes, "256KiB"),
        param("inet", "udp-buffer", ParamKind::Bytes, "208KiB"),
        param("inet", "tcp-half-open", ParamKind::Integer, "256"),
    ],
};

/// A kernel: 10.0.0.N on the cable, 10.9.0.N and fd09::N in the tunnel `wg0`, whose port is 5182N.
struct Host {
    kernel: Kernel,
    net: Arc<Net>,
}

/// Two of them, which know each other's keys; the first knows where the second is.
fn hosts(cable: &str) -> [Host; 2] {
    sim::reset(3);
    let hosts = [0, 1].map(|end| {
        let number = end + 1;
        let config = Config::new()
            .param("virtif", &format!("wire:{cable}"))
            .param("ip", &format!("10.0.0.{number}/24"));
        let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
        let net = enter(kernel.process(), |lwp| lwp.state::<Net>()).unwrap();
        Host { kernel, net }
    });
    for (end, host) in hosts.iter().enumerate() {
        let (ours, theirs) = (private(end), public(1 - end));
        let endpoint = ["10.0.0.2:51822", ""][end];
        host.enter(|lwp| {
            let port = 51821 + end as i32;
            assert_eq!(
                syscalls::create(lwp, format!("{}", Text(ours)).as_str().into(), port),
                Ok(0)
            );
            let key = format!("{theirs}");
            let allowed = "10.9.0.0/24, fd09::/64";
            let (psk, keepalive) = ("".into(), 0);
            syscalls::peer(
                lwp,
                0,
                key.as_str().into(),
                psk,
                endpoint.into(),
                allowed.into(),
                keepalive,
            )?;
            let interface = host.net.interface("wg0")?;
            for address in [
                format!("10.9.0.{}/24", end + 1),
                format!("fd09::{}/64", end + 1),
            ] {
                let cidr: Cidr = address.parse()?;
                host.net.add_address(lwp, &interface, cidr)?;
            }
            Ok(())
        })
        .unwrap();
    }
    hosts
}

/// A private key is written only here.
struct Text(crate::key::Key);

impl core::fmt::Display for Text {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl Host {
    fn enter<R>(&self, f: impl FnOnce(&Lwp<'_>) -> Result<R, Errno>) -> Result<R, Errno> {
        enter(self.kernel.process(), f)
    }

    fn socket(&self, kind: u32) -> Arc<dyn Socket> {
        self.enter(|lwp| {
            let protocol = lwp.state::<Families>()?.get(AF_INET);
            protocol.unwrap().socket(lwp, kind, 0)
        })
        .unwrap()
    }

    fn block<R>(
        &self,
        socket: &Arc<dyn Socket>,
        mut step: impl FnMut(&Lwp<'_>) -> Result<R, Wait>,
    ) -> Result<R, Errno> {
        self.enter(|lwp| {
            let how = Blocking::new(false).within(lwp, 300 * SECOND);
            block(lwp, socket.readiness(), how, || step(lwp))
        })
    }

    fn send(&self, socket: &Arc<dyn Socket>, data: &[u8], to: Option<&str>) -> Result<(), Errno> {
        let to = to.map(|to| to.parse::<SocketAddr>().unwrap().into());
        let mut sent = 0;
        while sent < data.len() {
            sent += self.block(socket, |lwp| {
                let mut rest = UserIn::from(&data[sent..]).into();
                let mut with = Outgoing {
                    to,
                    ..Outgoing::default()
                };
                socket.try_send(lwp, &mut rest, &mut with, 0)
            })?;
        }
        Ok(())
    }

    fn receive(&self, socket: &Arc<dyn Socket>) -> Result<Vec<u8>, Errno> {
        let mut data = alloc::vec![0; 20_000];
        let len = self.block(socket, |lwp| {
            let mut place = UserOut::from(&mut data[..]).into();
            socket.try_receive(lwp, &mut place, &mut Incoming::default(), 0)
        })?;
        data.truncate(len);
        Ok(data)
    }

    fn peers(&self) -> String {
        let mut text = [0; 200];
        let len = self
            .enter(|lwp| syscalls::peers(lwp, 0, UserOut::from(&mut text[..])))
            .unwrap();
        String::from_utf8(text[..len as usize - 1].to_vec()).unwrap()
    }

    fn dropped(&self, reason: Reason) -> u64 {
        let interface = self.net.interface("wg0").unwrap();
        interface.statistics().dropped(reason)
    }
}

/// Two ends of a connection through the tunnel.
fn connect(hosts: &[Host; 2]) -> [Arc<dyn Socket>; 2] {
    let [a, b] = hosts;
    let at = "10.9.0.2:7".parse::<SocketAddr>().unwrap().into();
    let listener = b.socket(SOCK_STREAM);
    b.enter(|lwp| {
        listener.bind(lwp, &at)?;
        listener.listen(lwp, 1)
    })
    .unwrap();
    let one = a.socket(SOCK_STREAM);
    a.block(&one, |lwp| one.connect(lwp, &at)).unwrap();
    let (other, _) = b.block(&listener, |lwp| listener.try_accept(lwp)).unwrap();
    [one, other]
}

#[test]
fn streams_go_through_a_tunnel_over_a_bad_cable() {
    let hosts = hosts("a?latency=5ms&loss=3%");
    let [one, other] = connect(&hosts);
    let data: Vec<u8> = (0..150_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    for (from, to, ends) in [(0, 1, [&one, &other]), (1, 0, [&other, &one])] {
        let mut got = Vec::new();
        for piece in data.chunks(10_000) {
            hosts[from].send(ends[0], piece, None).unwrap();
            while got.len() < data.len() && got.len() % 10_000 != 0 || got.is_empty() {
                got.extend(hosts[to].receive(ends[1]).unwrap());
            }
        }
        while got.len() < data.len() {
            got.extend(hosts[to].receive(ends[1]).unwrap());
        }
        assert!(got == data);
    }
    let line = hosts[1].peers();
    let start = format!("{} 10.0.0.1:51821 10.9.0.0/24,fd09::/64 15778", public(0));
    assert!(line.starts_with(&start), "{line}");
}

#[test]
fn a_connection_lives_through_new_keys_and_an_idle_kernel_sleeps() {
    let hosts = hosts("a?latency=1ms");
    let [one, other] = connect(&hosts);
    for _ in 0..40 {
        hosts[0].send(&one, b"still there?", None).unwrap();
        assert_eq!(hosts[1].receive(&other).unwrap(), b"still there?");
        sim::advance(20 * SECOND);
    }
    for socket in [(&hosts[0], one), (&hosts[1], other)] {
        let close = |lwp: &Lwp<'_>| {
            socket.1.close(lwp);
            Ok(())
        };
        socket.0.enter(close).unwrap();
    }
    assert!(sim::run_until_idle(1000 * SECOND));
}

#[test]
fn who_cannot_be_reached_is_told_of() {
    let [a, b] = hosts("a");
    let socket = a.socket(SOCK_DGRAM);
    a.send(&socket, b"x", Some("10.9.0.2:9")).unwrap();
    sim::advance(SECOND);
    // Of B's networks, but none of its peers'.
    b.enter(|_| {
        let interface = b.net.interface("wg0")?;
        let destination = "10.10.0.0/16".parse()?;
        let (gateway, metric) = (None, 0);
        b.net.add_route(Route {
            destination,
            gateway,
            metric,
            interface,
        })
    })
    .unwrap();
    let socket = b.socket(SOCK_STREAM);
    let nowhere: SocketAddr = "10.10.0.1:9".parse().unwrap();
    let connected = b.block(&socket, |lwp| socket.connect(lwp, &nowhere.into()));
    assert_eq!(connected, Err(Errno::EHOSTUNREACH));
    assert_eq!(b.dropped(Reason::Unresolved), 1);
}

#[test]
fn a_tunnel_does_not_go_through_a_tunnel() {
    let [a, _b] = hosts("a");
    a.enter(|lwp| {
        let interface = a.net.interface("wg0")?;
        let destination = "10.0.0.2/32".parse()?;
        let (gateway, metric) = (None, 0);
        a.net.add_route(Route {
            destination,
            gateway,
            metric,
            interface,
        })?;
        let key = format!("{}", public(1));
        let (number, keepalive) = (0, 0);
        let allowed = "0.0.0.0/0";
        syscalls::peer(
            lwp,
            number,
            key.as_str().into(),
            "".into(),
            "".into(),
            allowed.into(),
            keepalive,
        )
    })
    .unwrap();
    let socket = a.socket(SOCK_DGRAM);
    a.send(&socket, b"x", Some("10.9.0.2:9")).unwrap();
    sim::advance(3 * SECOND);
    assert_eq!(a.dropped(Reason::NoRoute), 1);
}

#[test]
fn what_is_wrong_is_refused() {
    let [a, _b] = hosts("a");
    let key = format!("{}", public(1));
    a.enter(|lwp| {
        let create = |key: &str, port| syscalls::create(lwp, key.into(), port);
        assert_eq!(create("", 0), Err(Errno::EINVAL));
        assert_eq!(create(&key, 65536), Err(Errno::EINVAL));
        assert_eq!(create(&key, 51821), Err(Errno::EADDRINUSE));
        assert_eq!(create(&key, 0), Ok(1));
        let port = syscalls::port(lwp, 1)?;
        assert!(port != 0 && port != 51821);
        let peer = |number, key: &str, psk: &str, endpoint: &str, allowed: &str, keepalive| {
            let (psk, endpoint) = (psk.into(), endpoint.into());
            syscalls::peer(
                lwp,
                number,
                key.into(),
                psk,
                endpoint,
                allowed.into(),
                keepalive,
            )
        };
        let own = format!("{}", public(0));
        let wrong = Err(Errno::EINVAL);
        assert_eq!(peer(0, &key, "", "", "10.0.0.0/8", 0), Ok(()));
        assert_eq!(peer(7, &key, "", "", "", 0), Err(Errno::ENXIO));
        assert_eq!(peer(0, "x", "", "", "", 0), wrong);
        assert_eq!(peer(0, &own, "", "", "", 0), wrong);
        assert_eq!(peer(0, &key, "x", "", "", 0), wrong);
        assert_eq!(peer(0, &key, "", "10.0.0.1", "", 0), wrong);
        assert_eq!(peer(0, &key, "", "", "10.0.0.0/33", 0), wrong);
        assert_eq!(peer(0, &key, "", "", "", -1), wrong);
        Ok(())
    })
    .unwrap();
    assert!(a.peers().contains(" 10.0.0.2:51822 10.0.0.0/8 0 0 0\n"));
}
