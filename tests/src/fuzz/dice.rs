//! Choices that follow from the number of a case, and inputs made by them.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Chooses; the same for the same case.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(case: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(case))
    }

    /// A number below `end`, or 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % (end.max(1) as u64)).unwrap()
    }

    /// One of `choices`.
    pub fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    /// At most `most` bytes.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(most + 1)];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Part of something that has `length`.
    fn range(&mut self, length: usize, most: usize) -> Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(most) + 1)
    }

    /// `bytes` with one bit flipped.
    pub fn flipped(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let at = self.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << self.below(8);
        }
        bytes
    }

    /// `bytes` with a few changes: bytes flipped, taken out, doubled, put in, words of `words` put in, the end cut off.
    pub fn damaged(&mut self, bytes: &[u8], words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(16) {
                0 => bytes.truncate(at),
                1 | 2 => drop(bytes.drain(self.range(bytes.len(), 64))),
                3 => {
                    let doubled = bytes[self.range(bytes.len(), 64)].to_vec();
                    drop(bytes.splice(at..at, doubled));
                }
                4 | 5 => drop(bytes.splice(at..at, self.bytes(8))),
                6..=8 if !words.is_empty() => drop(bytes.splice(at..at, self.one_of(words).iter().copied())),
                _ => bytes = self.flipped(&bytes),
            }
        }
        bytes
    }
}
