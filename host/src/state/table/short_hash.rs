//! The hash that a table keeps of a key.

use crate::partition::key_hash;

/// The upper half of a key's hash. The lower bits are alike in a partition, because key groups follow from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ShortHash(u32);

impl ShortHash {
    pub(super) fn of(key: &[u8]) -> Self {
        Self(u32::try_from(key_hash(key) >> 32).unwrap_or_default())
    }

    /// Spread over all bits, as the index wants it.
    pub(super) fn spread(self) -> u64 {
        // An odd factor near 2^64 over the golden ratio.
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
