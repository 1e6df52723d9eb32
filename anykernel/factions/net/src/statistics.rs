//! What an interface counts.

use core::fmt;

/// Why a frame or packet went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// Cut off, or with a field that contradicts another.
    Malformed,
    /// A checksum is wrong.
    Checksum,
    /// Of a protocol nobody here speaks.
    UnknownProtocol,
    /// For somebody else.
    NotForUs,
    /// An address that cannot be true: a sender that is many, or ourselves.
    Martian,
    /// A fragment without the rest, that overlaps another, or one too many.
    Fragment,
    /// The interface was down.
    Down,
    /// No memory for a buffer.
    NoMemory,
    /// A queue, or the link, was full.
    QueueFull,
    /// The next hop does not answer.
    Unresolved,
    /// There is no route to where it should go.
    NoRoute,
    /// It went over as many routers as it may.
    HopLimit,
    /// Too long for the link it would leave by, and not to be cut up.
    TooLong,
    /// A filter does not let it through.
    Filtered,
    /// Whoever sent it, it is not who it should be: a key does not fit.
    Unauthentic,
    /// It was there before, or is from too long ago.
    Replayed,
}

impl Reason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Reason; 16] = [
        Reason::Malformed,
        Reason::Checksum,
        Reason::UnknownProtocol,
        Reason::NotForUs,
        Reason::Martian,
        Reason::Fragment,
        Reason::Down,
        Reason::NoMemory,
        Reason::QueueFull,
        Reason::Unresolved,
        Reason::NoRoute,
        Reason::HopLimit,
        Reason::TooLong,
        Reason::Filtered,
        Reason::Unauthentic,
        Reason::Replayed,
    ];

    /// A short name, such as `queue-full`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::Checksum => "checksum",
            Reason::UnknownProtocol => "unknown-protocol",
            Reason::NotForUs => "not-for-us",
            Reason::Martian => "martian",
            Reason::Fragment => "fragment",
            Reason::Down => "down",
            Reason::NoMemory => "no-memory",
            Reason::QueueFull => "queue-full",
            Reason::Unresolved => "unresolved",
            Reason::NoRoute => "no-route",
            Reason::HopLimit => "hop-limit",
            Reason::TooLong => "too-long",
            Reason::Filtered => "filtered",
            Reason::Unauthentic => "unauthentic",
            Reason::Replayed => "replayed",
        }
    }
}

/// An interface's counters, since it was attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that came in.
    pub rx_frames: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Frames the link took.
    pub tx_frames: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    dropped: [u64; Reason::ALL.len()],
}

impl Statistics {
    /// How many frames or packets were dropped for this reason.
    pub fn dropped(&self, reason: Reason) -> u64 {
        self.dropped[reason as usize]
    }

    /// How many frames or packets were dropped.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    pub(crate) fn drop(&mut self, reason: Reason, count: u64) {
        self.dropped[reason as usize] += count;
    }
}

/// One line: the counters, and the reasons that occurred.
impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rx {} frames {} bytes, tx {} frames {} bytes, dropped {}",
            self.rx_frames,
            self.rx_bytes,
            self.tx_frames,
            self.tx_bytes,
            self.dropped_total()
        )?;
        for reason in Reason::ALL {
            if self.dropped(reason) > 0 {
                write!(f, ", {} {}", reason.name(), self.dropped(reason))?;
            }
        }
        Ok(())
    }
}
