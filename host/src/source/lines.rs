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
