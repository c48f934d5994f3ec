//! Lines of text: bytes in, a `line: utf8` column out, what is too long or not UTF-8 set aside.
//!
//! A line ends with LF; one CR before it belongs to the end, CRs elsewhere to the line. Empty lines are rows.
//! The hot path of raw sources: lines are copied once, into the column's own buffer, which is validated as a
//! whole; only where that fails is each line looked at by itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use memchr::{Memchr, memchr_iter};

use super::format::{Decoded, Decoder, MAX_BLOCK_ROWS, Misfit, not_utf8, too_long};

/// Decodes lines of text.
pub struct Lines {
    schema: SchemaRef,
    max_line: usize,
}

impl Lines {
    /// Into the one column of `schema`; lines longer than `max_line` bytes are misfits.
    pub fn new(schema: SchemaRef, max_line: usize) -> Self {
        Self { schema, max_line }
    }

    fn gather(&self, input: &[u8], utf8: Utf8, misfits: &mut Vec<Misfit>) -> Gathered {
        let mut lines = WholeLines::new(input);
        let mut values = Vec::with_capacity(input.len());
        let mut offsets = Vec::with_capacity((input.len() / EXPECTED_LINE_BYTES).min(MAX_BLOCK_ROWS));
        offsets.push(0);
        let mut num_lines = 0;
        while offsets.len() <= MAX_BLOCK_ROWS {
            let Some((start, line)) = lines.next() else { break };
            match self.refuse(line, utf8) {
                None => {
                    values.extend_from_slice(line);
                    // The input is far below 2 GiB: `Encoding::check` bounds a line, and sources read in chunks.
                    offsets.push(values.len() as i32);
                }
                Some(reason) => {
                    misfits.push(Misfit {
                        bytes: start..start + line.len(),
                        lines_before: num_lines,
                        reason,
                    });
                }
            }
            num_lines += 1;
        }
        Gathered { values, offsets, num_bytes: lines.num_bytes(), num_lines }
    }

    fn refuse(&self, line: &[u8], utf8: Utf8) -> Option<String> {
        if line.len() > self.max_line {
            return Some(too_long(self.max_line));
        }
        match utf8 {
            Utf8::Assumed => None,
            Utf8::Checked => simdutf8::compat::from_utf8(line).err().as_ref().map(not_utf8),
        }
    }
}

const EXPECTED_LINE_BYTES: usize = 32;

/// Whether a line is looked at by itself.
#[derive(Clone, Copy)]
enum Utf8 {
    Assumed,
    Checked,
}

/// Lines behind one another.
struct Gathered {
    values: Vec<u8>,
    offsets: Vec<i32>,
    num_bytes: usize,
    num_lines: u64,
}

impl Gathered {
    /// Fails where the lines are not UTF-8.
    fn into_array(self) -> Result<StringArray, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        StringArray::try_new(offsets, Buffer::from_vec(self.values), None)
    }
}

impl Decoder for Lines {
    fn decode(&mut self, input: &[u8], misfits: &mut Vec<Misfit>) -> Result<Decoded, ArrowError> {
        let num_misfits = misfits.len();
        let gathered = self.gather(input, Utf8::Assumed, misfits);
        let (mut num_bytes, mut num_lines) = (gathered.num_bytes, gathered.num_lines);
        let array = match gathered.into_array() {
            Ok(array) => array,
            Err(_) => {
                misfits.truncate(num_misfits);
                let gathered = self.gather(input, Utf8::Checked, misfits);
                (num_bytes, num_lines) = (gathered.num_bytes, gathered.num_lines);
                gathered.into_array()?
            }
        };
        let rows = RecordBatch::try_new(self.schema.clone(), vec![Arc::new(array) as ArrayRef])?;
        Ok(Decoded { rows, num_bytes, num_lines })
    }
}

/// The lines of a piece of input that have an end: where each starts, and its bytes without the end.
pub struct WholeLines<'a> {
    input: &'a [u8],
    ends: Memchr<'a>,
    start: usize,
}

impl<'a> WholeLines<'a> {
    /// Of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, ends: memchr_iter(b'\n', input), start: 0 }
    }

    /// How many bytes the lines answered so far take, ends included.
    pub fn num_bytes(&self) -> usize {
        self.start
    }
}

impl<'a> Iterator for WholeLines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.ends.next()?;
        let line = self.input.get(self.start..end)?;
        let start = std::mem::replace(&mut self.start, end.saturating_add(1));
        Some((start, line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::format::{Format, MAX_BLOCK_ROWS};
    use super::super::testing::{Collected, encoding, unpack};

    fn text(max_line: u64, chunks: &[&[u8]]) -> Collected {
        unpack(&encoding(Format::Text, None, max_line), chunks)
    }

    #[test]
    fn a_line_ends_with_lf_or_cr_lf_or_with_the_bytes() {
        assert_eq!(text(99, &[b"a\r\nb\n\nc\rd\r\r\nlast"]).lines(), ["a", "b", "", "c\rd\r", "last"]);
        assert_eq!(text(99, &[b"a\n"]).lines(), ["a"]);
        assert!(text(99, &[b""]).blocks.is_empty());
    }

    #[test]
    fn characters_may_be_cut_by_chunks() {
        let bytes = "grüße\r\n水车\n".as_bytes();
        for at in 0..bytes.len() {
            let (left, right) = bytes.split_at(at);
            assert_eq!(text(99, &[left, right]).lines(), ["grüße", "水车"]);
        }
    }

    #[test]
    fn what_is_not_utf8_is_set_aside_alone() {
        let collected = text(99, &[b"good\n\xe6\xb0\nx\xffy\r\n\xb4\xe8\xbd\xa6\nbetter\n"]);
        assert_eq!(collected.lines(), ["good", "better"]);
        let reason = |from| format!("the line is not UTF-8 from its byte {from} on");
        let expected = [("file:2", 0, "\u{fffd}"), ("file:3", 1, "x\u{fffd}y"), ("file:4", 0, "\u{fffd}车")];
        let expected = expected.map(|(place, from, line)| (place.to_owned(), reason(from), line.to_owned()));
        assert_eq!(collected.refused(), expected);
    }

    #[test]
    fn halves_of_a_character_on_two_lines_do_not_make_one() {
        let collected = text(99, &[b"\xc3\n\xbc\n"]);
        assert_eq!((collected.lines().len(), collected.dead().len()), (0, 2));
    }

    #[test]
    fn a_block_has_a_most_of_rows() {
        let collected = text(99, &[&vec![b'\n'; MAX_BLOCK_ROWS + 1]]);
        let rows: Vec<usize> = collected.blocks.iter().map(|block| block.rows.num_rows()).collect();
        assert_eq!(rows, [MAX_BLOCK_ROWS, 1]);
    }

    /// The lines of `bytes` and how many are set aside, computed as plainly as possible.
    fn naive(bytes: &[u8], max_line: usize) -> (Vec<String>, usize) {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let lines = whole.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let (mut good, mut bad) = (Vec::new(), 0);
        for line in lines.filter(|_| !bytes.is_empty()) {
            match std::str::from_utf8(line) {
                Ok(line) if line.len() <= max_line => good.push(line.to_owned()),
                _ => bad += 1,
            }
        }
        (good, bad)
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            pieces in prop::collection::vec(prop::sample::select(vec![
                b"\n".as_slice(), b"\r\n", b"\r", b"a", b"ab c", "é".as_bytes(), b"\xff", b"0123456789abcdef",
            ]), 0..60),
            chunk in 1_usize..20,
        ) {
            let bytes = pieces.concat();
            let collected = text(12, &bytes.chunks(chunk).collect::<Vec<_>>());
            prop_assert_eq!((collected.lines(), collected.dead().len()), naive(&bytes, 12));
            prop_assert_eq!(collected.refused(), text(12, &[&bytes]).refused());
        }
    }
}
