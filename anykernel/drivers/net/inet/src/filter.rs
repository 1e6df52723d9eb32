//! Filters of sockets: what they are shown of packets.

use net::Medium;
use sockets::{Arrival, FilterPlace, Origin};

use crate::inet::Arriving;

impl Arriving<'_> {
    /// Has a socket's filter look at it from `start` on, and cuts off what that does not want. False: it wants
    /// nothing.
    #[cold]
    pub(crate) fn pass(&mut self, place: &FilterPlace, start: usize) -> bool {
        let kept = place.judge(&mut Arrival {
            bytes: self.frame.payload_mut(),
            start,
            origin: Some(Origin {
                protocol: self.info.protocol,
                to_many: self.info.to_many,
                interface: self.interface.index(),
                loopback: self.interface.is_loopback(),
                ethernet: self.interface.medium() == Medium::Ethernet,
            }),
        });
        self.frame.truncate(start.saturating_add(kept));
        kept > 0
    }
}
