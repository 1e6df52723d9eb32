//! The state of the faction, one an instance, and what drivers and protocols call.

use alloc::format;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::net::IpAddr;

use base::sync::{Leaf, Parts, Word};
use base::{Callout, Errno, Instance, Lwp};

use crate::boot::BootAddresses;
use crate::complaint::Allowance;
use crate::dhcp::Client;
use crate::neighbour::Neighbours;
use crate::path::Paths;
use crate::reassembly::Reassembly;
use crate::table::Table;
use crate::{
    Autoconf, Batch, Filter, Forwarder, Frame, FramePool, Interface, IpReceiver, Link, Medium,
    NameServer, Reason,
};

/// Who gets IP packets for this host.
pub(crate) type Receiver = Arc<Arc<dyn IpReceiver>>;

/// The state of the faction.
pub struct Net {
    pool: FramePool,
    interfaces: Leaf<Vec<Arc<Interface>>>,
    /// Whether an interface has frames to send. Written under `pending_lock`, so that whoever clears
    /// it sees what was queued before.
    pending: Word,
    pending_lock: Leaf<()>,
    /// Asked for each frame: each processor has its own count of who uses it.
    receiver: Parts<Leaf<Option<Receiver>>>,
    pub(crate) forwarder: Leaf<Option<Arc<dyn Forwarder>>>,
    pub(crate) autoconf: Leaf<Option<Arc<dyn Autoconf>>>,
    /// The number of the interface that the boot wants configured by it, or zero.
    pub(crate) auto_interface: Word,
    pub(crate) filter: Leaf<Option<Arc<dyn Filter>>>,
    /// Whether there is a filter: looked at for each packet.
    pub(crate) filtered: Word,
    #[cfg(feature = "multicast")]
    pub(crate) groups: Leaf<Option<Arc<dyn crate::Groups>>>,
    pub(crate) table: Leaf<Table>,
    pub(crate) neighbours: Leaf<Neighbours>,
    pub(crate) neighbour_timer: Arc<Callout>,
    pub(crate) reassembly: Leaf<Reassembly>,
    pub(crate) reassembly_timer: Arc<Callout>,
    pub(crate) identification: Leaf<u32>,
    pub(crate) complaints: Leaf<Allowance>,
    pub(crate) paths: Leaf<Paths>,
    /// Whether there ever was a path with a smaller MTU than its link's.
    pub(crate) narrow: Word,
    pub(crate) clients: Leaf<Vec<Arc<Client>>>,
    pub(crate) advertised_servers: Leaf<Vec<NameServer>>,
    pub(crate) boot_addresses: Leaf<Option<BootAddresses>>,
    pub(crate) this: Weak<Net>,
}

impl Net {
    pub(crate) fn new(instance: &Arc<Instance>, boot_addresses: BootAddresses) -> Arc<Self> {
        let timer = |this: &Weak<Net>, action: fn(&Net, &Lwp<'_>)| {
            let this = this.clone();
            Callout::new(move |lwp| {
                if let Some(net) = this.upgrade() {
                    action(&net, lwp);
                }
            })
        };
        Arc::new_cyclic(|this| Net {
            pool: FramePool::new(instance.memory().clone()),
            interfaces: Leaf::new(Vec::new()),
            pending: Word::new(0),
            pending_lock: Leaf::new(()),
            receiver: Parts::new(|| Leaf::new(None)),
            forwarder: Leaf::new(None),
            autoconf: Leaf::new(None),
            auto_interface: Word::new(0),
            filter: Leaf::new(None),
            filtered: Word::new(0),
            #[cfg(feature = "multicast")]
            groups: Leaf::new(None),
            table: Leaf::new(Table::default()),
            neighbours: Leaf::new(Neighbours::default()),
            neighbour_timer: timer(this, Net::neighbours_due),
            reassembly: Leaf::new(Reassembly::default()),
            reassembly_timer: timer(this, Net::reassembly_due),
            identification: Leaf::new(u32::from_ne_bytes(random())),
            complaints: Leaf::new(Allowance::default()),
            paths: Leaf::new(Paths::default()),
            narrow: Word::new(0),
            clients: Leaf::new(Vec::new()),
            advertised_servers: Leaf::new(Vec::new()),
            boot_addresses: Leaf::new(Some(boot_addresses)),
            this: this.clone(),
        })
    }

    /// Where frames come from and go back to.
    #[inline]
    pub fn pool(&self) -> &FramePool {
        &self.pool
    }

    // ---- drivers of links ----

    /// Makes a link an interface, named by `prefix` and the first number that is free. It is down until
    /// it is given an address or told to be up.
    pub fn attach(&self, lwp: &Lwp<'_>, prefix: &str, link: Arc<dyn Link>) -> Arc<Interface> {
        let interface = self.add(link, |interfaces| {
            (0..)
                .map(|number| format!("{prefix}{number}"))
                .find(|name| interfaces.iter().all(|other| other.name() != name))
                .unwrap_or_default()
        });
        if !interface.is_loopback()
            && let Some(addresses) = self.boot_addresses.with(Option::take)
        {
            addresses.apply(self, lwp, &interface);
        }
        interface
    }

    /// Makes a link that stands on other interfaces an interface of this very name. `EEXIST` if there is one.
    pub fn attach_as(&self, name: &str, link: Arc<dyn Link>) -> Result<Arc<Interface>, Errno> {
        if self.interface(name).is_ok() {
            return Err(Errno::EEXIST);
        }
        Ok(self.add(link, |_| name.into()))
    }

    fn add(
        &self,
        link: Arc<dyn Link>,
        name: impl FnOnce(&[Arc<Interface>]) -> String,
    ) -> Arc<Interface> {
        let address = match link.medium() {
            Medium::Ethernet => link.address().unwrap_or_else(random_address),
            Medium::Ip => [0; 6],
        };
        self.interfaces.with(|interfaces| {
            let name = name(interfaces);
            let index = interfaces.last().map_or(1, |last| last.index() + 1);
            let interface = Arc::new(Interface::new(index, name, link, address));
            interfaces.push(interface.clone());
            interface
        })
    }

    /// Takes frames that a link received, in order, and leaves the batch empty. No lock is held, and
    /// the caller goes on with [`settle`](Self::settle) when it has no more.
    pub fn receive(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, frames: &mut Batch) {
        let bytes = frames.iter().map(Frame::len).sum();
        interface.count_received(frames.len(), bytes);
        interface.capture(frames);
        let receiver = self.receiver(lwp);
        for frame in frames.drain(..) {
            self.input(lwp, interface, receiver.as_deref(), frame);
        }
    }

    /// Takes one frame of a link that carries what the kernel sends to itself; the lock of a sending
    /// connection may be held. (It was captured and counted when it was sent.)
    pub fn receive_own(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, frame: Frame) {
        self.input(lwp, interface, self.receiver(lwp).as_deref(), frame);
    }

    /// Has protocols process what was received, and sends what came of it. No lock is held.
    pub fn settle(&self, lwp: &Lwp<'_>) {
        if let Some(receiver) = self.receiver(lwp) {
            receiver.settle(lwp);
        }
        self.flush(lwp);
    }

    /// Sends what is queued. No lock is held.
    #[inline]
    pub fn flush(&self, lwp: &Lwp<'_>) {
        if self.pending.get() != 0 {
            self.flush_slowly(lwp);
        }
    }

    fn flush_slowly(&self, lwp: &Lwp<'_>) {
        // Links that stand on other interfaces queue frames there.
        while self.pending.get() != 0 {
            self.pending_lock.with(|()| self.pending.set(0));
            for at in 0.. {
                let interface = self.interfaces.with(|all| all.get(at).cloned());
                let Some(interface) = interface else { break };
                interface.flush(lwp, self);
            }
        }
    }

    /// Remembers that an interface has frames to send. Called after the frame was queued.
    #[inline]
    pub(crate) fn note_pending(&self) {
        if self.pending.get() == 0 {
            self.pending_lock.with(|()| self.pending.set(1));
        }
    }

    /// Counts a frame that goes no further, and takes back its buffer.
    #[cold]
    pub(crate) fn drop_frame(&self, interface: &Interface, frame: Frame, reason: Reason) {
        interface.count_dropped(reason, 1);
        self.pool.recycle(frame);
    }

    // ---- protocols ----

    /// Says where IP packets for this host go.
    pub fn set_receiver(&self, receiver: Arc<dyn IpReceiver>) {
        for place in self.receiver.iter() {
            let mine = Arc::new(receiver.clone());
            let _before = place.with(|place| place.replace(mine));
        }
    }

    #[inline]
    pub(crate) fn receiver(&self, lwp: &Lwp<'_>) -> Option<Receiver> {
        self.receiver.of(lwp).with(|receiver| receiver.clone())
    }

    // ---- everybody ----

    /// The interfaces, in the order they were attached.
    pub fn interfaces(&self) -> Vec<Arc<Interface>> {
        self.interfaces.with(|interfaces| interfaces.clone())
    }

    /// The interface of this name; `ENXIO` if there is none.
    pub fn interface(&self, name: &str) -> Result<Arc<Interface>, Errno> {
        self.find(|interface| interface.name() == name)
            .ok_or(Errno::ENXIO)
    }

    pub(crate) fn interface_by_index(&self, index: u32) -> Option<Arc<Interface>> {
        self.find(|interface| interface.index() == index)
    }

    /// The interface that carries what the kernel sends to itself.
    pub fn loopback(&self) -> Option<Arc<Interface>> {
        self.find(|interface| interface.is_loopback())
    }

    fn find(&self, wanted: impl Fn(&Interface) -> bool) -> Option<Arc<Interface>> {
        self.interfaces.with(|interfaces| {
            interfaces
                .iter()
                .find(|interface| wanted(interface))
                .cloned()
        })
    }

    /// Whether packets to `address` stay in this kernel.
    pub fn is_local(&self, _lwp: &Lwp<'_>, address: IpAddr) -> bool {
        self.table.with(|table| table.is_local(address))
    }

    /// The interface by which packets to `destination` leave, if there is a route.
    pub fn interface_to(&self, destination: IpAddr) -> Option<Arc<Interface>> {
        if self.table.with(|table| table.is_local(destination)) {
            return self.loopback();
        }
        self.table
            .with(|table| table.lookup(destination, None))
            .map(|(interface, _)| interface)
    }

    /// Gives up what refers to other components, so that nothing keeps itself alive.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.neighbour_timer.cancel(lwp);
        self.reassembly_timer.cancel(lwp);
        let clients = self.clients.with(core::mem::take);
        for client in clients {
            client.stop(lwp);
        }
        for place in self.receiver.iter() {
            let _dropped_outside = place.with(Option::take);
        }
        #[cfg(feature = "multicast")]
        let _groups_dropped_outside = self.groups.with(Option::take);
        let _dropped_outside = (
            self.forwarder.with(Option::take),
            self.autoconf.with(Option::take),
            self.filter.with(Option::take),
            self.interfaces.with(core::mem::take),
            self.table.with(core::mem::take),
            self.neighbours.with(core::mem::take),
            self.reassembly.with(core::mem::take),
        );
    }
}

/// Random bytes from the host.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    hypercall::random::fill((&mut bytes[..]).into());
    bytes
}

/// A hardware address that is one station's and locally administered (IEEE 802, the second bit of the
/// first byte).
fn random_address() -> [u8; 6] {
    let mut address = random::<6>();
    address[0] = address[0] & 0xfe | 0x02;
    address
}
