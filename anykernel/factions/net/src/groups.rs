//! Groups that stations of this kernel are in: who knows them, and what protocols ask of it. How routers and switches are
//! told is not known here.

use alloc::sync::Arc;
use core::net::IpAddr;

use base::{Errno, Lwp};

use crate::table::Meaning;
use crate::{Frame, Interface, IpInfo, Net};

/// Who knows which groups the kernel is in, and tells the links. Groups that every station is in are not its
/// concern.
pub trait Groups: Send + Sync {
    /// Somebody joins a group on an interface. The caller owes a [flush](Net::flush).
    fn join(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, group: IpAddr);

    /// Somebody who had joined leaves. The caller owes a [flush](Net::flush).
    fn leave(&self, lwp: &Lwp<'_>, net: &Net, interface: &Arc<Interface>, group: IpAddr);

    /// Whether somebody is in a group on an interface. Only leaf locks are taken.
    fn contains(&self, interface: &Interface, group: IpAddr) -> bool;

    /// Hears of a packet to many, before protocols get it. The lock of a sending connection may be held: only leaf
    /// locks are taken, and nothing is sent.
    fn hear(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
    );
}

impl Net {
    /// Has groups joined by somebody who knows how.
    pub fn set_groups(&self, groups: Arc<dyn Groups>) {
        let _before = self.groups.with(|place| place.replace(groups));
    }

    /// Who knows the groups, if somebody does.
    pub fn groups(&self) -> Option<Arc<dyn Groups>> {
        self.groups.with(|groups| groups.clone())
    }

    #[cold]
    pub(crate) fn is_joined(&self, interface: &Interface, group: IpAddr) -> bool {
        self.groups()
            .is_some_and(|groups| groups.contains(interface, group))
    }

    #[cold]
    pub(crate) fn tell_groups(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        packet: &Frame,
        info: &IpInfo,
    ) {
        if let Some(groups) = self.groups() {
            groups.hear(lwp, self, interface, packet, info);
        }
    }

    /// The address to send from to a group by an interface; `EADDRNOTAVAIL` if there is none.
    pub fn source_to_group(
        &self,
        interface: &Arc<Interface>,
        group: IpAddr,
    ) -> Result<IpAddr, Errno> {
        let source = self.table.with(|table| {
            if interface.is_loopback() {
                let mut own = table.of(interface).map(|own| own.address());
                return own.find(|own| own.is_ipv4() == group.is_ipv4());
            }
            table.source_on(interface, group, group)
        });
        source.ok_or(Errno::EADDRNOTAVAIL)
    }

    /// Gives those of a group who are in this kernel a copy of a packet that is to leave by an interface, as if it had come
    /// in there. The caller owes a [settling](Net::settle).
    pub fn loop_back(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, packet: &Frame) {
        let Some(info) = IpInfo::read(packet.payload()) else {
            return;
        };
        let info = IpInfo {
            to_many: true,
            ..info
        };
        let always = self.table.with(|table| table.meaning(info.dst, interface));
        if always != Meaning::Many && !self.is_joined(interface, info.dst) {
            return;
        }
        // Without memory it is as good as lost.
        if let Ok(mut copy) = self.pool().copy_of(packet.payload()) {
            copy.set_checksum(packet.checksum());
            self.deliver(lwp, interface, self.receiver(lwp).as_deref(), copy, info);
        }
    }
}
