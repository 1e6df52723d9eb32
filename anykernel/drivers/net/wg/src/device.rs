//! An interface that is a tunnel: between the network layer, a UDP port and the clock.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::SocketAddr;

use base::sync::{Leaf, Mutex};
use base::{Callout, Errno, Lwp, Work};
use net::{Batch, Interface, Link, Medium, Net, Reason};

use crate::Devices;
use crate::key::Key;
use crate::outer::Outer;
use crate::session::MTU;
use crate::tunnel::{Out, Tunnel};

/// What interfaces are called.
pub(crate) const NAME: &str = "wg";

/// Datagrams that are taken at a time, and then pieces of work on handshakes.
const DATAGRAMS: usize = 64;
const HANDSHAKES: usize = 4;

/// The longest datagram.
const LONGEST: usize = 65535;

/// An interface that is a tunnel.
pub(crate) struct Device {
    net: Arc<Net>,
    interface: Leaf<Weak<Interface>>,
    state: Mutex<State>,
    outer: Outer,
    /// The numbers of all interfaces that are tunnels.
    tunnels: Arc<Leaf<Vec<u32>>>,
    /// Where datagrams are received. Taken by whoever does the work, which is one at a time.
    buffer: Leaf<Option<Vec<u8>>>,
    work: Arc<Work>,
    timer: Arc<Callout>,
}

struct State {
    tunnel: Tunnel,
    /// When the timer is set to.
    armed: u64,
}

impl Device {
    /// Makes an interface. Errors are those of [`Outer::open`] and [`Tunnel::new`].
    pub(crate) fn create(
        lwp: &Lwp<'_>,
        devices: &Devices,
        net: &Arc<Net>,
        private: Key,
        port: u16,
    ) -> Result<Arc<Interface>, Errno> {
        let tunnel = Tunnel::new(private)?;
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(LONGEST)
            .map_err(|_| Errno::ENOMEM)?;
        buffer.resize(LONGEST, 0);
        let outer = Outer::open(lwp, port)?;
        let device = Arc::new_cyclic(|this: &Weak<Device>| Device {
            net: net.clone(),
            interface: Leaf::new(Weak::new()),
            state: Mutex::new(State {
                tunnel,
                armed: u64::MAX,
            }),
            outer,
            tunnels: devices.interfaces.clone(),
            buffer: Leaf::new(Some(buffer)),
            work: {
                let this = this.clone();
                Work::new(lwp.instance(), move |lwp| {
                    if let Some(device) = this.upgrade() {
                        device.turn(lwp);
                    }
                })
            },
            timer: {
                let this = this.clone();
                Callout::new(move |lwp| {
                    if let Some(device) = this.upgrade() {
                        device.expire(lwp);
                    }
                })
            },
        });
        let interface = net.attach(lwp, NAME, device.clone());
        device
            .interface
            .with(|place| *place = Arc::downgrade(&interface));
        devices
            .interfaces
            .with(|interfaces| interfaces.push(interface.index()));
        devices.all.with(|devices| devices.push(device.clone()));
        device.outer.schedule(&device.work);
        Ok(interface)
    }

    /// The interface; nothing while the network layer stops.
    pub(crate) fn interface(&self) -> Option<Arc<Interface>> {
        self.interface.with(|interface| interface.upgrade())
    }

    /// The UDP port.
    pub(crate) fn port(&self, lwp: &Lwp<'_>) -> u16 {
        self.outer.port(lwp)
    }

    /// Has `f` do something with the tunnel, and does what comes of it.
    pub(crate) fn with<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut Tunnel, &mut Out<'_>) -> R,
    ) -> R {
        let mut out = Out::new(self.net.pool(), lwp.now());
        let result = {
            let mut state = self.state.lock(lwp);
            let result = f(&mut state.tunnel, &mut out);
            if out.wake < state.armed {
                state.armed = out.wake;
                self.timer.set(lwp, out.wake);
            }
            if state.tunnel.has_work() {
                self.work.schedule();
            }
            result
        };
        self.deliver(lwp, out);
        result
    }

    /// Takes datagrams that came, and does some work on handshakes.
    fn turn(&self, lwp: &Lwp<'_>) {
        let Some(mut buffer) = self.buffer.with(Option::take) else {
            return;
        };
        let more = self.with(lwp, |tunnel, out| {
            for _ in 0..DATAGRAMS {
                match self.outer.receive(lwp, &mut buffer) {
                    Some(Ok((len, from))) => tunnel.receive(from, &buffer[..len], out),
                    Some(Err(_)) => out.dropped.push((Reason::Malformed, 1)),
                    None => return false,
                }
            }
            true
        });
        self.buffer.with(|place| *place = Some(buffer));
        if more {
            self.work.schedule();
        }
        for _ in 0..HANDSHAKES {
            self.with(lwp, |tunnel, out| tunnel.work(out));
        }
    }

    /// Does what is due, and sets the timer for what is next.
    fn expire(&self, lwp: &Lwp<'_>) {
        self.state.lock(lwp).armed = u64::MAX;
        self.with(lwp, |tunnel, out| tunnel.expire(out));
    }

    /// Passes on what a call made. No lock is held.
    fn deliver(&self, lwp: &Lwp<'_>, mut out: Out<'_>) {
        let Some(interface) = self.interface() else {
            return;
        };
        for (to, message) in out.messages.drain(..) {
            let result = self.send(lwp, to, message.payload());
            out.pool.recycle(message);
            if let Err(reason) = result {
                interface.count_dropped(reason, 1);
            }
        }
        for (reason, count) in out.dropped {
            interface.count_dropped(reason, count);
        }
        if out.packets.is_empty() && out.nowhere.is_empty() {
            return;
        }
        for packet in out.nowhere {
            self.net.unreachable(lwp, &interface, packet);
        }
        if interface.is_up() {
            self.net.receive(lwp, &interface, &mut out.packets);
        } else {
            interface.count_dropped(Reason::Down, out.packets.len());
            self.net.pool().recycle_all(&mut out.packets);
        }
        self.net.settle(lwp);
    }

    /// Sends a message, but over no tunnel: a route that leads a tunnel's messages into a tunnel would have no end.
    fn send(&self, lwp: &Lwp<'_>, to: SocketAddr, message: &[u8]) -> Result<(), Reason> {
        let way = self.net.interface_to(to.ip()).ok_or(Reason::NoRoute)?;
        if self.tunnels.with(|tunnels| tunnels.contains(&way.index())) {
            return Err(Reason::NoRoute);
        }
        match self.outer.send(lwp, to, message) {
            Ok(()) => Ok(()),
            Err(Errno::ENOMEM) => Err(Reason::NoMemory),
            Err(Errno::ENETDOWN) => Err(Reason::Down),
            Err(_) => Err(Reason::NoRoute),
        }
    }

    /// Ends it: nothing comes and goes any more.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.timer.cancel(lwp);
        self.outer.close(lwp);
        self.state.lock(lwp).tunnel.clear(self.net.pool());
    }
}

impl Link for Device {
    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn mtu(&self) -> usize {
        MTU
    }

    fn transmit(&self, lwp: &Lwp<'_>, _net: &Net, _interface: &Arc<Interface>, batch: &mut Batch) {
        self.with(lwp, |tunnel, out| {
            for packet in batch.drain(..) {
                tunnel.send(packet, out);
            }
        });
    }
}
