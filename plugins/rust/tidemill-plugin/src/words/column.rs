//! The words of a whole column: what [`words`] answers of one text, for those who want the columns.
//!
//! In come texts in the form of the contract; out come their words in that form, and whose each is. What a
//! word costs elsewhere is mostly guesses of the processor gone wrong, at how long it is and at how many are left. None
//! is made here: the words that end within 64 bytes are taken four at a time, whether there are as many or not, and
//! of each 16 bytes are copied, of which the next one writes over what isn't its own. Where a text can't be read that
//! way (it isn't ASCII, or a word fills all 64 bytes, or what is read would end behind the column) the rest of it goes
//! the way of [`words`].

use super::{BLOCK, Flags, words};
use crate::{Column, Values, Varlen};

/// The bytes that are copied of a word at once. The words of a block are at most four times as long.
const COPIED: usize = 16;
/// How many words a turn of the loop takes: in the sandbox each turn looks at the clock of the call's deadline, which
/// costs as much as a word does.
const WORDS_A_TURN: usize = 4;
/// Where in a window something can begin: a power of two, so that it is told by a mask and needs no check.
const PLACES: usize = 2 * BLOCK;
/// What is read or written of around a block.
const WINDOW: usize = PLACES + COPIED;

/// Words of texts, text by text.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnWords {
    /// The words.
    pub words: Varlen,
    /// The row of the column that each word comes from.
    pub origins: Vec<u32>,
}

impl Column {
    /// The words of all texts, as [`words`] has them. A row without a value has none.
    ///
    /// # Errors
    /// Where the column is not of texts, or one isn't UTF-8.
    ///
    /// ```
    /// use tidemill_plugin::{Column, Values, VarlenBuilder};
    ///
    /// let mut lines = VarlenBuilder::with_capacity(2, 0);
    /// ["to be", " or"].iter().for_each(|line| lines.push(line.as_bytes()));
    /// let column = Column { values: Values::Utf8(lines.finish()), valid: None };
    /// let found = column.words()?;
    /// assert_eq!((found.words.data.as_slice(), found.origins.as_slice()), (&b"tobeor"[..], &[0, 0, 1][..]));
    /// # Ok::<(), String>(())
    /// ```
    pub fn words(&self) -> Result<ColumnWords, String> {
        match &self.values {
            Values::Utf8(texts) => words_of(&texts.offsets, &texts.data, |row| self.is_valid(row)),
            _ => Err(format!("words are wanted of a column of {}", self.data_type())),
        }
    }
}

/// The words of the texts `data[offsets[i] .. offsets[i + 1]]` of all rows `i` that are `wanted`.
///
/// # Errors
/// Where a text isn't UTF-8, or the offsets descend or end behind the data.
pub fn words_of(offsets: &[u32], data: &[u8], wanted: impl Fn(usize) -> bool) -> Result<ColumnWords, String> {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    if !offsets.is_sorted() || last as usize > data.len() {
        return Err("the offsets of texts descend, or end behind their data".into());
    }
    let mut found = Found::with_room_for((last - first) as usize);
    for (row, (start, end)) in offsets.iter().zip(offsets.iter().skip(1)).enumerate() {
        if wanted(row) {
            found.take_text(data, *start as usize, *end as usize)?;
        }
        found.come_from(row as u32);
    }
    Ok(found.finish())
}

/// Words that were found.
struct Found {
    /// Where words end; those from `num_words + 1` on mean nothing.
    offsets: Vec<u32>,
    num_words: usize,
    /// Their bytes; those from `num_bytes` on mean nothing.
    data: Vec<u8>,
    num_bytes: usize,
    origins: Vec<u32>,
}

/// What was found in a window.
struct Taken {
    num_words: u32,
    num_bytes: u32,
    /// Where the next word begins, if not with white space.
    next: u32,
}

impl Found {
    /// A text of ordinary language has more bytes a word than this.
    const BYTES_A_WORD: usize = 4;

    /// Nothing yet, of texts of so many bytes together.
    fn with_room_for(num_bytes: usize) -> Self {
        let num_words = num_bytes / Self::BYTES_A_WORD;
        Self {
            offsets: vec![0; num_words + WINDOW],
            num_words: 0,
            data: vec![0; num_bytes + WINDOW],
            num_bytes: 0,
            origins: Vec::with_capacity(num_words),
        }
    }

    /// Takes the words of the text `from[start..end]`.
    #[inline]
    fn take_text(&mut self, from: &[u8], mut start: usize, end: usize) -> Result<(), String> {
        while start < end {
            match self.take_block(from, start, end) {
                Some(next) => start = next,
                None => {
                    let text = str::from_utf8(from.get(start..end).unwrap_or_default());
                    let text = text.map_err(|error| error.to_string())?;
                    words(text).for_each(|word| self.take_word(word.as_bytes()));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes the words of a text that end within a block at `start`, where a word begins, or white space; answers where
    /// the next one does. None where that can't be done.
    #[inline]
    fn take_block(&mut self, from: &[u8], start: usize, end: usize) -> Option<usize> {
        let window = from.get(start..)?.first_chunk::<WINDOW>()?;
        let Flags { spaces, others } = Flags::of(window.first_chunk()?);
        let (within, border) = match end - start {
            left if left < BLOCK => ((1 << left) - 1, 1 << left),
            _ => (u64::MAX, 0),
        };
        let ends = spaces & within | border;
        if others & within != 0 || ends == 0 {
            return None;
        }
        if self.offsets.len() - self.num_words <= PLACES {
            self.offsets.resize(self.offsets.len() * 2, 0);
        }
        let data = self.data.get_mut(self.num_bytes..)?.first_chunk_mut()?;
        let offsets = self.offsets.get_mut(self.num_words + 1..)?.first_chunk_mut()?;
        let taken = take_words(window, ends, data, offsets, self.num_bytes as u32);
        self.num_words += taken.num_words as usize;
        self.num_bytes += taken.num_bytes as usize;
        Some(start + taken.next as usize)
    }

    /// Takes a word of any length.
    fn take_word(&mut self, word: &[u8]) {
        let end = self.num_bytes + word.len();
        if let Some(to) = self.data.get_mut(self.num_bytes..end) {
            to.copy_from_slice(word);
        }
        self.num_bytes = end;
        self.num_words += 1;
        if self.num_words == self.offsets.len() {
            self.offsets.resize(self.num_words * 2, 0);
        }
        if let Some(offset) = self.offsets.get_mut(self.num_words) {
            *offset = end as u32;
        }
    }

    /// All words that have no origin yet are of this row.
    #[inline]
    fn come_from(&mut self, row: u32) {
        while self.origins.len() < self.num_words {
            self.origins.extend_from_slice(&[row; 8]);
        }
        self.origins.truncate(self.num_words);
    }

    fn finish(mut self) -> ColumnWords {
        self.offsets.truncate(self.num_words + 1);
        self.data.truncate(self.num_bytes);
        ColumnWords { words: Varlen { offsets: self.offsets, data: self.data }, origins: self.origins }
    }
}

/// Takes the words that end where `ends` has bits, the first of which begins with the window. Where each ends among all
/// is written to `offsets`, given that `before` bytes were taken before.
///
/// Not inlined, since what it goes by has to stay in registers.
#[inline(never)]
fn take_words(
    from: &[u8; WINDOW],
    mut ends: u64,
    to: &mut [u8; WINDOW],
    offsets: &mut [u32; PLACES],
    before: u32,
) -> Taken {
    let (mut num_words, mut num_bytes, mut next) = (0, 0, 0);
    while ends != 0 {
        for _ in 0..WORDS_A_TURN {
            // Behind the last word there are empty ones, which count for nothing.
            let is_word = ends != 0;
            let end = if is_word { ends.trailing_zeros() } else { next };
            let len = end - next;
            copy(from, next, to, num_bytes);
            if len > COPIED as u32 {
                (1..4).map(|i| i * COPIED as u32).for_each(|at| copy(from, next + at, to, num_bytes + at));
            }
            num_bytes += len;
            offsets[num_words as usize % PLACES] = before + num_bytes;
            num_words += u32::from(len > 0);
            next = end + u32::from(is_word);
            ends &= ends.wrapping_sub(1);
        }
    }
    Taken { num_words, num_bytes, next }
}

/// Copies some bytes from one place to another, both of which are below [`PLACES`].
#[inline]
fn copy(from: &[u8; WINDOW], start: u32, to: &mut [u8; WINDOW], at: u32) {
    let (start, at) = (start as usize % PLACES, at as usize % PLACES);
    to[at..at + COPIED].copy_from_slice(&from[start..start + COPIED]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::VarlenBuilder;

    /// Texts as a column, all one after the other, so that what is read of one reaches into those behind it.
    fn same(texts: &[String]) {
        let mut column = VarlenBuilder::with_capacity(texts.len(), 0);
        texts.iter().for_each(|text| column.push(text.as_bytes()));
        let column = Column { values: Values::Utf8(column.finish()), valid: None };
        let ColumnWords { words, origins } = column.words().unwrap();
        let mut expected = VarlenBuilder::with_capacity(0, 0);
        let mut rows = vec![];
        for (row, text) in (0..).zip(texts) {
            for word in text.split_whitespace() {
                expected.push(word.as_bytes());
                rows.push(row);
            }
        }
        assert_eq!((words, origins), (expected.finish(), rows), "{texts:?}");
    }

    /// Numbers that look random, each below `end`.
    fn numbers(mut seed: u64) -> impl FnMut(usize) -> usize {
        move |end| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (seed >> 33) as usize % end
        }
    }

    #[test]
    fn words_of_any_length_at_any_place_are_as_those_of_each_text() {
        for seed in 0..400 {
            let mut below = numbers(seed);
            let longest = [3, 9, 20, 40, 70, 150][below(6)];
            let spaces = [" ", "\t", "\n\r", "\u{b}", "  ", "   ", "\u{2003}", "\u{85}"];
            let kinds = [6, 8][below(2)];
            let mut text = || {
                (0..below(12)).fold(String::new(), |text, _| {
                    let letter = if below(60) == 0 { "ö" } else { "x" };
                    text + &letter.repeat(below(longest)) + spaces[below(kinds)]
                })
            };
            same(&(0..20).map(|_| text()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_text_may_end_at_any_byte_of_a_block() {
        for len in 0..200 {
            for step in [1, 2, 3, 15, 16, 17, 18, 63, 64, 65] {
                let byte = |i: usize| if i % step == step - 1 { ' ' } else { 'x' };
                let text: String = (0..len).map(byte).collect();
                same(&[text.clone(), "next".repeat(40), " ".repeat(len), text]);
            }
        }
    }

    #[test]
    fn more_words_than_there_was_room_for_are_all_there() {
        same(&["x ".repeat(5000)]);
        same(&["ö ".repeat(5000), "x ".repeat(200)]);
        same(&vec!["x".to_owned(); 5000]);
    }

    #[test]
    fn words_as_long_as_a_block_are_whole_with_others_close_behind() {
        for len in 60..70 {
            same(&[format!(" {} a", "x".repeat(len)), "x".repeat(len), "b c".into(), "x".repeat(200)]);
        }
    }

    #[test]
    fn rows_without_a_value_have_no_words_whatever_stands_in_them() {
        let data = [&b"a\xffc"[..], &[b' '; 300]].concat();
        let texts = Varlen { offsets: vec![0, 1, 2, 3, 303], data };
        let column = Column { values: Values::Utf8(texts), valid: Some(vec![true, false, true, true]) };
        let words = Varlen { offsets: vec![0, 1, 2], data: b"ac".to_vec() };
        assert_eq!(column.words(), Ok(ColumnWords { words, origins: vec![0, 2] }));
    }

    #[test]
    fn texts_may_begin_behind_the_start_of_their_data() {
        let data = format!("none of this {}", "of this ".repeat(40)).into_bytes();
        let found = words_of(&[5, 12, 20], &data, |_| true).unwrap();
        assert_eq!(found.words.data, b"ofthisofthis");
        assert_eq!((found.words.offsets, found.origins), (vec![0, 2, 6, 8, 12], vec![0, 0, 1, 1]));
    }

    #[test]
    fn what_is_no_text_is_an_error() {
        let texts = |end| Values::Utf8(Varlen { offsets: vec![0, end], data: b"a\xff".to_vec() });
        let error = |values| Column { values, valid: None }.words().unwrap_err();
        assert_eq!(error(Values::Int64(vec![1])), "words are wanted of a column of int64");
        assert!(error(texts(2)).contains("invalid utf-8"));
        assert_eq!(error(texts(3)), "the offsets of texts descend, or end behind their data");
        let data = [b'a'; 200];
        assert!(words_of(&[0, 200, 0, 200], &data, |_| true).is_err());
    }
}
