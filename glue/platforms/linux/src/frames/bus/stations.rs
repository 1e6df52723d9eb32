//! Where the stations of a segment are: the addresses that frames came from.

/// Addresses that are remembered. A sender that makes up more has their frames go to everybody.
const MOST: usize = 8192;

/// A hardware address.
pub(super) type Address = [u8; 6];

/// Who a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The member of this number.
    One(u64),
    /// Everybody but its sender.
    All,
}

/// The members that stations are behind, by their numbers: in the order of addresses.
pub(super) struct Stations(Vec<(Address, u64)>);

/// The addresses that an Ethernet frame begins with: to and from. `None` if it is too short to be one.
pub(super) fn addresses(frame: &[u8]) -> Option<(Address, Address)> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, _, _] = *frame.first_chunk()?;
    Some(([a, b, c, d, e, f], [g, h, i, j, k, l]))
}

fn is_group(address: &Address) -> bool {
    address[0] & 1 != 0
}

impl Stations {
    pub(super) const fn new() -> Self {
        Stations(Vec::new())
    }

    /// Where an address is in the list, or would be.
    fn find(&self, address: &Address) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(address))
    }

    /// Whether this is what is known of an address already.
    pub(super) fn knows(&self, from: &Address, member: u64) -> bool {
        matches!(self.find(from), Ok(at) if self.0[at].1 == member)
    }

    /// Remembers where a frame came from, which may be from another member than before.
    pub(super) fn learn(&mut self, from: Address, member: u64) {
        match self.find(&from) {
            Ok(at) => self.0[at].1 = member,
            Err(at) if !is_group(&from) && self.0.len() < MOST => {
                self.0.insert(at, (from, member));
            }
            Err(_) => {}
        }
    }

    /// Who a frame to an address is for.
    pub(super) fn target(&self, to: &Address) -> Target {
        match self.find(to) {
            Ok(at) => Target::One(self.0[at].1),
            Err(_) => Target::All,
        }
    }

    /// Forgets who was behind a member.
    pub(super) fn forget(&mut self, member: u64) {
        self.0.retain(|(_, other)| *other != member);
    }
}
