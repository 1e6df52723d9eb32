//! Rules: what they say, and which packets they fit.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::RangeInclusive;

use net::Cidr;

use crate::flow::Key;
use crate::state::Direction;

/// What a rule does with a packet it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    Block,
    /// Blocks, and tells the sender.
    Reject,
}

/// Which packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) direction: Option<Direction>,
    pub(crate) interface: Option<String>,
    /// IPv4 or not.
    pub(crate) ipv4: Option<bool>,
    pub(crate) protocol: Option<u8>,
    pub(crate) from: Ends,
    pub(crate) to: Ends,
}

/// Addresses and ports of one end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) network: Option<Cidr>,
    pub(crate) ports: Option<RangeInclusive<u16>>,
}

/// Who an incoming connection is for in truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirection {
    pub(crate) pattern: Pattern,
    pub(crate) address: IpAddr,
    pub(crate) port: Option<u16>,
}

/// Whom an outgoing flow seems to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Translation {
    pub(crate) pattern: Pattern,
    /// The interface's own if none is said.
    pub(crate) address: Option<IpAddr>,
}

/// All rules, in the order they were written; of each kind the first that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) verdicts: Vec<(Verdict, Pattern)>,
    pub(crate) redirections: Vec<Redirection>,
    pub(crate) translations: Vec<Translation>,
}

impl Ends {
    fn fits(&self, address: IpAddr, port: u16) -> bool {
        self.network.is_none_or(|network| network.contains(address))
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| ports.contains(&port))
    }
}

impl Pattern {
    pub(crate) fn fits(&self, direction: Direction, interface: &str, key: &Key) -> bool {
        self.direction.is_none_or(|wanted| wanted == direction)
            && self
                .interface
                .as_ref()
                .is_none_or(|wanted| wanted == interface)
            && self.ipv4.is_none_or(|wanted| wanted == key.src.is_ipv4())
            && self.protocol.is_none_or(|wanted| wanted == key.protocol)
            && self.from.fits(key.src, key.src_port)
            && self.to.fits(key.dst, key.dst_port)
    }
}

impl Rules {
    /// What the first rule that fits says. What none fits passes.
    pub(crate) fn verdict(&self, direction: Direction, interface: &str, key: &Key) -> Verdict {
        self.verdicts
            .iter()
            .find(|(_, pattern)| pattern.fits(direction, interface, key))
            .map_or(Verdict::Pass, |(verdict, _)| *verdict)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.redirections.is_empty() && self.translations.is_empty()
    }
}
