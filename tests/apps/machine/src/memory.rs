//! Memory, all of it.

use alloc::vec::Vec;

use rump::Kernel;

use crate::say;

/// The size of a piece, in bytes.
const PIECE: usize = 16 << 10;

/// Takes pieces until there are none, twice: what was given back is there again, to the last piece.
pub(crate) fn exhaust(kernel: &Kernel) -> i32 {
    let mut counts = [0; 2];
    for count in &mut counts {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        loop {
            let mut piece = Vec::new();
            if pieces.try_reserve(1).is_err() || piece.try_reserve_exact(PIECE).is_err() {
                break;
            }
            piece.resize(PIECE, *count as u8);
            pieces.push(piece);
            *count += 1;
        }
        let sound = |(index, piece): (usize, &Vec<u8>)| piece.iter().all(|b| *b == index as u8);
        if !pieces.iter().enumerate().all(sound) {
            say!(kernel, "exhaust: two pieces share memory");
            return 1;
        }
    }
    let kib = counts[0] * PIECE / 1024;
    say!(
        kernel,
        "exhaust: {kib} KiB, twice: {}",
        counts[0] == counts[1]
    );
    i32::from(counts[0] != counts[1])
}

/// Takes so many bytes in one piece, and uses the first and the last.
pub(crate) fn reserve(bytes: u64) -> i32 {
    let mut piece: Vec<u8> = Vec::new();
    let len = bytes as usize;
    if piece.try_reserve_exact(len).is_err() {
        return 1;
    }
    let room = piece.spare_capacity_mut();
    for index in [0, len - 1] {
        room[index].write(1);
    }
    0
}
