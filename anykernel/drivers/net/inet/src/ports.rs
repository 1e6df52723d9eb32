//! Who has which port: the table behind `bind`, one a protocol.
//!
//! Sockets that agree in all that decides about conflicts are counted together, so that a server's ten
//! thousand connections are one line here.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use base::Errno;
use hashbrown::HashMap;

use crate::address::Scope;

/// Ports the kernel chooses from (Linux's `ip_local_port_range`).
const EPHEMERAL: RangeInclusive<u16> = 32768..=60999;

/// How a socket has a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) scope: Scope,
    /// `SO_REUSEADDR`.
    pub(crate) reuse_addr: bool,
    /// `SO_REUSEPORT`.
    pub(crate) reuse_port: bool,
    /// Connections are accepted at it.
    pub(crate) listening: bool,
    /// The kernel chose the port for one connection, which its other end tells from others.
    pub(crate) shared: bool,
}

impl Claim {
    /// Whether a socket may not have a port this way while another has it that way. As Linux has it:
    /// a listener is never shared, unless all who listen said so.
    fn conflicts(&self, other: &Claim) -> bool {
        let reuse = self.reuse_addr && other.reuse_addr && !other.listening
            || self.reuse_port && other.reuse_port;
        !reuse && self.scope.overlaps(&other.scope)
    }
}

/// The ports of one protocol.
#[derive(Default)]
pub(crate) struct PortTable {
    claims: HashMap<u16, Vec<(Claim, usize)>>,
}

impl PortTable {
    /// Claims a port. `EADDRINUSE`.
    pub(crate) fn claim(&mut self, port: u16, claim: Claim) -> Result<(), Errno> {
        let taken = self
            .claims
            .get(&port)
            .is_some_and(|held| held.iter().any(|(other, _)| claim.conflicts(other)));
        if taken {
            return Err(Errno::EADDRINUSE);
        }
        self.add(port, claim);
        Ok(())
    }

    /// Notes a claim that is known to be good.
    pub(crate) fn add(&mut self, port: u16, claim: Claim) {
        let held = self.claims.entry(port).or_default();
        match held.iter_mut().find(|(other, _)| *other == claim) {
            Some((_, count)) => *count += 1,
            None => held.push((claim, 1)),
        }
    }

    /// Gives a claim up.
    pub(crate) fn release(&mut self, port: u16, claim: &Claim) {
        let Some(held) = self.claims.get_mut(&port) else {
            return;
        };
        if let Some(index) = held.iter().position(|(other, _)| other == claim) {
            held[index].1 -= 1;
            if held[index].1 == 0 {
                held.swap_remove(index);
            }
        }
        if held.is_empty() {
            self.claims.remove(&port);
        }
    }

    /// Changes a claim. `EADDRINUSE` if it would conflict with others' then; it is then as before.
    pub(crate) fn change(&mut self, port: u16, from: &Claim, to: Claim) -> Result<(), Errno> {
        self.release(port, from);
        let result = self.claim(port, to);
        if result.is_err() {
            self.add(port, *from);
        }
        result
    }

    /// Claims a port nobody has, looking from a `random` one on. `EADDRINUSE`.
    pub(crate) fn claim_any(&mut self, claim: Claim, random: u64) -> Result<u16, Errno> {
        let port = candidates(random)
            .find(|port| !self.claims.contains_key(port))
            .ok_or(Errno::EADDRINUSE)?;
        self.add(port, claim);
        Ok(port)
    }

    /// Claims a port for a connection, shared with other connections the kernel chose it for if `free`
    /// says that their other ends differ. `EADDRNOTAVAIL`.
    pub(crate) fn claim_shared(
        &mut self,
        claim: Claim,
        random: u64,
        free: impl Fn(u16) -> bool,
    ) -> Result<u16, Errno> {
        let port = candidates(random)
            .find(|port| {
                self.claims
                    .get(port)
                    .is_none_or(|held| held.iter().all(|(other, _)| other.shared) && free(*port))
            })
            .ok_or(Errno::EADDRNOTAVAIL)?;
        self.add(port, claim);
        Ok(port)
    }
}

/// All ports the kernel may choose, from a random one on.
fn candidates(random: u64) -> impl Iterator<Item = u16> {
    let (first, count) = (*EPHEMERAL.start(), EPHEMERAL.len() as u64);
    (0..count).map(move |step| first + ((random % count + step) % count) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Family;

    fn claim(reuse_addr: bool) -> Claim {
        Claim {
            scope: Scope::all(Family::V4, false),
            reuse_addr,
            reuse_port: false,
            listening: false,
            shared: false,
        }
    }

    #[test]
    fn a_port_is_had_once_unless_both_agreed_to_share_it() {
        let mut ports = PortTable::default();
        assert_eq!(ports.claim(80, claim(true)), Ok(()));
        assert_eq!(ports.claim(80, claim(false)), Err(Errno::EADDRINUSE));
        assert_eq!(ports.claim(80, claim(true)), Ok(()));
        ports.release(80, &claim(true));
        ports.release(80, &claim(true));
        assert_eq!(ports.claim(80, claim(false)), Ok(()));
    }

    #[test]
    fn a_second_listener_is_refused_and_stays_bound() {
        let mut ports = PortTable::default();
        let listening = Claim {
            listening: true,
            ..claim(true)
        };
        ports.claim(80, claim(true)).unwrap();
        ports.claim(80, claim(true)).unwrap();
        assert_eq!(ports.change(80, &claim(true), listening), Ok(()));
        let second = ports.change(80, &claim(true), listening);
        assert_eq!(second, Err(Errno::EADDRINUSE));
        ports.release(80, &listening);
        assert_eq!(ports.change(80, &claim(true), listening), Ok(()));
    }

    #[test]
    fn chosen_ports_run_out_after_the_last() {
        let mut ports = PortTable::default();
        let last = *EPHEMERAL.end();
        for port in EPHEMERAL {
            ports.claim(port, claim(false)).unwrap();
        }
        ports.release(last, &claim(false));
        assert_eq!(ports.claim_any(claim(false), 12345), Ok(last));
        assert_eq!(ports.claim_any(claim(false), 1), Err(Errno::EADDRINUSE));
        let connection = Claim {
            shared: true,
            ..claim(false)
        };
        let none = ports.claim_shared(connection, 1, |_| true);
        assert_eq!(none, Err(Errno::EADDRNOTAVAIL));
    }
}
