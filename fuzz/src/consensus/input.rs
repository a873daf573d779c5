//! The fuzzer's bytes, read as choices.

/// Values that break arithmetic, or sit at the edge of a check.
const EDGES: [u64; 10] =
    [0, 1, (1 << 20) + 5, (1 << 32) - 1, (1 << 48) - 1, 1 << 48, 1 << 63, u64::MAX - 1, u64::MAX, 1 << 20];

/// What is left of the input. Past its end every choice is the first one.
pub(super) struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// One of `count` things; 0 when there are none.
    pub(super) fn below(&mut self, count: usize) -> usize {
        let choice = if count > 256 { self.long() } else { u64::from(self.byte()) };
        choice as usize % count.max(1)
    }

    /// Up to `limit` bytes, their number first.
    pub(super) fn bytes(&mut self, limit: usize) -> &'b [u8] {
        let length = (self.long() as usize % (limit + 1)).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// A number near `honest`, at an edge, or any.
    pub(super) fn number(&mut self, honest: u64) -> u64 {
        match self.byte() {
            0 => honest.wrapping_add(1),
            1 => honest.wrapping_sub(1),
            2 => EDGES[self.below(EDGES.len())],
            3 => honest.wrapping_add(u64::from(self.byte())),
            4 => honest.wrapping_sub(u64::from(self.byte())),
            5 => self.long(),
            6 => (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())),
            small => u64::from(small - 7),
        }
    }

    fn long(&mut self) -> u64 {
        u64::from(self.byte()) | u64::from(self.byte()) << 8
    }
}
