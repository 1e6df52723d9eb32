//! The filter itself: what becomes of a packet, and of the first of a flow.

use alloc::string::String;
use alloc::sync::{Arc, Weak};
use core::net::IpAddr;

use base::sync::Leaf;
use base::{Callout, Errno, Lwp};
use net::{Complaint, Filter, Frame, Interface, IpInfo, Net, Reason};

use crate::flow::{Flags, Flow, Key, Upper};
use crate::rewrite::{rewrite, rewrite_error};
use crate::rule::{Rules, Verdict};
use crate::state::{Direction, Full, State, Table};
use crate::{parse, reset};

/// Ports that stand for others' in translated flows (RFC 6335: those that nobody is assigned).
pub(crate) const FIRST_PORT: u16 = 49152;
/// How many of them are tried for a flow.
const TRIES: usize = 64;

/// The filter of an instance.
pub(crate) struct PacketFilter {
    rules: Leaf<Arc<Rules>>,
    pub(crate) table: Leaf<Table>,
    /// Removes states that have ended.
    timer: Arc<Callout>,
}

/// What becomes of a packet.
enum Judgement {
    Pass,
    Drop(Reason),
    Reject(Flow),
}

impl PacketFilter {
    /// A filter without rules, for so many states.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<PacketFilter>| PacketFilter {
            rules: Leaf::new(Arc::new(Rules::default())),
            table: Leaf::new(Table::new(most)),
            timer: {
                let this = this.clone();
                Callout::new(move |lwp| {
                    if let Some(filter) = this.upgrade() {
                        filter.sweep(lwp);
                    }
                })
            },
        })
    }

    /// Sets other rules; what is wrong with them, if anything is. Flows that have states go on.
    pub(crate) fn set_rules(self: &Arc<Self>, net: &Net, text: &str) -> Result<(), String> {
        let rules = parse::parse(text)?;
        let filter = (!rules.is_empty()).then(|| self.clone() as Arc<dyn Filter>);
        if filter.is_none() {
            self.table.with(Table::clear);
        }
        let _before = self
            .rules
            .with(|place| core::mem::replace(place, Arc::new(rules)));
        net.set_filter(filter);
        Ok(())
    }

    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.timer.cancel(lwp);
    }

    fn sweep(&self, lwp: &Lwp<'_>) {
        let next = self.table.with(|table| table.due(lwp.now()));
        self.arm(lwp, next);
    }

    /// Sees to it that states end.
    fn arm(&self, lwp: &Lwp<'_>, at: Option<u64>) {
        if let Some(at) = at {
            self.timer.set(lwp, at);
        }
    }

    /// Judges a packet, and translates it if its flow is.
    fn judge(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        direction: Direction,
        interface: &Interface,
        packet: &mut Frame,
    ) -> Judgement {
        let Some(flow) = Flow::read(packet.payload(), false) else {
            return Judgement::Drop(Reason::Malformed);
        };
        let now = lwp.now();
        let known = match flow.upper {
            Upper::Error => self.is_about_a_flow(direction, interface, packet, &flow, now),
            _ => self.is_of_a_flow(lwp, direction, interface, packet, &flow),
        };
        if known {
            return Judgement::Pass;
        }
        self.begin(lwp, net, direction, interface, packet, &flow)
    }

    /// Whether the packet belongs to a flow that has a state.
    fn is_of_a_flow(
        &self,
        lwp: &Lwp<'_>,
        direction: Direction,
        interface: &Interface,
        packet: &mut Frame,
        flow: &Flow,
    ) -> bool {
        let now = lwp.now();
        let flags = flags(packet, flow);
        let begins = flags.is_some_and(|flags| flags.syn() && !flags.ack());
        let found = self.table.with(|table| {
            let state = table.find(direction, interface.index(), flow.key, now)?;
            if begins && state.is_over() {
                return None;
            }
            state.saw(direction, flags, now);
            let to = state.translates().then(|| state.translated(direction));
            let ends = state.ends();
            Some((to, table.sweep_by(ends)))
        });
        let Some((to, sweep)) = found else {
            return false;
        };
        self.arm(lwp, sweep);
        if let Some(to) = to {
            rewrite(packet, flow, &to);
        }
        true
    }

    /// Whether the packet is an error about one of a flow that has a state (RFC 5508 § 4).
    fn is_about_a_flow(
        &self,
        direction: Direction,
        interface: &Interface,
        packet: &mut Frame,
        flow: &Flow,
        now: u64,
    ) -> bool {
        let quote = packet.payload().get(flow.offset + 8..);
        let Some(quoted) = quote.and_then(|quote| Flow::read(quote, true)) else {
            return false;
        };
        let found = self.table.with(|table| {
            // The packet it is about went the other way.
            let place = quoted.key.reversed();
            let state = table.find(direction, interface.index(), place, now)?;
            let inner = match direction {
                Direction::In => state.outgoing,
                Direction::Out => state.incoming,
            };
            Some(state.translates().then_some(inner))
        });
        match found {
            Some(Some(inner)) => {
                let mut outer = flow.key;
                if outer.dst == quoted.key.src {
                    outer.dst = inner.src;
                }
                // It may come from a router on the way as well.
                if outer.src == quoted.key.dst {
                    outer.src = inner.dst;
                }
                rewrite_error(packet, flow, &quoted, &outer, &inner);
            }
            Some(None) => {}
            None => return false,
        }
        true
    }

    /// Has the rules decide of a packet whose flow has no state, and makes one.
    fn begin(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        direction: Direction,
        interface: &Interface,
        packet: &mut Frame,
        flow: &Flow,
    ) -> Judgement {
        let rules = self.rules.with(|rules| rules.clone());
        let key = flow.key;
        let name = interface.name();
        // What the packet is inside.
        let inside = match direction {
            Direction::In => redirected(&rules, name, &key),
            Direction::Out => key,
        };
        match rules.verdict(direction, name, &inside) {
            Verdict::Pass => {}
            Verdict::Block => return Judgement::Drop(Reason::Filtered),
            Verdict::Reject => return Judgement::Reject(*flow),
        }
        let mut translation = rules.translations.iter();
        let translation = match direction {
            Direction::In => None,
            Direction::Out => translation.find(|rule| rule.pattern.fits(direction, name, &key)),
        };
        let flags = flags(packet, flow);
        let begins = flags.is_none_or(|flags| flags.syn() && !flags.ack());
        let has_answers = !matches!(flow.upper, Upper::Error) && !is_many(key.dst);
        if !begins || !has_answers {
            // Only with its state could it be translated.
            let passes = inside == key && translation.is_none();
            return match passes {
                true => Judgement::Pass,
                false => Judgement::Drop(Reason::Filtered),
            };
        }
        let address = match translation.map(|rule| rule.address) {
            None => None,
            Some(Some(address)) => Some(address),
            Some(None) => match own_address(net, interface, key.src) {
                Some(address) => Some(address),
                None => return Judgement::Drop(Reason::Filtered),
            },
        };
        let ports: [u16; TRIES] = match address {
            None => [0; TRIES],
            Some(_) => other_ports(),
        };
        let now = lwp.now();
        let added = self.table.with(|table| {
            let (incoming, outgoing, to) = match (direction, address) {
                (Direction::In, _) => (key, inside.reversed(), inside),
                (Direction::Out, None) => (key.reversed(), key, key),
                (Direction::Out, Some(address)) => {
                    let wire = outside(table, interface.index(), flow, address, &ports)?;
                    (wire.reversed(), key, wire)
                }
            };
            let mut state = State::new(flow.upper, direction, incoming, outgoing);
            state.saw(direction, flags, now);
            let ends = state.ends();
            table.add(interface.index(), state, now)?;
            Ok((to, table.sweep_by(ends)))
        });
        match added {
            Ok((to, sweep)) => {
                self.arm(lwp, sweep);
                if to != key {
                    rewrite(packet, flow, &to);
                }
                Judgement::Pass
            }
            Err(Full) => Judgement::Drop(Reason::QueueFull),
        }
    }
}

impl Filter for PacketFilter {
    fn incoming(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        mut packet: Frame,
        info: &IpInfo,
    ) -> Option<Frame> {
        let reason = match self.judge(lwp, net, Direction::In, interface, &mut packet) {
            Judgement::Pass => return Some(packet),
            Judgement::Drop(reason) => reason,
            Judgement::Reject(flow) => {
                reject(lwp, net, interface, &packet, info, &flow);
                Reason::Filtered
            }
        };
        interface.count_dropped(reason, 1);
        net.pool().recycle(packet);
        None
    }

    fn outgoing(
        &self,
        lwp: &Lwp<'_>,
        net: &Net,
        interface: &Arc<Interface>,
        mut packet: Frame,
    ) -> Result<Frame, Errno> {
        let reason = match self.judge(lwp, net, Direction::Out, interface, &mut packet) {
            Judgement::Pass => return Ok(packet),
            Judgement::Drop(reason) => reason,
            Judgement::Reject(flow) => {
                // Our own sender is told by the error.
                if !net.is_local(lwp, flow.key.src)
                    && let Some(info) = IpInfo::read(packet.payload())
                {
                    reject(lwp, net, interface, &packet, &info, &flow);
                }
                Reason::Filtered
            }
        };
        interface.count_dropped(reason, 1);
        net.pool().recycle(packet);
        Err(Errno::EPERM)
    }
}

/// Tells the sender of a packet that it is not let through.
fn reject(
    lwp: &Lwp<'_>,
    net: &Net,
    interface: &Arc<Interface>,
    packet: &Frame,
    info: &IpInfo,
    flow: &Flow,
) {
    if flow.upper != Upper::Tcp {
        return net.complain(lwp, interface, packet, info, Complaint::Prohibited);
    }
    if !info.to_many
        && let Some(reset) = reset::answer(net, packet, flow)
    {
        // It is no loss that anybody could be told of.
        let _ = net.output(lwp, reset, None);
    }
}

fn flags(packet: &Frame, flow: &Flow) -> Option<Flags> {
    let segment = packet.payload().get(flow.offset..)?;
    (flow.upper == Upper::Tcp).then(|| Flags::of(segment))
}

/// What a packet that comes in becomes by the first redirection that fits.
fn redirected(rules: &Rules, interface: &str, key: &Key) -> Key {
    let fits = |rule: &&crate::rule::Redirection| {
        rule.address.is_ipv4() == key.dst.is_ipv4()
            && rule.pattern.fits(Direction::In, interface, key)
    };
    match rules.redirections.iter().find(fits) {
        Some(rule) => Key {
            dst: rule.address,
            dst_port: rule.port.unwrap_or(key.dst_port),
            ..*key
        },
        None => *key,
    }
}

/// What the outside sees of a flow that leaves from `address`: with its own port if nobody else uses that, else with
/// one of `ports`.
fn outside(
    table: &Table,
    interface: u32,
    flow: &Flow,
    address: IpAddr,
    ports: &[u16],
) -> Result<Key, Full> {
    let own = Key {
        src: address,
        ..flow.key
    };
    let has_port = !matches!(flow.upper, Upper::Other) && own.src_port != 0;
    let others = ports.iter().filter(|_| has_port).map(|port| Key {
        src_port: *port,
        ..own
    });
    core::iter::once(own)
        .chain(others)
        .find(|wire| !table.is_taken(interface, wire.reversed()))
        .ok_or(Full)
}

fn other_ports() -> [u16; TRIES] {
    let mut bytes = [0; TRIES * 2];
    hypercall::random::fill((&mut bytes[..]).into());
    core::array::from_fn(|at| FIRST_PORT | u16::from_ne_bytes([bytes[at * 2], bytes[at * 2 + 1]]))
}

/// An address of the interface, of the family of `like`, that is known beyond its link.
fn own_address(net: &Net, interface: &Interface, like: IpAddr) -> Option<IpAddr> {
    let all = net.addresses().into_iter();
    let mut own = all
        .filter(|own| own.interface.index() == interface.index())
        .map(|own| own.cidr.address());
    own.find(|address| match address {
        IpAddr::V4(_) => like.is_ipv4(),
        IpAddr::V6(address) => like.is_ipv6() && !address.is_unicast_link_local(),
    })
}

/// Whether an address is of several hosts, none of which answers from it.
fn is_many(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
    }
}
