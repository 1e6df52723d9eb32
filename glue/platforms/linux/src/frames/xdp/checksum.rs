//! Checksums that were never computed. Between the two ends of a `veth` frames keep what their sender left open: in the
//! place of TCP's or UDP's checksum is the sum of the pseudo-header alone. A frame of an `AF_XDP` socket comes without
//! the word that it is so, but it can be seen.
//!
//! Of frames whose checksum is there one in 65536 looks the same by chance. If it is a good one, nothing is lost: what
//! is computed later is what is there. If it is not, it is believed; as many again get past the sum itself.

use hypercall::Offload;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What is to be said of a frame: that its checksum is left open, or nothing.
pub(super) fn left_open(frame: &[u8]) -> Offload {
    find(frame).unwrap_or_default()
}

fn find(frame: &[u8]) -> Option<Offload> {
    let half = |at: usize| Some(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?));
    let mut packet = 14;
    let mut kind = half(12)?;
    if let 0x8100 | 0x88a8 = kind {
        kind = half(16)?;
        packet = 18;
    }
    // Where the addresses are, what carries them, and the length of that.
    let (addresses, protocol, start, len) = match kind {
        0x0800 => {
            let header = usize::from(frame.get(packet)? & 0xf) * 4;
            // A piece of a packet has no checksum of its own.
            if half(packet + 6)? & 0x3fff != 0 {
                return None;
            }
            let len = usize::from(half(packet + 2)?).checked_sub(header)?;
            let protocol = *frame.get(packet + 9)?;
            (packet + 12..packet + 20, protocol, packet + header, len)
        }
        0x86dd => {
            let len = usize::from(half(packet + 4)?);
            let protocol = *frame.get(packet + 6)?;
            (packet + 8..packet + 40, protocol, packet + 40, len)
        }
        _ => return None,
    };
    let offset = match protocol {
        TCP => 16,
        UDP => 6,
        _ => return None,
    };
    let mut sum = u32::from(protocol) + len as u32;
    for pair in frame.get(addresses)?.chunks_exact(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (u32::from(half(start + offset)?) == sum).then_some(Offload {
        flags: Offload::NEEDS_CHECKSUM,
        checksum_start: start as u16,
        checksum_offset: offset as u16,
        ..Offload::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u16, packet: &[u8]) -> Vec<u8> {
        [&[0; 12], &kind.to_be_bytes()[..], packet].concat()
    }

    /// A datagram from 10.0.0.1 to 10.0.0.2 with this checksum.
    fn datagram(checksum: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 7, 0, 9, 0, 12]);
        packet.extend(checksum.to_be_bytes());
        packet.extend(b"data");
        packet
    }

    #[test]
    fn the_sum_of_the_pseudo_header_alone_is_no_checksum() {
        let sum = 0x0a00 + 1 + 0x0a00 + 2 + 17 + 12;
        let open = |start| Offload {
            flags: Offload::NEEDS_CHECKSUM,
            checksum_start: start,
            checksum_offset: 6,
            ..Offload::default()
        };
        assert_eq!(left_open(&frame(0x0800, &datagram(sum))), open(34));
        let mut tagged = frame(0x8100, &[0, 5, 8, 0]);
        tagged.extend(datagram(sum));
        assert_eq!(left_open(&tagged), open(38));
        for checksum in [0, sum + 1, !sum] {
            let nothing = left_open(&frame(0x0800, &datagram(checksum)));
            assert_eq!(nothing, Offload::default());
        }
        let mut piece = frame(0x0800, &datagram(sum));
        piece[20] = 0x20;
        assert_eq!(left_open(&piece), Offload::default());
    }

    #[test]
    fn frames_that_are_cut_off_or_of_others_say_nothing() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
        packet.resize(40, 0);
        packet.extend([0; 20]);
        packet[40 + 17] = 26;
        let whole = frame(0x86dd, &packet);
        let expected = Offload {
            flags: Offload::NEEDS_CHECKSUM,
            checksum_start: 54,
            checksum_offset: 16,
            ..Offload::default()
        };
        assert_eq!(left_open(&whole), expected);
        for len in 0..72 {
            assert_eq!(left_open(&whole[..len]), Offload::default(), "{len}");
        }
        assert_eq!(left_open(&frame(0x0806, &packet)), Offload::default());
        let odd = frame(0x0800, &[0x4f; 24]);
        assert_eq!(left_open(&odd), Offload::default());
    }
}
