//! How many handshakes a place may ask for while there is load: some in a row, then so many a second.

use core::net::IpAddr;

use hashbrown::HashMap;

/// Handshakes in a row, and between one and the next after that, in nanoseconds.
const BURST: u64 = 5;
const EACH: u64 = 1_000_000_000 / 20;

/// Places that are known at a time.
const PLACES: usize = 4096;

/// The places that asked lately, and up to when they have used up what they may.
#[derive(Default)]
pub(crate) struct Rates(HashMap<IpAddr, u64>);

impl Rates {
    /// Whether a place may ask now. It is known to be where it says.
    pub(crate) fn spend(&mut self, now: u64, from: IpAddr) -> bool {
        let place = network(from);
        if self.0.len() >= PLACES && !self.0.contains_key(&place) {
            self.0.retain(|_, used| *used > now);
            if self.0.len() >= PLACES {
                return false;
            }
        }
        let used = self.0.entry(place).or_insert(now);
        *used = (*used).max(now);
        let allowed = *used <= now + (BURST - 1) * EACH;
        if allowed {
            *used += EACH;
        }
        allowed
    }
}

/// Who has an address of IPv6 has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::testing::ip;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn places_ask_in_a_burst_and_then_at_a_rate() {
        let mut rates = Rates::default();
        let mut asked = |now, from, times| {
            let all = 0..times;
            all.filter(|_| rates.spend(now, ip(from))).count()
        };
        assert_eq!(asked(SECOND, "192.0.2.1", 100), 5);
        assert_eq!(asked(SECOND, "192.0.2.2", 3), 3);
        assert_eq!(asked(SECOND, "2001:db8::1", 100), 5);
        assert_eq!(asked(SECOND, "2001:db8::2", 100), 0);
        assert_eq!(asked(SECOND + SECOND / 10, "192.0.2.1", 100), 2);
        assert_eq!(asked(9 * SECOND, "192.0.2.1", 100), 5);
    }

    #[test]
    fn the_number_of_places_is_bounded() {
        let mut rates = Rates::default();
        let place = |number: u32| IpAddr::V4(number.into());
        assert!((0..PLACES as u32).all(|number| rates.spend(0, place(number))));
        assert!(!rates.spend(0, place(1 << 20)));
        assert!(rates.spend(SECOND, place(1 << 20)));
        assert_eq!(rates.0.len(), 1);
    }
}
