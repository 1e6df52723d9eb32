//! Bytes that look random and that anybody can compute, from any position on.
//!
//! The stream is the 64-bit numbers `mix(SEED + (k + 1) * GAMMA)` for k = 0, 1, 2, …, modulo 2^64,
//! little-endian, one after the other; that is the generator SplitMix64 (Steele, Lea, Flood 2014) started at
//! `SEED`. `/bytes/N` is its first `N` bytes.

/// The state the generator starts from: `rump` in ASCII.
pub const SEED: u64 = 0x7275_6d70;

/// What the generator's state grows by for each number.
pub const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of this index, from zero.
#[inline]
pub fn number(index: u64) -> u64 {
    let mut z = SEED.wrapping_add(index.wrapping_add(1).wrapping_mul(GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Fills `buffer` with the stream's bytes from `position` on.
pub fn fill(position: u64, buffer: &mut [u8]) {
    let mut index = position / 8;
    let skip = (position % 8) as usize;
    let head = if skip == 0 {
        0
    } else {
        buffer.len().min(8 - skip)
    };
    let (first, rest) = buffer.split_at_mut(head);
    if !first.is_empty() {
        first.copy_from_slice(&number(index).to_le_bytes()[skip..skip + head]);
        index += 1;
    }
    let mut numbers = rest.chunks_exact_mut(8);
    for chunk in &mut numbers {
        chunk.copy_from_slice(&number(index).to_le_bytes());
        index += 1;
    }
    let tail = numbers.into_remainder();
    let last = number(index).to_le_bytes();
    tail.copy_from_slice(&last[..tail.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_wherever_it_is_entered() {
        let mut whole = [0; 100];
        fill(0, &mut whole);
        for start in 0..40 {
            for len in 0..30 {
                let mut part = [0; 30];
                fill(start as u64, &mut part[..len]);
                assert_eq!(
                    part[..len],
                    whole[start..start + len],
                    "{len} bytes at {start}"
                );
            }
        }
    }

    /// The published test vector of SplitMix64 has another seed: shift the index to it.
    #[test]
    fn is_splitmix64() {
        // State 1234567 is SEED + k * GAMMA for this k (modulo 2^64), as GAMMA is odd.
        let mut inverse = GAMMA;
        for _ in 0..6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(GAMMA.wrapping_mul(inverse)));
        }
        let k = 1234567u64.wrapping_sub(SEED).wrapping_mul(inverse);
        assert_eq!(number(k), 6457827717110365317);
        assert_eq!(number(k.wrapping_add(1)), 3203168211198807973);
    }
}
