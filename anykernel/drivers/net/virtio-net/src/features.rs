//! What a card can do, and what it is like.

use base::Failure;
use net::Offloads;
use virtio::Device;

// Features (section 5.1.3).
pub(crate) const CSUM: u64 = 1 << 0;
pub(crate) const GUEST_CSUM: u64 = 1 << 1;
const MTU: u64 = 1 << 3;
pub(crate) const MAC: u64 = 1 << 5;
pub(crate) const GUEST_TSO4: u64 = 1 << 7;
pub(crate) const GUEST_TSO6: u64 = 1 << 8;
pub(crate) const HOST_TSO4: u64 = 1 << 11;
pub(crate) const HOST_TSO6: u64 = 1 << 12;
pub(crate) const MRG_RXBUF: u64 = 1 << 15;
pub(crate) const STATUS: u64 = 1 << 16;

// The configuration (section 5.1.4).
const CONFIG_MAC: usize = 0;
pub(crate) const CONFIG_STATUS: usize = 6;
const CONFIG_MTU: usize = 10;

/// The status's bit that the link is up.
pub(crate) const LINK_UP: u16 = 1;

/// What Ethernet carries unless the device says otherwise, in bytes.
const ETHERNET_MTU: u16 = 1500;

/// The least that IPv4 demands (RFC 791).
const LEAST_MTU: u16 = 68;

/// What was settled with a card.
pub(crate) struct Features {
    bits: u64,
    /// The hardware address, if it has a good one.
    pub(crate) address: Option<[u8; 6]>,
    /// The longest packet, in bytes.
    pub(crate) mtu: usize,
}

impl Features {
    /// Settles features. Long frames come only in several buffers, as no single one is so long.
    pub(crate) fn negotiate(device: &mut Device) -> Result<Self, Failure> {
        let bits = device.negotiate(|offered| {
            let mut wanted = MAC | STATUS | MRG_RXBUF;
            if offered & CSUM != 0 {
                wanted |= CSUM | HOST_TSO4 | HOST_TSO6;
            }
            if offered & GUEST_CSUM != 0 {
                wanted |= GUEST_CSUM;
            }
            if offered & MRG_RXBUF != 0 {
                wanted |= MTU;
                if offered & GUEST_CSUM != 0 {
                    wanted |= GUEST_TSO4 | GUEST_TSO6;
                }
            }
            wanted
        })?;
        let address = match bits & MAC {
            0 => None,
            _ => Some(device.config::<6>(CONFIG_MAC)?),
        };
        let mtu = match bits & MTU {
            0 => ETHERNET_MTU,
            _ => u16::from_le_bytes(device.config(CONFIG_MTU)?).max(LEAST_MTU),
        };
        Ok(Features {
            bits,
            // That of one station, not of none and not of several.
            address: address.filter(|it| it[0] & 1 == 0 && *it != [0; 6]),
            mtu: mtu.into(),
        })
    }

    /// Whether a feature was settled.
    pub(crate) fn has(&self, feature: u64) -> bool {
        self.bits & feature != 0
    }

    /// What the card does for the frames it sends.
    pub(crate) fn offloads(&self) -> Offloads {
        let longest = |feature, longest| if self.has(feature) { longest } else { 0 };
        Offloads {
            checksum: self.has(CSUM),
            tcp4: longest(HOST_TSO4, 65535),
            tcp6: longest(HOST_TSO6, 65535 + 40),
        }
    }
}
