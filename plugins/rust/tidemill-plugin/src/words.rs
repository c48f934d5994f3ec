//! Cutting text into words at Unicode white space, fast where the text is ASCII.
//!
//! An ASCII text is looked at 64 bytes at a time: the bytes of a number or a vector answer a flag each,
//! and the set bits of 64 flags are where words end. That leaves no branch a byte to be guessed wrong.

mod column;

pub use column::{ColumnWords, words_of};

use std::str::SplitWhitespace;

/// The words of a text, as [`str::split_whitespace`] has them, in less time.
///
/// ```
/// let words: Vec<_> = tidemill_plugin::words("to be\tor\u{2003}not ").collect();
/// assert_eq!(words, ["to", "be", "or", "not"]);
/// ```
pub fn words(text: &str) -> Words<'_> {
    match is_ascii(text) {
        true => Words(Kind::Ascii(AsciiWords { text, word: 0, block: 0, ends: ends(text, 0) })),
        false => Words(Kind::Unicode(text.split_whitespace())),
    }
}

/// The words of a text.
#[derive(Clone, Debug)]
pub struct Words<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Ascii(AsciiWords<'a>),
    Unicode(SplitWhitespace<'a>),
}

#[derive(Clone, Debug)]
struct AsciiWords<'a> {
    text: &'a str,
    /// Where the next word begins, if not with white space.
    word: usize,
    /// Where the block begins that `ends` is about.
    block: usize,
    /// A bit for each byte of white space in the block that is yet to be looked at.
    ends: u64,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        match &mut self.0 {
            Kind::Ascii(words) => words.next(),
            Kind::Unicode(words) => words.next(),
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a str) -> B>(self, first: B, take: F) -> B {
        match self.0 {
            Kind::Ascii(words) => words.fold(first, take),
            Kind::Unicode(words) => words.fold(first, take),
        }
    }
}

impl<'a> AsciiWords<'a> {
    /// All words that are left. In the sandbox each turn of a loop looks at the clock of the call's deadline, which
    /// costs as much as the word does, so a turn takes four words.
    #[inline]
    fn fold<B, F: FnMut(B, &'a str) -> B>(mut self, first: B, mut take: F) -> B {
        let mut folded = first;
        loop {
            while self.ends != 0 {
                folded = self.take_word(folded, &mut take);
                folded = self.take_word(folded, &mut take);
                folded = self.take_word(folded, &mut take);
                folded = self.take_word(folded, &mut take);
            }
            if self.block + BLOCK >= self.text.len() {
                break;
            }
            self.block += BLOCK;
            self.ends = ends(self.text, self.block);
        }
        match self.text.get(self.word..) {
            Some(last) if !last.is_empty() => take(folded, last),
            _ => folded,
        }
    }

    /// The word before the next white space of the block, if there is one of either.
    #[inline]
    fn take_word<B, F: FnMut(B, &'a str) -> B>(&mut self, folded: B, take: &mut F) -> B {
        if self.ends == 0 {
            return folded;
        }
        let (start, end) = (self.word, self.block + self.ends.trailing_zeros() as usize);
        self.ends &= self.ends - 1;
        self.word = end + 1;
        match self.text.get(start..end) {
            Some(word) if !word.is_empty() => take(folded, word),
            _ => folded,
        }
    }

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        loop {
            let end = match self.ends {
                0 if self.block + BLOCK >= self.text.len() => self.text.len(),
                0 => {
                    self.block += BLOCK;
                    self.ends = ends(self.text, self.block);
                    continue;
                }
                ends => self.block + ends.trailing_zeros() as usize,
            };
            let start = self.word;
            self.ends &= self.ends.wrapping_sub(1);
            self.word = end + 1;
            if start < end {
                return self.text.get(start..end);
            }
            if start >= self.text.len() {
                self.word = start;
                return None;
            }
        }
    }
}

/// The bytes that one set of flags is about.
const BLOCK: usize = 64;

/// What there is to know of the bytes of a block, a bit for each.
struct Flags {
    /// ASCII white space.
    spaces: u64,
    /// Not ASCII.
    others: u64,
}

impl Flags {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let (mut spaces, mut others) = (0, 0);
        for (i, chunk) in block.as_chunks::<CHUNK>().0.iter().enumerate() {
            let flags = flags(*chunk);
            spaces |= flags.0 << (i * CHUNK);
            others |= flags.1 << (i * CHUNK);
        }
        Self { spaces, others }
    }
}

/// A bit for each byte of white space in the block that begins at `block`.
#[inline]
fn ends(text: &str, block: usize) -> u64 {
    let bytes = text.as_bytes().get(block..).unwrap_or_default();
    let bytes = bytes.get(..BLOCK).unwrap_or(bytes);
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let mut ends = 0;
    for (i, chunk) in chunks.iter().enumerate() {
        ends |= spaces(*chunk) << (i * CHUNK);
    }
    if rest.is_empty() {
        return ends;
    }
    // The last bytes once more, since a whole chunk is read faster than a few bytes are.
    match bytes.last_chunk::<CHUNK>() {
        Some(chunk) => ends | spaces(*chunk) << (bytes.len() - CHUNK),
        None => (0..)
            .zip(rest)
            .fold(0, |ends, (i, byte)| ends | u64::from(matches!(byte, b'\t'..=b'\r' | b' ')) << i),
    }
}

#[cfg(not(all(target_family = "wasm", target_feature = "simd128")))]
use portable::{CHUNK, flags, is_ascii, spaces};
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
use simd::{CHUNK, flags, is_ascii, spaces};

/// Eight bytes at a time, as one number.
#[cfg(not(all(target_family = "wasm", target_feature = "simd128")))]
mod portable {
    /// The bytes that are looked at together.
    pub const CHUNK: usize = 8;

    /// Whether all bytes are ASCII.
    pub fn is_ascii(text: &str) -> bool {
        text.is_ascii()
    }

    /// A bit for each of eight bytes that is ASCII white space, and one for each that isn't ASCII.
    #[inline]
    pub fn flags(bytes: [u8; CHUNK]) -> (u64, u64) {
        const TOPS: u64 = 0x8080_8080_8080_8080;
        let number = u64::from_le_bytes(bytes);
        let others = ((number & TOPS) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (spaces((number & !TOPS).to_le_bytes()), others)
    }

    /// A bit for each of eight ASCII bytes that is white space.
    #[inline]
    pub fn spaces(bytes: [u8; CHUNK]) -> u64 {
        const EACH: u64 = 0x0101_0101_0101_0101;
        let bytes = u64::from_le_bytes(bytes);
        // Sums of two bytes below 128 stay within a byte; its top bit is the answer to "at least?".
        let at_least = |bytes: u64, limit: u64| bytes + EACH * (128 - limit);
        let no_space = at_least(bytes ^ (EACH * 0x20), 1);
        let control = at_least(bytes, 9) & !at_least(bytes, 14);
        let tops = (control | !no_space) & (EACH * 128);
        // Each top bit is moved to a place of its own in the highest byte.
        (tops >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
}

/// Sixteen bytes at a time, as one vector.
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod simd {
    use core::arch::wasm32::{
        u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u8x16_sub, u64x2, u64x2_splat, v128, v128_or,
    };

    /// The bytes that are looked at together.
    pub const CHUNK: usize = 16;

    /// Whether all bytes are ASCII.
    #[inline]
    pub fn is_ascii(text: &str) -> bool {
        let (chunks, rest) = text.as_bytes().as_chunks::<CHUNK>();
        let all = chunks.iter().fold(u64x2_splat(0), |all, chunk| v128_or(all, vector(*chunk)));
        u8x16_bitmask(all) == 0
            && match text.as_bytes().last_chunk::<CHUNK>() {
                Some(last) => u8x16_bitmask(vector(*last)) == 0,
                None => rest.is_ascii(),
            }
    }

    /// A bit for each of sixteen bytes that is ASCII white space, and one for each that isn't ASCII.
    #[inline]
    pub fn flags(bytes: [u8; CHUNK]) -> (u64, u64) {
        (spaces(bytes), u64::from(u8x16_bitmask(vector(bytes))))
    }

    /// A bit for each of sixteen bytes that is ASCII white space.
    #[inline]
    pub fn spaces(bytes: [u8; CHUNK]) -> u64 {
        let bytes = vector(bytes);
        let space = u8x16_eq(bytes, u8x16_splat(b' '));
        let control = u8x16_lt(u8x16_sub(bytes, u8x16_splat(b'\t')), u8x16_splat(b'\r' - b'\t' + 1));
        u64::from(u8x16_bitmask(v128_or(space, control)))
    }

    #[inline]
    fn vector(bytes: [u8; CHUNK]) -> v128 {
        let [low, high] = [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(half)
        });
        u64x2(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(text: &str) {
        let expected: Vec<_> = text.split_whitespace().collect();
        let mut one_by_one = words(text);
        let found: Vec<_> = std::iter::from_fn(|| one_by_one.next()).collect();
        assert_eq!(found, expected, "{text:?}, one by one");
        // Halfway through, too, the rest is folded right.
        let mut half = words(text);
        let mut found: Vec<_> = half.by_ref().take(expected.len() / 2).collect();
        half.for_each(|word| found.push(word));
        assert_eq!(found, expected, "{text:?}, folded");
    }

    #[test]
    fn every_ascii_byte_is_told_apart() {
        for byte in 0..128u8 {
            for at in 0..18 {
                let mut text = [b'x'; 18];
                text[at] = byte;
                same(str::from_utf8(&text).unwrap_or_default());
            }
        }
    }

    #[test]
    fn words_may_end_anywhere() {
        for len in 0..200 {
            for step in 1..20 {
                let byte = |i: usize| if i % step == step - 1 { ' ' } else { 'x' };
                same(&(0..len).map(byte).collect::<String>());
            }
            same(&" ".repeat(len));
            same(&"x".repeat(len));
            same(&format!("{}  {}", "x".repeat(len), "\r\n".repeat(len % 9)));
        }
    }

    #[test]
    fn other_texts_are_cut_by_unicode() {
        for text in ["ä b", "a\u{85}b", "a\u{a0}b\u{2003}c", "日 本\u{3000}語"] {
            same(text);
        }
    }
}
