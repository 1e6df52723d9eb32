//! The address resolution protocol for IPv4 on Ethernet (RFC 826).

use alloc::sync::Arc;
use core::net::{IpAddr, Ipv4Addr};

use base::Lwp;

use crate::ethernet::{self, BROADCAST};
use crate::{Frame, Interface, Net, Reason};

/// Bytes of a message, and what those about IPv4 on Ethernet begin with.
const LEN: usize = 28;
const IPV4_ON_ETHERNET: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Request = 1,
    Reply = 2,
}

/// A message.
struct Message {
    operation: Operation,
    from: [u8; 6],
    source: Ipv4Addr,
    target_hardware: [u8; 6],
    target: Ipv4Addr,
}

impl Message {
    /// Reads one; nothing, if it is cut off or of another kind.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.get(..LEN)?.split_first_chunk::<6>()?;
        let (operation, rest) = rest.split_first_chunk::<2>()?;
        let (from, rest) = rest.split_first_chunk::<6>()?;
        let (source, rest) = rest.split_first_chunk::<4>()?;
        let (target_hardware, target) = rest.split_first_chunk::<6>()?;
        let operation = match operation {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return None,
        };
        (*kind == IPV4_ON_ETHERNET).then_some(Message {
            operation,
            from: *from,
            source: Ipv4Addr::from(*source),
            target_hardware: *target_hardware,
            target: Ipv4Addr::from(*target.first_chunk::<4>()?),
        })
    }

    fn emit(&self, place: &mut [u8]) {
        place[..6].copy_from_slice(&IPV4_ON_ETHERNET);
        place[6..8].copy_from_slice(&(self.operation as u16).to_be_bytes());
        place[8..14].copy_from_slice(&self.from);
        place[14..18].copy_from_slice(&self.source.octets());
        place[18..24].copy_from_slice(&self.target_hardware);
        place[24..LEN].copy_from_slice(&self.target.octets());
    }
}

impl Net {
    pub(crate) fn arp_input(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        frame: Frame,
    ) -> Result<(), (Frame, Reason)> {
        let Some(Message {
            operation,
            from,
            source,
            target,
            ..
        }) = Message::read(frame.payload())
        else {
            return Err((frame, Reason::Malformed));
        };
        if !ethernet::is_unicast(from) || source.is_multicast() || source.is_broadcast() {
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
            self.learn(lwp, interface, source.into(), Some(from), for_us);
        }
        if for_us && operation == Operation::Request {
            self.arp_send(lwp, interface, Operation::Reply, target, from, source, from);
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
            Operation::Request,
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
            Operation::Request,
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
        operation: Operation,
        source: Ipv4Addr,
        to: [u8; 6],
        target: Ipv4Addr,
        target_hardware: [u8; 6],
    ) {
        let message = Message {
            operation,
            from: interface.hardware_address(),
            source,
            target_hardware,
            target,
        };
        let Ok(mut frame) = self.pool().get(LEN) else {
            interface.count_dropped(Reason::NoMemory, 1);
            return;
        };
        message.emit(frame.payload_mut());
        ethernet::put_header(&mut frame, interface, to, ethernet::ARP);
        interface.send(lwp, self, frame);
    }
}
