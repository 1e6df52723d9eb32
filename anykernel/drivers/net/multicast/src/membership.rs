//! Of one version of IP on an interface: the groups, and when whoever routes or switches is told of them (RFC 3376 § 5
//! and 7, RFC 3810 § 6 and 8, RFC 2236 § 3).
//!
//! What is new is told at once, and again after a while; queries are answered after a random delay. While a querier of an
//! older version is heard, its language is spoken. Plain data: time comes in, reports come out.

use alloc::vec::Vec;
use core::net::IpAddr;

use crate::message::Query;

const SECOND: u64 = 1_000_000_000;

/// How long a querier of an older version is remembered (RFC 3376 § 8.12), with the usual interval of 125 s between
/// queries, two of which may be lost or late, and 10 s for the answer.
const REMEMBERED: u64 = 260 * SECOND;

/// How often what is new is told, unless a querier says otherwise (RFC 3376 § 8.1).
const ROBUSTNESS: u8 = 2;

/// In what time it is told again, at the newest version and the older ones (RFC 3376 § 8.11, RFC 2236 § 8.10).
const AGAIN: u64 = SECOND;
const AGAIN_OLDER: u64 = 10 * SECOND;

/// An answer may take at least this long, whatever the query says: so many queries have few answers.
const LEAST_DELAY: u64 = SECOND / 10;

/// The language of a querier, by IGMP's numbers: version 1 of MLD is much the same as 2 of IGMP, and 2 as 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    One,
    Two,
    Three,
}

/// What a report of the newest version says of a group; the numbers are the protocol's (RFC 3376 § 4.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// There are members.
    Members = 2,
    /// There is no member any more.
    Left = 3,
    /// There are members now.
    Joined = 4,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// At an older version: there are members.
    Members(Version, IpAddr),
    /// At version two: there is none any more.
    Left(IpAddr),
    /// At the newest.
    Records(Vec<(Record, IpAddr)>),
}

struct Group {
    address: IpAddr,
    /// How many sockets are in it.
    users: usize,
    /// It goes with an address of ours.
    own: bool,
    /// Whether anybody is told of it.
    told: bool,
    /// How often it has yet to be told that it is new or over, and when next.
    news: u8,
    news_at: u64,
    /// When a query is answered.
    answer_at: Option<u64>,
}

impl Group {
    fn is_used(&self) -> bool {
        self.users > 0 || self.own
    }
}

pub(crate) struct Membership {
    groups: Vec<Group>,
    /// Until when queriers of versions one and two are remembered.
    older: [u64; 2],
    /// What was spoken last.
    version: Version,
    robustness: u8,
    /// When a query about all groups is answered, at the newest version.
    answer_at: Option<u64>,
    ipv4: bool,
}

impl Membership {
    pub(crate) fn new(ipv4: bool) -> Self {
        Membership {
            groups: Vec::new(),
            older: [0; 2],
            version: Version::Three,
            robustness: ROBUSTNESS,
            answer_at: None,
            ipv4,
        }
    }

    /// Whether a socket is in a group.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|group| group.address == address && group.users > 0)
    }

    /// A socket joins.
    pub(crate) fn join(&mut self, address: IpAddr, told: bool, now: u64) {
        let group = self.group(address, told);
        group.users += 1;
        let new = group.users == 1 && !group.own;
        if new {
            self.tell(address, now);
        }
    }

    /// A socket leaves.
    pub(crate) fn leave(&mut self, address: IpAddr, now: u64) {
        let mut groups = self.groups.iter_mut();
        let Some(group) = groups.find(|group| group.address == address) else {
            return;
        };
        group.users = group.users.saturating_sub(1);
        if !group.is_used() {
            self.tell(address, now);
        }
    }

    /// These groups go with our addresses, and no others. They are told of as soon as anything is to be told.
    pub(crate) fn keep(&mut self, own: &[IpAddr]) {
        for address in own {
            let group = self.group(*address, true);
            let new = !group.is_used();
            group.own = true;
            if new {
                self.tell(*address, 0);
            }
        }
        for at in 0..self.groups.len() {
            let group = &mut self.groups[at];
            if group.own && !own.contains(&group.address) {
                group.own = false;
                let (address, over) = (group.address, group.users == 0);
                if over {
                    self.tell(address, 0);
                }
            }
        }
    }

    fn group(&mut self, address: IpAddr, told: bool) -> &mut Group {
        let mut groups = self.groups.iter();
        let at = groups.position(|group| group.address == address);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Group {
                address,
                users: 0,
                own: false,
                told,
                news: 0,
                news_at: 0,
                answer_at: None,
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    /// Has it told that a group is new or over.
    fn tell(&mut self, address: IpAddr, now: u64) {
        let robustness = self.robustness;
        let mut groups = self.groups.iter_mut();
        if let Some(group) = groups.find(|group| group.address == address) {
            group.news = if group.told { robustness } else { 0 };
            group.news_at = now;
            group.answer_at = None;
        }
        self.groups
            .retain(|group| group.is_used() || group.news > 0);
    }

    /// A query: an answer is due.
    pub(crate) fn answer(&mut self, query: &Query, now: u64) {
        match query.version {
            Version::One => self.older[0] = now + REMEMBERED,
            Version::Two => self.older[1] = now + REMEMBERED,
            Version::Three => {
                self.robustness = match query.robustness {
                    0 => ROBUSTNESS,
                    robustness => robustness,
                };
            }
        }
        self.adapt(now);
        let most = query.within.max(LEAST_DELAY);
        let soon = |before: Option<u64>| {
            let at = now + 1 + below(most);
            Some(before.map_or(at, |before| before.min(at)))
        };
        if query.group.is_none() && self.version == Version::Three {
            self.answer_at = soon(self.answer_at);
            return;
        }
        for group in &mut self.groups {
            let asked = query.group.is_none_or(|asked| asked == group.address);
            if asked && group.told && group.is_used() {
                group.answer_at = soon(group.answer_at);
            }
        }
    }

    /// Another station says that a group has members: at an older version nobody has to say it again.
    pub(crate) fn pass_over(&mut self, address: IpAddr, now: u64) {
        self.adapt(now);
        let mut groups = self.groups.iter_mut();
        if self.version != Version::Three
            && let Some(group) = groups.find(|group| group.address == address && group.is_used())
        {
            group.news = 0;
            group.answer_at = None;
        }
    }

    /// Speaks the language of the oldest querier that is remembered. What was to be said in another is said no more
    /// (RFC 3376 § 7.2.1).
    fn adapt(&mut self, now: u64) {
        let version = match self.older {
            [one, _] if self.ipv4 && now < one => Version::One,
            [_, two] if now < two => Version::Two,
            _ => Version::Three,
        };
        if version != self.version {
            self.version = version;
            self.answer_at = None;
            for group in &mut self.groups {
                // What is only just to be told is, in the new language.
                if group.news < self.robustness {
                    group.news = 0;
                }
                group.answer_at = None;
            }
            self.groups
                .retain(|group| group.is_used() || group.news > 0);
        }
    }

    /// The reports that are due.
    pub(crate) fn due(&mut self, now: u64) -> Vec<Report> {
        self.adapt(now);
        let version = self.version;
        let all = self.answer_at.is_some_and(|at| at <= now);
        if all {
            self.answer_at = None;
        }
        let (mut reports, mut members, mut news) = (Vec::new(), Vec::new(), Vec::new());
        for group in &mut self.groups {
            let (address, used) = (group.address, group.is_used());
            if group.news > 0 && group.news_at <= now {
                group.news -= 1;
                let span = if version == Version::Three {
                    AGAIN
                } else {
                    AGAIN_OLDER
                };
                group.news_at = now + 1 + below(span);
                match version {
                    Version::Three if used => news.push((Record::Joined, address)),
                    Version::Three => news.push((Record::Left, address)),
                    _ if used => reports.push(Report::Members(version, address)),
                    _ => {
                        // Also if another station spoke last, which is allowed (RFC 2236 § 3): a switch that keeps a list for
                        // each port has us on it all the same.
                        if version == Version::Two {
                            reports.push(Report::Left(address));
                        }
                        group.news = 0;
                    }
                }
            }
            let asked = group.answer_at.is_some_and(|at| at <= now);
            if used && group.told && (all || asked) {
                group.answer_at = None;
                match version {
                    Version::Three => members.push((Record::Members, address)),
                    _ => reports.push(Report::Members(version, address)),
                }
            }
        }
        self.groups
            .retain(|group| group.is_used() || group.news > 0);
        let records = [news, members].into_iter();
        reports.extend(records.filter(|all| !all.is_empty()).map(Report::Records));
        reports
    }

    /// When there is something due next.
    pub(crate) fn next(&self) -> Option<u64> {
        let groups = self.groups.iter().flat_map(|group| {
            let news = (group.news > 0).then_some(group.news_at);
            [news, group.answer_at].into_iter().flatten()
        });
        groups.chain(self.answer_at).min()
    }
}

/// A random number below another.
fn below(end: u64) -> u64 {
    let mut bytes = [0; 8];
    hypercall::random::fill((&mut bytes[..]).into());
    u64::from_ne_bytes(bytes) % end
}
