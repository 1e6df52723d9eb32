//! The address resolution protocol for IPv4 on Ethernet (RFC 826).

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr};

use base::Lwp;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetProtocol};

use crate::output::put_ethernet_header;
use crate::{Frame, Interface, Net, Reason};

const BROADCAST: [u8; 6] = [0xff; 6];

impl Net {
    pub(crate) fn arp_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Result<(), (Frame, Reason)> {
        let parsed = ArpPacket::new_checked(frame.payload()).and_then(|p| ArpRepr::parse(&p));
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: from,
            source_protocol_addr: source,
            target_protocol_addr: target,
            ..
        }) = parsed
        else {
            return Err((frame, Reason::Malformed));
        };
        if !from.is_unicast() || source.is_multicast() || source.is_broadcast() {
            return Err((frame, Reason::Martian));
        }
        let (claims_ours, for_us) = self.table.with(|table| {
            let ours = |address: Ipv4Addr| {
                table
                    .own(address.into())
                    .is_some_and(|own| Arc::ptr_eq(&own.interface, interface))
            };
            (ours(source), ours(target))
        });
        if claims_ours {
            // Somebody has our address. We had it first.
            return Err((frame, Reason::Martian));
        }
        // A probe has no sender yet, and must not be remembered (RFC 5227).
        if !source.is_unspecified() {
            self.learn(lwp, interface, source.into(), Some(from.0), for_us);
        }
        if for_us && operation == ArpOperation::Request {
            self.arp_send(
                lwp,
                interface,
                ArpOperation::Reply,
                target,
                from.0,
                source,
                from.0,
            );
        }
        self.pool().recycle(frame);
        Ok(())
    }

    /// Asks who has `target`: everybody, or the station that had it.
    pub(crate) fn arp_request(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        target: Ipv4Addr,
        known: Option<[u8; 6]>,
    ) {
        let source = self
            .table
            .with(|table| table.source_on(interface, target.into(), target.into()));
        // An interface without addresses asks like a probe.
        let source = match source {
            Some(IpAddr::V4(source)) => source,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let to = known.unwrap_or(BROADCAST);
        self.arp_send(
            lwp,
            interface,
            ArpOperation::Request,
            source,
            to,
            target,
            [0; 6],
        );
    }

    /// Tells everybody that an address is ours.
    pub(crate) fn arp_announce(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, own: Ipv4Addr) {
        self.arp_send(
            lwp,
            interface,
            ArpOperation::Request,
            own,
            BROADCAST,
            own,
            [0; 6],
        );
    }

    #[allow(clippy::too_many_arguments)]
    fn arp_send(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        operation: ArpOperation,
        source: Ipv4Addr,
        to: [u8; 6],
        target: Ipv4Addr,
        target_hardware: [u8; 6],
    ) {
        let repr = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: EthernetAddress(interface.hardware_address()),
            source_protocol_addr: source,
            target_hardware_addr: EthernetAddress(target_hardware),
            target_protocol_addr: target,
        };
        let Ok(mut frame) = self.pool().get(repr.buffer_len()) else {
            interface.count_dropped(Reason::NoMemory, 1);
            return;
        };
        repr.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        put_ethernet_header(&mut frame, interface, to, EthernetProtocol::Arp);
        interface.send(lwp, self, frame);
    }
}
