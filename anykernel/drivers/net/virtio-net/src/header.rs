//! The header in front of each frame (section 5.1.6).

use hypercall::Offload;

/// Its length in bytes.
pub(crate) const LENGTH: usize = 12;

/// Writes the header of a frame to be sent, which is one buffer.
pub(crate) fn write(offload: &Offload, header: &mut [u8]) {
    let numbers = [
        offload.header_len,
        offload.segment_size,
        offload.checksum_start,
        offload.checksum_offset,
        0,
    ];
    header[0] = offload.flags;
    header[1] = offload.segment_kind;
    for (place, number) in header[2..LENGTH].chunks_exact_mut(2).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

/// Reads the header of a received frame, and of how many buffers that consists.
pub(crate) fn read(header: &[u8; LENGTH]) -> (Offload, usize) {
    let number = |at| u16::from_le_bytes([header[at], header[at + 1]]);
    let offload = Offload {
        flags: header[0],
        segment_kind: header[1],
        header_len: number(2),
        segment_size: number(4),
        checksum_start: number(6),
        checksum_offset: number(8),
    };
    (offload, number(10).into())
}
