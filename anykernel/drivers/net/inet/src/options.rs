//! The options of sockets: one table says which there are, whose, what values they take, and what they are at first. All
//! numbers are Linux's, and so are the errors.
//!
//! What an option does stands where it is done, under its name in [`Opt`]. It does not know which options belong to a
//! socket's state, as its error, rather than to what a program chose.

use alloc::vec::Vec;
use core::net::IpAddr;

use base::Errno;
use syscall::consts::*;

use crate::address::Family;
use crate::emit::Marks;
use crate::multicast;

/// The hop limit of packets whose sender did not say one (RFC 1700).
pub(crate) const HOP_LIMIT: u8 = 64;
/// That of packets to a group (RFC 1112 § 6.1).
pub(crate) const GROUP_HOP_LIMIT: u8 = 1;

/// A buffer may not become larger than this; smoltcp's limit is 1 GiB.
const MAX_BUFFER: i32 = 64 << 20;
/// The least that `SO_RCVBUF` and `SO_SNDBUF` give, and the parameter: a segment of an Ethernet.
pub(crate) const MIN_BUFFER: usize = 2048;

/// Bytes in a segment to a peer that does not say, of which a socket without a connection speaks.
const SEGMENT: i32 = 536;

/// Sockets that have an option, a bit each.
pub(crate) const STREAM: u8 = 1;
pub(crate) const UDP: u8 = 2;
pub(crate) const RAW: u8 = 4;
const PACKETS: u8 = UDP | RAW;
const ALL: u8 = STREAM | PACKETS;

/// Which numbers an option takes. The others are `EINVAL`, where it does not say what becomes of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing is what it says; the number stays as it is.
    Nothing,
    /// All; what is not zero is one.
    Flag,
    /// All; the lowest byte counts.
    Byte,
    /// All; zero is one, and what is negative the most there is.
    Count,
    /// All; too few bytes are as few as there may be, too many as many. Linux counts its own bookkeeping, and so reports
    /// the double.
    Buffer,
    /// None that is negative.
    Whole,
    /// The same; more than may wait are as many as may.
    Queue,
    /// From the least to the most.
    Number,
    /// The same, and zero.
    NumberOrZero,
    /// The same as `Number`, and -1 for the usual.
    NumberOrUsual,
}

/// An option.
struct Rule {
    level: u8,
    number: u8,
    sockets: u8,
    takes: Takes,
    least: i16,
    most: i16,
    usual: i16,
}

macro_rules! table {
    ($($(#[$when:meta])? $name:ident: $level:ident, $number:ident, $sockets:expr,
        $takes:ident $(($least:expr, $most:expr))?, $usual:expr;)*) => {
        /// The options whose values are numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Opt { $($(#[$when])? $name),* }

        const TABLE: [Rule; [$($(#[$when])? Opt::$name),*].len()] = [$($(#[$when])? Rule {
            level: $level as u8,
            number: $number as u8,
            sockets: $sockets,
            takes: Takes::$takes,
            least: 0 $(+ $least)?,
            most: 0 $(+ $most)?,
            usual: $usual,
        }),*];
    };
}

table! {
    ReuseAddr: SOL_SOCKET, SO_REUSEADDR, ALL, Flag, 0;
    ReusePort: SOL_SOCKET, SO_REUSEPORT, ALL, Flag, 0;
    Broadcast: SOL_SOCKET, SO_BROADCAST, ALL, Flag, 0;
    DontRoute: SOL_SOCKET, SO_DONTROUTE, ALL, Flag, 0;
    KeepAlive: SOL_SOCKET, SO_KEEPALIVE, ALL, Flag, 0;
    OutOfBandInline: SOL_SOCKET, SO_OOBINLINE, ALL, Flag, 0;
    ReceiveBuffer: SOL_SOCKET, SO_RCVBUF, ALL, Buffer, 0;
    SendBuffer: SOL_SOCKET, SO_SNDBUF, ALL, Buffer, 0;
    ReceiveLowWater: SOL_SOCKET, SO_RCVLOWAT, ALL, Count, 1;
    SendLowWater: SOL_SOCKET, SO_SNDLOWAT, ALL, Nothing, 1;
    Time: SOL_SOCKET, SO_TIMESTAMP, ALL, Flag, 0;
    TimeInNanoseconds: SOL_SOCKET, SO_TIMESTAMPNS, ALL, Flag, 0;

    Class: IPPROTO_IP, IP_TOS, ALL, Byte, 0;
    HopLimit: IPPROTO_IP, IP_TTL, ALL, NumberOrUsual(1, 255), HOP_LIMIT as i16;
    HeaderIncluded: IPPROTO_IP, IP_HDRINCL, RAW, Flag, 0;
    NeverIncluded: IPPROTO_IP, IP_HDRINCL, STREAM | UDP, Nothing, 0;
    PacketInfo: IPPROTO_IP, IP_PKTINFO, ALL, Flag, 0;
    Discover: IPPROTO_IP, IP_MTU_DISCOVER, ALL, Number(0, 5), IP_PMTUDISC_WANT as i16;
    ReceiveHopLimit: IPPROTO_IP, IP_RECVTTL, ALL, Flag, 0;

    // In the order of those of IPv4 that mean the same.
    HopLimit6: IPPROTO_IPV6, IPV6_UNICAST_HOPS, ALL, NumberOrUsual(0, 255), HOP_LIMIT as i16;
    Discover6: IPPROTO_IPV6, IPV6_MTU_DISCOVER, ALL, Number(0, 5), IP_PMTUDISC_WANT as i16;
    Only6: IPPROTO_IPV6, IPV6_V6ONLY, ALL, Flag, 0;
    PacketInfo6: IPPROTO_IPV6, IPV6_RECVPKTINFO, ALL, Flag, 0;
    ReceiveHopLimit6: IPPROTO_IPV6, IPV6_RECVHOPLIMIT, ALL, Flag, 0;
    Class6: IPPROTO_IPV6, IPV6_TCLASS, ALL, NumberOrUsual(0, 255), 0;

    NoDelay: IPPROTO_TCP, TCP_NODELAY, STREAM, Flag, 0;
    MaxSegment: IPPROTO_TCP, TCP_MAXSEG, STREAM, NumberOrZero(88, 32767), 0;
    Cork: IPPROTO_TCP, TCP_CORK, STREAM, Flag, 0;
    // In seconds.
    KeepIdle: IPPROTO_TCP, TCP_KEEPIDLE, STREAM, Number(1, 32767), 7200;
    KeepInterval: IPPROTO_TCP, TCP_KEEPINTVL, STREAM, Number(1, 32767), 75;
    KeepCount: IPPROTO_TCP, TCP_KEEPCNT, STREAM, Number(1, 127), 9;
    SynCount: IPPROTO_TCP, TCP_SYNCNT, STREAM, Number(1, 127), 6;
    QuickAck: IPPROTO_TCP, TCP_QUICKACK, STREAM, Flag, 1;
    // In milliseconds; zero: the usual.
    UserTimeout: IPPROTO_TCP, TCP_USER_TIMEOUT, STREAM, Whole, 0;
    // As on Linux without a cookie from the peer: nobody asks for one, and none is given.
    FastOpen: IPPROTO_TCP, TCP_FASTOPEN, STREAM, Queue, 0;
    FastOpenConnect: IPPROTO_TCP, TCP_FASTOPEN_CONNECT, STREAM, Number(0, 1), 0;

    UdpCork: IPPROTO_UDP, UDP_CORK, UDP, Flag, 0;

    #[cfg(feature = "multicast")]
    MulticastHops: IPPROTO_IP, IP_MULTICAST_TTL, ALL, NumberOrUsual(0, 255), GROUP_HOP_LIMIT as i16;
    #[cfg(feature = "multicast")]
    MulticastLoop: IPPROTO_IP, IP_MULTICAST_LOOP, ALL, Flag, 1;
    #[cfg(feature = "multicast")]
    MulticastAll: IPPROTO_IP, IP_MULTICAST_ALL, ALL, Number(0, 1), 1;
    // What these two take is looked for elsewhere: an address of ours, and the number of an interface.
    #[cfg(feature = "multicast")]
    MulticastFrom: IPPROTO_IP, IP_MULTICAST_IF, ALL, Nothing, 0;
    #[cfg(feature = "multicast")]
    MulticastVia6: IPPROTO_IPV6, IPV6_MULTICAST_IF, ALL, Nothing, 0;
    #[cfg(feature = "multicast")]
    MulticastHops6: IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ALL, NumberOrUsual(0, 255), GROUP_HOP_LIMIT as i16;
    #[cfg(feature = "multicast")]
    MulticastLoop6: IPPROTO_IPV6, IPV6_MULTICAST_LOOP, ALL, Number(0, 1), 1;
    #[cfg(feature = "multicast")]
    MulticastAll6: IPPROTO_IPV6, IPV6_MULTICAST_ALL, ALL, Flag, 1;
}

/// Those that ask for something to be said of what arrives.
const TELLING: [Opt; 6] = [
    Opt::Time,
    Opt::TimeInNanoseconds,
    Opt::PacketInfo,
    Opt::PacketInfo6,
    Opt::ReceiveHopLimit,
    Opt::ReceiveHopLimit6,
];

/// What they are at first.
const USUAL: [i32; TABLE.len()] = {
    let mut values = [0; TABLE.len()];
    let mut place = 0;
    while place < values.len() {
        values[place] = TABLE[place].usual as i32;
        place += 1;
    }
    values
};

/// The options of a socket. A connection inherits its listener's.
#[derive(Clone, Copy)]
pub(crate) struct Options {
    values: [i32; TABLE.len()],
    /// `SO_LINGER`: how long closing waits, in seconds; zero: it resets the connection.
    pub(crate) linger: Option<u32>,
    sockets: u8,
    /// Whether anything is to be said of what arrives.
    tells: bool,
}

impl Options {
    /// Those of a new socket of one of the kinds, with buffers of so many bytes.
    #[inline(never)]
    pub(crate) fn new(kind: u8, buffer: usize) -> Self {
        let mut options = Options {
            values: USUAL,
            linger: None,
            sockets: kind,
            tells: false,
        };
        options.put(Opt::ReceiveBuffer, buffer as i32);
        options.put(Opt::SendBuffer, buffer as i32);
        options.put(Opt::ReuseAddr, i32::from(kind == RAW));
        options
    }

    /// Gives an option a value that it takes.
    pub(crate) fn put(&mut self, option: Opt, value: i32) {
        self.values[option as usize] = value;
    }

    /// Whether an option is on.
    #[inline]
    pub(crate) fn is(&self, option: Opt) -> bool {
        self.values[option as usize] != 0
    }

    /// An option's number, which is not negative.
    #[inline]
    pub(crate) fn number(&self, option: Opt) -> u32 {
        self.values[option as usize] as u32
    }

    /// Whether anything is to be said of what arrives.
    #[inline]
    pub(crate) fn tells(&self) -> bool {
        self.tells
    }

    /// Whether the time of arrival is of interest.
    #[inline]
    pub(crate) fn is_timed(&self) -> bool {
        self.is(Opt::Time) || self.is(Opt::TimeInNanoseconds)
    }

    fn discover(&self, ipv4: bool) -> u32 {
        self.number(if ipv4 { Opt::Discover } else { Opt::Discover6 })
    }

    /// What packets say in their headers.
    pub(crate) fn marks(&self, ipv4: bool) -> Marks {
        let discovers = IP_PMTUDISC_WANT..=IP_PMTUDISC_PROBE;
        Marks {
            class: self.number(if ipv4 { Opt::Class } else { Opt::Class6 }) as u8,
            may_be_cut: ipv4 && !discovers.contains(&self.discover(true)),
        }
    }

    /// Whether a datagram that is longer than a packet is refused. Who probes hears of the longest that is known to get
    /// there, as well.
    pub(crate) fn is_whole(&self, ipv4: bool) -> bool {
        (IP_PMTUDISC_DO..=IP_PMTUDISC_PROBE).contains(&self.discover(ipv4))
    }

    /// How many hops packets may go.
    pub(crate) fn hop_limit(&self, ipv4: bool) -> u8 {
        let limit = self.number(if ipv4 { Opt::HopLimit } else { Opt::HopLimit6 });
        // None is sent that may go nowhere (RFC 1122 § 3.2.1.7).
        limit.max(1) as u8
    }

    /// How many hops packets to an address may go; those to a group perhaps none.
    pub(crate) fn hop_limit_to(&self, to: IpAddr) -> u8 {
        match to.is_multicast() {
            true => self.group_hop_limit(to.is_ipv4()),
            false => self.hop_limit(to.is_ipv4()),
        }
    }

    /// The longest packet of a link that carries packets of `mtu` bytes.
    pub(crate) fn limit_mtu(&self, mtu: usize, ipv4: bool) -> usize {
        let headers = if ipv4 { 40 } else { 60 };
        match self.number(Opt::MaxSegment) as usize {
            0 => mtu,
            segment => mtu.min(segment + headers),
        }
    }

    fn find(&self, family: Family, level: u32, number: u32) -> Option<usize> {
        TABLE.iter().position(|rule| {
            u32::from(rule.level) == level
                && u32::from(rule.number) == number
                && rule.sockets & self.sockets != 0
                && match level {
                    IPPROTO_IPV6 => family == Family::V6,
                    IPPROTO_IP => family == Family::V4 || self.sockets != RAW,
                    _ => true,
                }
        })
    }

    /// Sets an option of a socket of this family; `ENOPROTOOPT` for one that it has not, `EINVAL` for a value that the
    /// option does not take.
    pub(crate) fn set(
        &mut self,
        family: Family,
        level: u32,
        number: u32,
        value: &[u8],
    ) -> Result<(), Errno> {
        if (level, number) == (SOL_SOCKET, SO_LINGER) {
            let (on, seconds) = (int(value)?, int(value.get(4..).unwrap_or(&[]))?);
            self.linger = (on != 0).then_some(seconds.max(0) as u32);
            return Ok(());
        }
        if cfg!(feature = "multicast") {
            multicast::check(family, self.sockets, level, number, value)?;
        }
        let place = self.find(family, level, number);
        let place = place.ok_or(Errno::ENOPROTOOPT)?;
        let rule = &TABLE[place];
        let value = match (level, value) {
            // IPv4's may be a single byte, and some no byte at all.
            (IPPROTO_IP, []) if rule.takes != Takes::NumberOrUsual => 0,
            (IPPROTO_IP, [byte, ..]) if value.len() < 4 => (*byte).into(),
            _ => int(value)?,
        };
        let (least, most) = (rule.least.into(), rule.most.into());
        let good = (least..=most).contains(&value);
        self.values[place] = match rule.takes {
            Takes::Nothing => return Err(Errno::ENOPROTOOPT),
            Takes::Flag => i32::from(value != 0),
            Takes::Byte => value & 0xff,
            Takes::Count if value < 0 => i32::MAX,
            Takes::Count => value.max(1),
            Takes::Buffer if value < 0 => MAX_BUFFER,
            Takes::Buffer => value.clamp(MIN_BUFFER as i32, MAX_BUFFER),
            Takes::Whole if value >= 0 => value,
            Takes::Queue if value >= 0 => value.min(SOMAXCONN as i32),
            Takes::NumberOrZero if value == 0 => 0,
            Takes::NumberOrUsual if value == -1 => rule.usual.into(),
            _ if good => value,
            _ => return Err(Errno::EINVAL),
        };
        // A time in one unit takes the place of one in the other, and none of either.
        const TIMES: usize = Opt::Time as usize + Opt::TimeInNanoseconds as usize;
        if let SO_TIMESTAMP | SO_TIMESTAMPNS = number
            && level == SOL_SOCKET
        {
            self.values[TIMES - place] = 0;
        }
        self.tells = TELLING.iter().any(|option| self.is(*option));
        if self.sockets == STREAM {
            // Congestion is TCP's own to tell of.
            for class in [Opt::Class, Opt::Class6] {
                self.values[class as usize] &= !3;
            }
        }
        Ok(())
    }

    /// Reads an option of a socket of this family. For one that it has not, `ENOPROTOOPT`; or, as Linux has it,
    /// `EOPNOTSUPP` if it is of a level that IPv4 knows nothing of.
    pub(crate) fn get(&self, family: Family, level: u32, number: u32) -> Result<Vec<u8>, Errno> {
        if (level, number) == (SOL_SOCKET, SO_LINGER) {
            let words = [self.linger.is_some().into(), self.linger.unwrap_or(0)];
            return Ok(words.map(u32::to_ne_bytes).concat());
        }
        let Some(place) = self.find(family, level, number) else {
            let own = match self.sockets {
                STREAM => IPPROTO_TCP,
                UDP => IPPROTO_UDP,
                _ => IPPROTO_RAW,
            };
            return Err(match level {
                _ if family == Family::V6 => Errno::ENOPROTOOPT,
                SOL_SOCKET | IPPROTO_IP => Errno::ENOPROTOOPT,
                _ if level == own => Errno::ENOPROTOOPT,
                _ => Errno::EOPNOTSUPP,
            });
        };
        let value = match (TABLE[place].takes, self.values[place]) {
            (Takes::Buffer, value) => 2 * value,
            (Takes::NumberOrZero, 0) => SEGMENT,
            (_, value) => value,
        };
        Ok(value.to_ne_bytes().to_vec())
    }
}

/// The `int` a value begins with; `EINVAL` if it is too short for one.
fn int(value: &[u8]) -> Result<i32, Errno> {
    value
        .first_chunk()
        .map(|bytes| i32::from_ne_bytes(*bytes))
        .ok_or(Errno::EINVAL)
}
