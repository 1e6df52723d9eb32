//! One open link.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, HostHandle, Lwp, UpcallGuard, Work, upcall};
use hypercall::{LinkInfo, Segment, frames};
use net::{Batch, Interface, Link, Medium, Net, Offloads, Reason};

use crate::rooms::Rooms;

/// MTUs that make sense: what IPv4 demands, and what IP can use.
const MTUS: core::ops::RangeInclusive<usize> = 68..=65535;

/// The longest packet: IPv6's without jumbo option.
const LONGEST: usize = 65535 + 40;

/// What a link does for the frames it sends.
fn offloads(info: &LinkInfo) -> Offloads {
    let longest = |kind| match info.offloads & kind {
        0 => 0,
        _ => (info.longest_sent as usize).min(LONGEST),
    };
    Offloads {
        checksum: info.offloads & LinkInfo::CHECKSUM != 0,
        tcp4: longest(LinkInfo::TCP4),
        tcp6: longest(LinkInfo::TCP6),
    }
}

/// An open link and the interface on it.
pub(crate) struct Port {
    net: Arc<Net>,
    interface: Arc<Interface>,
    link: Arc<Opened>,
    arrived: Arc<Work>,
    /// Taken by whoever receives: deferred work, of which there is one at a time.
    rooms: Leaf<Option<Rooms>>,
}

/// What the platform opened. The interface has it, and so outlives the port.
struct Opened {
    handle: u64,
    medium: Medium,
    address: Option<[u8; 6]>,
    mtu: usize,
    offloads: Offloads,
    /// What closes it, also if the instance dies.
    open: HostHandle,
    /// None once it is closed by us.
    upcall: Leaf<Option<UpcallGuard>>,
}

impl Port {
    /// Opens the link and attaches an interface to it, called `name` with a number.
    pub(crate) fn open(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        name: &str,
        url: &str,
    ) -> Result<Arc<Self>, Errno> {
        // The upcall comes before there is a port for it to find.
        let port: Arc<Leaf<Weak<Port>>> = Arc::new(Leaf::new(Weak::new()));
        let arrived = {
            let port = port.clone();
            Work::new(lwp.instance(), move |lwp| {
                if let Some(port) = port.with(|port| port.upgrade()) {
                    port.receive(lwp);
                }
            })
        };
        let (upcall, guard) = upcall(&arrived);
        let mut info = LinkInfo::default();
        let handle = Errno::check(frames::open(url.into(), &mut info, upcall))?;
        let mtu = (info.mtu as usize).clamp(*MTUS.start(), *MTUS.end());
        let link = Arc::new(Opened {
            handle,
            open: lwp.instance().keep(handle, frames::close),
            medium: match info.medium {
                LinkInfo::IP => Medium::Ip,
                _ => Medium::Ethernet,
            },
            address: (info.address != [0; 6]).then_some(info.address),
            mtu,
            offloads: offloads(&info),
            upcall: Leaf::new(Some(guard)),
        });
        let rooms = Rooms::new(mtu, (info.longest_received as usize).clamp(mtu, LONGEST));
        let interface = net.attach(lwp, name, link.clone());
        let opened = Arc::new(Port {
            net: net.clone(),
            interface,
            link,
            arrived,
            rooms: Leaf::new(Some(rooms)),
        });
        port.with(|port| *port = Arc::downgrade(&opened));
        // Frames may have arrived before there was somebody to take them.
        opened.arrived.schedule();
        Ok(opened)
    }

    /// The interface's name.
    pub(crate) fn name(&self) -> &str {
        self.interface.name()
    }

    /// Takes a batch of frames and has them processed.
    fn receive(&self, lwp: &Lwp<'_>) {
        let Some(mut rooms) = self.rooms.with(Option::take) else {
            return;
        };
        let handle = self.link.handle;
        let arrived = rooms.offer(self.net.pool(), |segments| {
            frames::receive(handle, segments.into())
        });
        self.rooms.with(|place| *place = Some(rooms));
        let Some(mut arrived) = arrived else {
            return self.discard();
        };
        if arrived.malformed > 0 {
            self.interface
                .count_dropped(Reason::Malformed, arrived.malformed);
        }
        self.net.receive(lwp, &self.interface, &mut arrived.frames);
        self.net.settle(lwp);
        match arrived.all {
            true => self.arrived.schedule(),
            false => self.look_for_carrier(lwp),
        }
    }

    /// Sees whether somebody is at the other end, which the platform tells as it tells of frames.
    fn look_for_carrier(&self, lwp: &Lwp<'_>) {
        let carrier = frames::carrier(self.link.handle);
        self.net.set_carrier(lwp, &self.interface, carrier);
    }

    /// Takes one frame that there is no memory for, so that the link goes on saying when more come.
    #[cold]
    fn discard(&self) {
        let mut room = [0; 2048];
        let mut segment = [Segment::empty(&mut room)];
        let taken = frames::receive(self.link.handle, segment.as_mut_slice().into());
        self.interface.count_dropped(Reason::NoMemory, taken);
        if taken > 0 {
            self.arrived.schedule();
        }
    }

    /// Closes the link. Frames that are sent from now on are dropped.
    pub(crate) fn close(&self) {
        // The platform forgets the upcall before its object goes.
        if self.link.open.close() {
            drop(self.link.upcall.with(Option::take));
        }
        if let Some(mut rooms) = self.rooms.with(Option::take) {
            rooms.clear(self.net.pool());
        }
    }
}

impl Link for Opened {
    fn medium(&self) -> Medium {
        self.medium
    }

    fn mtu(&self) -> usize {
        self.mtu
    }

    fn address(&self) -> Option<[u8; 6]> {
        self.address
    }

    fn offloads(&self) -> Offloads {
        self.offloads
    }

    fn transmit(&self, _lwp: &Lwp<'_>, net: &Net, _interface: &Arc<Interface>, batch: &mut Batch) {
        if self.open.is_closed() {
            return;
        }
        let mut segments: Vec<Segment<'_>> = batch
            .iter_mut()
            .map(|frame| {
                let offload = frame.offload();
                let mut segment = Segment::full(frame.payload_mut());
                segment.set_offload(offload);
                segment
            })
            .collect();
        let taken = frames::transmit(self.handle, segments.as_slice().into());
        segments.clear();
        for frame in batch.drain(..taken.min(batch.len())) {
            net.pool().recycle(frame);
        }
    }
}
