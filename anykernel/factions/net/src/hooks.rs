//! What may stand in the way of frames and packets: a driver above an interface, a filter, whoever forwards, whoever
//! listens to routers. Each is a trait that a driver implements; without one, a look at a flag is all it costs.

use alloc::sync::Arc;
use core::net::Ipv6Addr;

use base::{Errno, Lwp};

use crate::{Frame, Interface, IpInfo, Net, Reason};

/// What stands above an Ethernet interface and takes frames that would else be the interface's own, as a bridge
/// does.
pub trait Upper: Send + Sync {
    /// Takes a frame with its Ethernet header, whoever it is for, or gives it back. No lock is held.
    fn receive(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Option<Frame>;

    /// Hears that an interface's carrier was lost, or is back. No lock is held.
    fn carrier(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>);
}

/// Who sends packets for others on.
pub trait Forwarder: Send + Sync {
    /// Takes a packet for somebody else that came in by `interface`. Its header is good; it may be a
    /// fragment. No lock is held.
    fn forward(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        packet: Frame,
        info: IpInfo,
    );
}

/// Who configures interfaces by what routers say on their links.
pub trait Autoconf: Send + Sync {
    /// Begins with an interface, and does not wait. `EOPNOTSUPP` where that cannot be.
    fn start(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>) -> Result<(), Errno>;

    /// Hears that the link of an interface is back, which may be another now. No lock is held.
    fn resume(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>);

    /// Hears of a message of neighbour discovery, whose checksum, code and hop limit are good. No lock is held.
    fn hear(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        news: Discovered,
        message: &[u8],
    );
}

/// What a message of neighbour discovery says that is of interest to who configures interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovered {
    /// The router of this link-local address advertises.
    Router(Ipv6Addr),
    /// Another station has this address, which is none of ours, or is about to take it.
    Claim(Ipv6Addr),
}

/// Who decides which packets come and go, and may change them. It sees whole packets only, and none of
/// loopback interfaces, ARP or neighbour discovery.
pub trait Filter: Send + Sync {
    /// Judges a packet that came in, before it is looked at whom it is for. Gives it back, perhaps with other
    /// addresses and ports; or it goes no further, and the filter has done away with it. No lock is held.
    fn incoming(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        packet: Frame,
        info: &IpInfo,
    ) -> Option<Frame>;

    /// Judges a packet that is to leave by `interface`, ours or one that is forwarded. The lock of a sending
    /// connection may be held: only leaf locks are taken. `EPERM` for what may not leave.
    fn outgoing(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        packet: Frame,
    ) -> Result<Frame, Errno>;
}

impl Net {
    /// Has somebody configure interfaces, and first the one that the boot means (`ip=auto`).
    pub fn set_autoconf(&self, lwp: &Lwp<'_>, autoconf: Arc<dyn Autoconf>) -> Result<(), Errno> {
        let _before = self.autoconf.with(|place| place.replace(autoconf.clone()));
        match self.interface_by_index(self.auto_interface.get()) {
            Some(interface) => autoconf.start(lwp, self, &interface),
            None => Ok(()),
        }
    }

    pub(crate) fn autoconf(&self) -> Option<Arc<dyn Autoconf>> {
        self.autoconf.with(|autoconf| autoconf.clone())
    }

    /// Has packets for others sent on.
    pub fn set_forwarder(&self, forwarder: Arc<dyn Forwarder>) {
        let _before = self.forwarder.with(|place| place.replace(forwarder));
    }

    /// Has packets judged, or no longer.
    pub fn set_filter(&self, filter: Option<Arc<dyn Filter>>) {
        let _before = self.filter.with(|place| {
            self.filtered.set(filter.is_some().into());
            core::mem::replace(place, filter)
        });
    }

    #[inline]
    pub(crate) fn is_filtered(&self, interface: &Interface) -> bool {
        self.filtered.get() != 0 && !interface.is_loopback()
    }

    /// Has an incoming packet judged, and reads what became of its header.
    #[cold]
    pub(crate) fn filter_in(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
        info: &mut IpInfo,
    ) -> Option<Frame> {
        let Some(filter) = self.filter.with(|filter| filter.clone()) else {
            return Some(packet);
        };
        let packet = filter.incoming(lwp, self, interface, packet, info)?;
        if let Some(now) = IpInfo::read(packet.payload()) {
            (info.src, info.dst) = (now.src, now.dst);
        }
        Some(packet)
    }

    #[cold]
    pub(crate) fn filter_out(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
    ) -> Result<Frame, Errno> {
        match self.filter.with(|filter| filter.clone()) {
            Some(filter) => filter.outgoing(lwp, self, interface, packet),
            None => Ok(packet),
        }
    }

    /// Sends a packet on, if somebody does that here.
    #[cold]
    pub(crate) fn forward(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: Frame,
        info: IpInfo,
    ) -> Result<(), (Frame, Reason)> {
        let Some(forwarder) = self.forwarder.with(|forwarder| forwarder.clone()) else {
            return Err((packet, Reason::NotForUs));
        };
        forwarder.forward(lwp, self, interface, packet, info);
        Ok(())
    }
}
