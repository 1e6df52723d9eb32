//! States: the flows that were let through, by which the rest of their packets pass.
//!
//! A state belongs to one interface. Seen from there a flow has an incoming and an outgoing direction, and with address
//! translation the two name its ends differently: `incoming` is what the wire says, `outgoing` what the inside
//! says. There are so many states and no more: when the table is full, no new flow begins, and those there are go
//! on.

use hashbrown::HashMap;

use crate::flow::{Flags, Key, Upper};

/// Which way a packet goes over an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

const SECOND: u64 = 1_000_000_000;
/// How long a state lives without a packet, in nanoseconds.
const TCP_OPENING: u64 = 30 * SECOND;
const TCP_ESTABLISHED: u64 = 24 * 3600 * SECOND;
const TCP_CLOSING: u64 = 900 * SECOND;
const TCP_CLOSED: u64 = 30 * SECOND;
const UNANSWERED: u64 = 30 * SECOND;
const ANSWERED: u64 = 60 * SECOND;
const ECHO: u64 = 10 * SECOND;
/// Between two looks at a full table for what has ended.
const SWEEP_AGAIN: u64 = SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    opener: bool,
    other: bool,
}

/// A flow.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) incoming: Key,
    pub(crate) outgoing: Key,
    upper: Upper,
    /// Which way its first packet went.
    opened: Direction,
    answered: bool,
    /// Who has sent a FIN.
    finished: Ends,
    reset: bool,
    expires: u64,
    pub(crate) packets: u64,
}

impl State {
    pub(crate) fn new(upper: Upper, opened: Direction, incoming: Key, outgoing: Key) -> Self {
        State {
            incoming,
            outgoing,
            upper,
            opened,
            answered: false,
            finished: Ends {
                opener: false,
                other: false,
            },
            reset: false,
            expires: 0,
            packets: 0,
        }
    }

    /// When it ends without another packet.
    pub(crate) fn ends(&self) -> u64 {
        self.expires
    }

    /// Whether addresses or ports are translated.
    pub(crate) fn translates(&self) -> bool {
        self.incoming.reversed() != self.outgoing
    }

    /// What a packet that goes this way becomes.
    pub(crate) fn translated(&self, direction: Direction) -> Key {
        match direction {
            Direction::In => self.outgoing.reversed(),
            Direction::Out => self.incoming.reversed(),
        }
    }

    /// Both ends have finished, or one broke off.
    pub(crate) fn is_over(&self) -> bool {
        self.reset || self.finished.opener && self.finished.other
    }

    /// Notes a packet.
    pub(crate) fn saw(&mut self, direction: Direction, flags: Option<Flags>, now: u64) {
        self.packets += 1;
        if direction != self.opened {
            self.answered = true;
        }
        if let Some(flags) = flags {
            self.reset |= flags.rst();
            match direction == self.opened {
                true => self.finished.opener |= flags.fin(),
                false => self.finished.other |= flags.fin(),
            }
        }
        let patience = match self.upper {
            Upper::Tcp if self.is_over() => TCP_CLOSED,
            Upper::Tcp if self.finished.opener || self.finished.other => TCP_CLOSING,
            Upper::Tcp if self.answered => TCP_ESTABLISHED,
            Upper::Tcp => TCP_OPENING,
            Upper::Echo => ECHO,
            _ if self.answered => ANSWERED,
            _ => UNANSWERED,
        };
        self.expires = now + patience;
    }

    /// What is known of its progress, in a word.
    pub(crate) fn progress(&self) -> &'static str {
        match self.upper {
            Upper::Tcp if self.is_over() => "closed",
            Upper::Tcp if self.finished.opener || self.finished.other => "closing",
            Upper::Tcp if self.answered => "established",
            Upper::Tcp => "opening",
            _ if self.answered => "answered",
            _ => "unanswered",
        }
    }
}

/// A flow's direction on an interface.
pub(crate) type Place = (u32, Key);

/// All states.
pub(crate) struct Table {
    most: usize,
    states: HashMap<u64, (u32, State)>,
    incoming: HashMap<Place, u64>,
    outgoing: HashMap<Place, u64>,
    next: u64,
    swept: u64,
    /// The time the timer is set to.
    armed: u64,
}

/// A table has no place, or the flow is there already with other ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Table {
    pub(crate) fn new(most: usize) -> Self {
        Table {
            most,
            states: HashMap::new(),
            incoming: HashMap::new(),
            outgoing: HashMap::new(),
            next: 0,
            swept: 0,
            armed: u64::MAX,
        }
    }

    /// The state that a packet belongs to which goes this way over an interface.
    pub(crate) fn find(
        &mut self,
        direction: Direction,
        interface: u32,
        key: Key,
        now: u64,
    ) -> Option<&mut State> {
        let places = match direction {
            Direction::In => &self.incoming,
            Direction::Out => &self.outgoing,
        };
        let number = *places.get(&(interface, key))?;
        if self.states.get(&number)?.1.expires <= now {
            self.remove(number);
            return None;
        }
        self.states.get_mut(&number).map(|(_, state)| state)
    }

    /// Whether a packet like this, coming in, would belong to a state.
    pub(crate) fn is_taken(&self, interface: u32, incoming: Key) -> bool {
        self.incoming.contains_key(&(interface, incoming))
    }

    /// Adds a state, in place of one for the same flow that is over.
    pub(crate) fn add(&mut self, interface: u32, state: State, now: u64) -> Result<(), Full> {
        if self.states.len() >= self.most && now >= self.swept + SWEEP_AGAIN {
            self.swept = now;
            self.sweep(now);
        }
        let old = [
            self.incoming.get(&(interface, state.incoming)).copied(),
            self.outgoing.get(&(interface, state.outgoing)).copied(),
        ];
        for number in old.into_iter().flatten() {
            let lives = |(_, old): &(u32, State)| !old.is_over() && old.expires > now;
            if self.states.get(&number).is_some_and(lives) {
                return Err(Full);
            }
            self.remove(number);
        }
        if self.states.len() >= self.most
            || self.states.try_reserve(1).is_err()
            || self.incoming.try_reserve(1).is_err()
            || self.outgoing.try_reserve(1).is_err()
        {
            return Err(Full);
        }
        let number = self.next;
        self.next += 1;
        self.incoming.insert((interface, state.incoming), number);
        self.outgoing.insert((interface, state.outgoing), number);
        self.states.insert(number, (interface, state));
        Ok(())
    }

    fn remove(&mut self, number: u64) {
        if let Some((interface, state)) = self.states.remove(&number) {
            self.incoming.remove(&(interface, state.incoming));
            self.outgoing.remove(&(interface, state.outgoing));
        }
    }

    /// Removes what has ended.
    fn sweep(&mut self, now: u64) {
        let (incoming, outgoing) = (&mut self.incoming, &mut self.outgoing);
        self.states.retain(|_, (interface, state)| {
            let keep = state.expires > now;
            if !keep {
                incoming.remove(&(*interface, state.incoming));
                outgoing.remove(&(*interface, state.outgoing));
            }
            keep
        });
    }

    /// The timer: removes what has ended. Returns when it is to be set again, if there is anything left.
    pub(crate) fn due(&mut self, now: u64) -> Option<u64> {
        self.sweep(now);
        self.armed = u64::MAX;
        let next = self.states.values().map(|(_, state)| state.expires).min();
        next.and_then(|next| self.sweep_by(next))
    }

    /// A state ends then: when the timer is to be set, if it is not set to an earlier time.
    pub(crate) fn sweep_by(&mut self, ends: u64) -> Option<u64> {
        if ends >= self.armed {
            return None;
        }
        self.armed = ends;
        Some(ends)
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.states.clear();
        self.incoming.clear();
        self.outgoing.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// All, with the numbers of their interfaces.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &State)> {
        self.states
            .values()
            .map(|(interface, state)| (*interface, state))
    }
}
