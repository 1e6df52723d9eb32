//! The compressors, each a crate. None is given more memory than what comes out of it takes, whatever its input asks for.

use alloc::format;
use core::iter;

use base::{Errno, Failure};
use ruzstd::decoding::FrameDecoder;

use crate::xz;

/// The largest window of Zstandard: a block's.
const ZSTD_WINDOW: u64 = 1 << 20;

/// What an image is compressed by.
#[derive(Clone, Copy)]
pub(crate) enum Compressor {
    Gzip,
    Lzo,
    Xz,
    Lz4,
    Zstd,
}

impl Compressor {
    /// The one of a number in the superblock.
    pub(crate) fn of(number: u16) -> Result<Compressor, Failure> {
        match number {
            1 => Ok(Compressor::Gzip),
            3 => Ok(Compressor::Lzo),
            4 => Ok(Compressor::Xz),
            5 => Ok(Compressor::Lz4),
            6 => Ok(Compressor::Zstd),
            _ => Err(Failure::new(
                Errno::EOPNOTSUPP,
                format!("byte 20: compressor {number}; there are gzip, lzo, xz, lz4 and zstd"),
            )),
        }
    }

    /// Decompresses `from`: how many bytes of `to` it filled. `EUCLEAN` if it would be more, or is not compressed
    /// so.
    pub(crate) fn decompress(self, from: &[u8], to: &mut [u8]) -> Result<usize, Errno> {
        let len = match self {
            Compressor::Gzip => {
                let input = iter::once(from);
                miniz_oxide::inflate::decompress_slice_iter_to_slice(to, input, true, false).ok()
            }
            Compressor::Lzo => lzokay::decompress::decompress(from, to).ok(),
            Compressor::Xz => xz::decompress(from, to),
            Compressor::Lz4 => lz4_flex::block::decompress_into(from, to).ok(),
            Compressor::Zstd => {
                let mut decoder = FrameDecoder::new();
                decoder.set_max_window_size(ZSTD_WINDOW);
                decoder.decode_all(from, to).ok()
            }
        };
        len.ok_or(Errno::EUCLEAN)
    }
}
