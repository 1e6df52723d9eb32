//! Where stations are.

use alloc::vec::Vec;

/// A hardware address.
pub(crate) type Address = [u8; 6];

/// Stations remembered at a time; frames for others go everywhere.
const MOST: usize = 4096;

/// How long a station that says nothing is remembered, in nanoseconds (IEEE 802.1D § 7.9.2).
const LIFETIME: u64 = 300_000_000_000;

/// Stations, sorted by their addresses.
#[derive(Default)]
pub(crate) struct Stations(Vec<Station>);

struct Station {
    address: Address,
    /// The index of the member it is behind.
    member: u32,
    until: u64,
}

impl Stations {
    /// The member behind which a station is.
    pub(crate) fn find(&self, address: Address, now: u64) -> Option<u32> {
        let at = self.position(address).ok()?;
        let station = &self.0[at];
        (station.until > now).then_some(station.member)
    }

    /// A station was heard behind a member.
    pub(crate) fn learn(&mut self, address: Address, member: u32, now: u64) {
        let station = Station {
            address,
            member,
            until: now + LIFETIME,
        };
        if let Ok(at) = self.position(address) {
            self.0[at] = station;
            return;
        }
        if self.0.len() >= MOST {
            self.0.retain(|station| station.until > now);
        }
        if self.0.len() < MOST && self.0.try_reserve(1).is_ok() {
            let at = self.position(address).unwrap_or_else(|at| at);
            self.0.insert(at, station);
        }
    }

    /// Forgets who is behind a member.
    pub(crate) fn forget(&mut self, member: u32) {
        self.0.retain(|station| station.member != member);
    }

    fn position(&self, address: Address) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&address, |station| station.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> Address {
        let [a, b, c, d] = number.to_be_bytes();
        [2, 0, a, b, c, d]
    }

    #[test]
    fn stations_move_and_are_forgotten() {
        let mut stations = Stations::default();
        stations.learn(address(1), 5, 0);
        stations.learn(address(2), 5, 0);
        stations.learn(address(1), 6, 10);
        assert_eq!(stations.find(address(1), 10), Some(6));
        assert_eq!(stations.find(address(2), LIFETIME), None);
        assert_eq!(stations.find(address(1), LIFETIME), Some(6));
        stations.forget(6);
        assert_eq!(stations.find(address(1), 10), None);
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_without_end() {
        let mut stations = Stations::default();
        for number in 0..MOST as u32 + 100 {
            stations.learn(address(number), 1, u64::from(number));
        }
        assert_eq!(stations.0.len(), MOST);
        assert_eq!(stations.find(address(MOST as u32), 5000), None);
        // Those that fell silent make room.
        stations.learn(address(9_999), 1, LIFETIME + 50);
        assert_eq!(stations.find(address(9_999), LIFETIME + 50), Some(1));
    }
}
