//! Keys as numbers, so that two are compared without a branch on their lengths.

use super::keys::key_hash;

/// The bytes of a form; a key has to be shorter to be in one.
const FORM_BYTES: usize = 16;

/// A key as two numbers.
///
/// The highest byte of the first says what it is: below 8, the length of a key that is in the seven bytes below it,
/// and the second number is 0; from 0x88 to 0x8f, the same of a key whose bytes from the eighth on are in the second
/// number. A longer key is its hash, the second number. Bytes that the key doesn't have are 0.
#[derive(Clone, Copy)]
pub struct Form(pub u64, pub u64);

impl Default for Form {
    fn default() -> Self {
        Self(Self::NONE, 0)
    }
}

impl Form {
    /// The first number of no key.
    pub const NONE: u64 = 0x7f << 56;
    /// The first number of a hash that is sought. No key has it, so that such a key isn't found by its form alone.
    const SOUGHT: u64 = 0xff << 56;
    /// The first number of a hash that is kept.
    const KEPT: u64 = 0xfe << 56;

    /// That of `data[start..end]`; without a branch on the length, where it isn't long or at the end of `data`.
    #[inline]
    pub fn within(data: &[u8], start: usize, end: usize) -> Self {
        let bytes = data.get(start..).and_then(<[u8]>::first_chunk);
        match (bytes, SHAPES.get(end.wrapping_sub(start))) {
            (Some(bytes), Some(shape)) => Self::short(*bytes, shape),
            _ => Self::of(data.get(start..end).unwrap_or_default()),
        }
    }

    /// That of a key that lies anywhere.
    pub fn of(key: &[u8]) -> Self {
        match SHAPES.get(key.len()) {
            None => Self(Self::SOUGHT, key_hash(key)),
            Some(shape) => {
                let mut bytes = [0; FORM_BYTES];
                bytes.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
                Self::short(bytes, shape)
            }
        }
    }

    /// That of the key with this shape at the start of `bytes`.
    #[inline]
    fn short(bytes: [u8; FORM_BYTES], shape: &Shape) -> Self {
        let bytes = u128::from_le_bytes(bytes);
        Self(bytes as u64 & shape.head | shape.mark, (bytes >> 56) as u64 & shape.tail)
    }

    /// Whether it is the hash of a key that is sought, so that it says of no key that it is the one.
    #[inline]
    pub fn is_hash(self) -> bool {
        self.0 == Self::SOUGHT
    }

    /// The form that a key is kept by.
    #[inline]
    pub fn kept(self) -> Self {
        if self.is_hash() { Self(Self::KEPT, self.1) } else { self }
    }

    /// The form that a kept key is sought by.
    #[inline]
    pub fn sought(self) -> Self {
        if self.0 == Self::KEPT { Self(Self::SOUGHT, self.1) } else { self }
    }

    /// All bits where the second number tells keys apart, else none.
    #[inline]
    pub fn tail_bits(self) -> usize {
        ((self.0 as i64) >> 63) as usize
    }

    /// A hash for the table alone: it is never kept, so it may change.
    #[inline]
    pub fn hash(self) -> u32 {
        const A: u64 = 0x9e37_79b9_7f4a_7c15;
        const B: u64 = 0xd6e8_feb8_6659_fd93;
        let product = u128::from(self.0 ^ A) * u128::from(self.1 ^ B);
        let folded = (product as u64) ^ ((product >> 64) as u64);
        (folded >> 32) as u32
    }
}

/// What a key of some length takes of the bytes at its start.
struct Shape {
    /// The bits of the first number that are its bytes.
    head: u64,
    /// The bits of the second number that are.
    tail: u64,
    /// The highest byte of the first number.
    mark: u64,
}

/// The shapes of keys of each length that are in a form.
const SHAPES: [Shape; FORM_BYTES] = {
    const LONG: Shape = Shape { head: 0, tail: 0, mark: 0 };
    let mut shapes = [LONG; FORM_BYTES];
    let mut len = 0;
    while len < FORM_BYTES {
        let bits = (1_u128 << (8 * len)) - 1;
        let mark = if len < 8 { len } else { 0x80 | len };
        let head = bits as u64 & (u64::MAX >> 8);
        shapes[len] = Shape { head, tail: (bits >> 56) as u64, mark: (mark as u64) << 56 };
        len += 1;
    }
    shapes
};
