//! Registers and their bits (chapter 10), as far as they are used.

/// Device control.
pub(crate) const CTRL: usize = 0x0000;
pub(crate) const CTRL_MASTER_DISABLE: u32 = 1 << 2;
pub(crate) const CTRL_AUTO_SPEED: u32 = 1 << 5;
pub(crate) const CTRL_LINK_UP: u32 = 1 << 6;
pub(crate) const CTRL_RESET: u32 = 1 << 26;

/// Device status.
pub(crate) const STATUS: usize = 0x0008;
pub(crate) const STATUS_LINK_UP: u32 = 1 << 1;
pub(crate) const STATUS_MASTER: u32 = 1 << 19;

/// Interrupt causes: set, mask, unmask, and what goes to which vector.
pub(crate) const ICR: usize = 0x00c0;
pub(crate) const IMS: usize = 0x00d0;
pub(crate) const IMC: usize = 0x00d8;
pub(crate) const IVAR: usize = 0x00e4;

pub(crate) const CAUSE_SENT: u32 = 1 << 0;
pub(crate) const CAUSE_LINK: u32 = 1 << 2;
pub(crate) const CAUSE_RECEIVE_LOW: u32 = 1 << 4;
pub(crate) const CAUSE_OVERRUN: u32 = 1 << 6;
pub(crate) const CAUSE_RECEIVED: u32 = 1 << 7;
pub(crate) const CAUSE_RECEIVE_QUEUE: u32 = 1 << 20;
pub(crate) const CAUSE_SEND_QUEUE: u32 = 1 << 22;
pub(crate) const CAUSE_OTHER: u32 = 1 << 24;

/// The receive queue, the transmit queue and all else go to vector 0, and are valid.
pub(crate) const IVAR_ALL: u32 = 0x8 | 0x8 << 8 | 0x8 << 16;

/// Receive control.
pub(crate) const RCTL: usize = 0x0100;
pub(crate) const RCTL_ENABLE: u32 = 1 << 1;
pub(crate) const RCTL_ALL_MULTICAST: u32 = 1 << 4;
pub(crate) const RCTL_BROADCAST: u32 = 1 << 15;
pub(crate) const RCTL_STRIP_CRC: u32 = 1 << 26;

/// Transmit control: enable, pad short frames, and the standard's collision values.
pub(crate) const TCTL: usize = 0x0400;
pub(crate) const TCTL_ENABLE: u32 = 1 << 1;
pub(crate) const TCTL_PAD: u32 = 1 << 3;
pub(crate) const TCTL_COLLISIONS: u32 = 0x0f << 4 | 0x3f << 12;

/// Gaps between frames, as section 10.2.6.3 has them.
pub(crate) const TIPG: usize = 0x0410;
pub(crate) const TIPG_COPPER: u32 = 8 | 2 << 10 | 10 << 20;

/// The rings: where each is, how long, and how far the card and the driver are.
pub(crate) const RECEIVE_RING: usize = 0x2800;
pub(crate) const SEND_RING: usize = 0x3800;
pub(crate) const RING_LOW: usize = 0x00;
pub(crate) const RING_HIGH: usize = 0x04;
pub(crate) const RING_LENGTH: usize = 0x08;
pub(crate) const RING_HEAD: usize = 0x10;
pub(crate) const RING_TAIL: usize = 0x18;

/// Checksums of what comes in: IP's, and that of TCP or UDP.
pub(crate) const RXCSUM: usize = 0x5000;
pub(crate) const RXCSUM_ALL: u32 = 1 << 8 | 1 << 9;

/// The multicast filter.
pub(crate) const MTA: usize = 0x5200;
pub(crate) const MTA_WORDS: usize = 128;

/// The first hardware address.
pub(crate) const RAL0: usize = 0x5400;
pub(crate) const RAH0: usize = 0x5404;
pub(crate) const RAH_VALID: u32 = 1 << 31;

/// Bytes of registers up to the last one used.
pub(crate) const SIZE: usize = 0x6000;
