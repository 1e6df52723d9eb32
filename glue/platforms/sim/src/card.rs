//! What a network card does for frames that ask for it, before they reach a port of the cable that does not
//! take them as they are: completes checksums, cuts up TCP segments.

use hypercall::Offload;

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// Bytes of a TCP header without options.
const TCP: usize = 20;
/// Where things are in a TCP header: its length, its flags, its sequence number.
const DATA_OFFSET: usize = 12;
const FLAGS: usize = 13;
const SEQUENCE: std::ops::Range<usize> = 4..8;
/// FIN and PSH, which only the last segment has; CWR, which only the first has.
const LAST: u8 = 0x01 | 0x08;
const FIRST: u8 = 0x80;

/// The frames that one becomes: none, if what it asks for cannot be done.
pub(crate) fn finish(frame: &[u8], offload: &Offload) -> Vec<Vec<u8>> {
    let frames = match offload.segment_kind & !Offload::ECN {
        0 => Some(vec![frame.to_vec()]),
        kind => cut(frame, offload, kind == Offload::TCP4),
    };
    let mut frames = frames.unwrap_or_default();
    if offload.flags & Offload::NEEDS_CHECKSUM != 0 {
        frames.retain_mut(|frame| complete(frame, offload).is_some());
    }
    frames
}

fn complete(frame: &mut [u8], offload: &Offload) -> Option<()> {
    let start = usize::from(offload.checksum_start);
    let summed = fold(sum(frame.get(start..)?));
    let place = start + usize::from(offload.checksum_offset);
    // Zero says in UDP that there is none.
    let checksum = if summed == 0xffff { 0xffff } else { !summed };
    frame
        .get_mut(place..place + 2)?
        .copy_from_slice(&checksum.to_be_bytes());
    Some(())
}

fn cut(frame: &[u8], offload: &Offload, ipv4: bool) -> Option<Vec<Vec<u8>>> {
    let start = usize::from(offload.checksum_start);
    let place = start + usize::from(offload.checksum_offset);
    let headers = start + usize::from(frame.get(start + DATA_OFFSET)? >> 4) * 4;
    let size = usize::from(offload.segment_size);
    let data = frame.get(headers..)?;
    if size == 0 || offload.flags & Offload::NEEDS_CHECKSUM == 0 {
        return None;
    }
    // The headers in front of TCP's are there, and where the sum belongs is in TCP's.
    let network = if ipv4 { 20 } else { 40 };
    if start < ETHERNET + network || headers < start + TCP || place + 2 > headers {
        return None;
    }
    let count = data.len().div_ceil(size);
    let pieces = data.chunks(size).enumerate().map(|(index, data)| {
        let mut piece = [&frame[..headers], data].concat();
        let sequence = u32::from_be_bytes(piece[start..][SEQUENCE].try_into().ok()?);
        let sequence = sequence.wrapping_add((index * size) as u32);
        piece[start..][SEQUENCE].copy_from_slice(&sequence.to_be_bytes());
        if index > 0 {
            piece[start + FLAGS] &= !FIRST;
        }
        if index + 1 < count {
            piece[start + FLAGS] &= !LAST;
        }
        let len = (piece.len() - ETHERNET) as u16;
        if ipv4 {
            piece[ETHERNET + 2..ETHERNET + 4].copy_from_slice(&len.to_be_bytes());
            piece[ETHERNET + 10..ETHERNET + 12].fill(0);
            let checksum = !fold(sum(&piece[ETHERNET..start]));
            piece[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&checksum.to_be_bytes());
        } else {
            piece[ETHERNET + 4..ETHERNET + 6].copy_from_slice(&(len - 40).to_be_bytes());
        }
        // The sum of the pseudo-header is there, with the length of the whole.
        let pseudo = u32::from(u16::from_be_bytes([frame[place], frame[place + 1]]));
        let [before, now] = [frame.len(), piece.len()].map(|len| (len - start) as u16);
        let pseudo = fold(pseudo + u32::from(!before) + u32::from(now));
        piece[place..place + 2].copy_from_slice(&pseudo.to_be_bytes());
        Some(piece)
    });
    pieces.collect()
}

/// The sum of RFC 1071.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(0, |sum, pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        sum + u32::from(u16::from_be_bytes([pair[0], low]))
    })
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_gives_no_frames() {
        let ask = |start, offset, size| Offload {
            flags: Offload::NEEDS_CHECKSUM,
            segment_kind: Offload::TCP4,
            checksum_start: start,
            checksum_offset: offset,
            segment_size: size,
            ..Offload::default()
        };
        let mut frame = [0; 14 + 20 + 20 + 100];
        frame[14 + 20 + DATA_OFFSET] = 5 << 4;
        assert_eq!(finish(&frame, &ask(34, 16, 60)).len(), 2);
        // No room for the headers before and after, for a header that short, for a sum, for data of no length.
        for (start, offset, size) in [(20, 16, 60), (140, 16, 60), (34, 19, 60), (34, 16, 0)] {
            assert_eq!(
                finish(&frame, &ask(start, offset, size)),
                [] as [Vec<u8>; 0]
            );
        }
        frame[14 + 20 + DATA_OFFSET] = 4 << 4;
        assert_eq!(finish(&frame, &ask(34, 16, 60)), [] as [Vec<u8>; 0]);
        assert_eq!(finish(&frame[..20], &ask(34, 16, 60)), [] as [Vec<u8>; 0]);
    }
}
