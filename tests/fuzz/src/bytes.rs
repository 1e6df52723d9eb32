//! The fuzzer's bytes, taken from the front. Where there are no more, they are zero.

/// What is left.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn short(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// Up to so many.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// As many as the next byte says; 255 stands for as many as the next two say.
    pub(crate) fn counted(&mut self) -> &'a [u8] {
        let len = match self.byte() {
            255 => usize::from(self.short()),
            len => usize::from(len),
        };
        self.take(len)
    }
}
