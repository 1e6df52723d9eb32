//! Where the stations of a segment are: the addresses that frames came from.

use std::collections::HashMap;

/// Addresses that are remembered. A sender that makes up more has their frames go to everybody.
const MOST: usize = 8192;

/// A hardware address.
pub(super) type Address = [u8; 6];

/// Who a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<P> {
    /// Who is in this place.
    One(P),
    /// Everybody but its sender.
    All,
}

/// The places of stations.
pub(super) struct Stations<P>(HashMap<Address, P>);

/// The addresses that an Ethernet frame begins with: to and from. `None` if it is too short to be one.
pub(super) fn addresses(frame: &[u8]) -> Option<(Address, Address)> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, _, _] = *frame.first_chunk()?;
    Some(([a, b, c, d, e, f], [g, h, i, j, k, l]))
}

fn is_group(address: &Address) -> bool {
    address[0] & 1 != 0
}

impl<P: Copy + PartialEq> Stations<P> {
    pub(super) fn new() -> Self {
        Stations(HashMap::new())
    }

    /// Whether this is what is known of an address already.
    pub(super) fn knows(&self, from: &Address, place: P) -> bool {
        self.0.get(from) == Some(&place)
    }

    /// Remembers where a frame came from, which may be another place than before.
    pub(super) fn learn(&mut self, from: Address, place: P) {
        if !is_group(&from) && (self.0.len() < MOST || self.0.contains_key(&from)) {
            self.0.insert(from, place);
        }
    }

    /// Who a frame to an address is for.
    pub(super) fn target(&self, to: &Address) -> Target<P> {
        match self.0.get(to) {
            Some(place) if !is_group(to) => Target::One(*place),
            _ => Target::All,
        }
    }

    /// Forgets who was in a place.
    pub(super) fn forget(&mut self, place: P) {
        self.0.retain(|_, other| *other != place);
    }
}
