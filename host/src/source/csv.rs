//! Separated values: a record a line, or several lines where a quoted value holds line ends.
//!
//! The values go into the columns in order or, where there is a header, by its names. Blank lines are passed
//! over. A record with too few or too many values, or with one that does not fit its column, is a misfit that
//! says which and why. A record is only taken once its last quote is closed; where that is not so within
//! `max_line`, its first line is a misfit and the next one starts a record.

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use memchr::memchr;

use super::columns::Columns;
use super::format::{Decoded, Decoder, MAX_BLOCK_ROWS, Misfit, UNCLOSED_QUOTE, too_long};
use super::unpacker::num_line_ends;

/// Whether the first record names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// It is a row like the others.
    Absent,
    /// It names them, and has not come yet.
    Expected,
    /// It should have named them, and could not be read, so that nobody knows which value is whose.
    Unreadable,
}

/// The reason for every record behind a header that could not be read.
const NO_HEADER: &str = "the header before it could not be read";

/// Decodes separated values.
pub struct Csv {
    columns: Columns,
    reader: Reader,
    header: Header,
    layout: Layout,
    max_line: usize,
    /// The values of a record without quotes and separators, behind one another.
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

impl Csv {
    /// Into the columns of `schema`; records longer than `max_line` bytes are misfits.
    pub fn new(
        schema: &SchemaRef,
        header: Header,
        separator: u8,
        max_line: usize,
    ) -> Result<Self, ArrowError> {
        let columns = Columns::new(schema)?;
        let num_columns = columns.names().count();
        // Only LF ends a record, so that a CR on its own stays in its value; a CR before LF is taken off below.
        let reader = ReaderBuilder::new().delimiter(separator).terminator(Terminator::Any(b'\n')).build();
        let layout = Layout { num_values: num_columns, places: (0..num_columns).map(Some).collect() };
        Ok(Self {
            columns,
            reader,
            header,
            layout,
            max_line,
            text: Vec::new(),
            ends: vec![0; num_columns + 1],
        })
    }

    /// Takes the record that `input` starts with: its bytes, and what is wrong with it. None where its end is
    /// not there yet.
    fn take(&mut self, input: &[u8]) -> Option<(usize, Result<(), String>)> {
        let end = memchr(b'\n', input)?;
        // How far to look must not depend on how much is there: a quote that is closed further on than the
        // longest record and its line end reach is closed too late.
        let longest = self.max_line.saturating_add(2);
        let reach = input.get(..longest).unwrap_or(input);
        if let Some((num_bytes, num_values)) = self.split(reach) {
            let record = input.get(..num_bytes).unwrap_or_default();
            return Some((num_bytes, self.push(record, num_values)));
        }
        if reach.len() < longest {
            return None;
        }
        let reason = if end < longest { UNCLOSED_QUOTE.to_owned() } else { too_long(self.max_line) };
        Some((end.saturating_add(1), Err(reason)))
    }

    /// Splits the record that `input` starts with into `text` and `ends`; answers its bytes and its values.
    fn split(&mut self, input: &[u8]) -> Option<(usize, usize)> {
        self.reader.reset();
        let (mut taken, mut text_len, mut num_values) = (0, 0, 0);
        loop {
            let (rest, text, ends) =
                (input.get(taken..)?, self.text.get_mut(text_len..)?, self.ends.get_mut(num_values..)?);
            let (result, num_in, num_out, num_ends) = self.reader.read_record(rest, text, ends);
            taken += num_in;
            text_len += num_out;
            num_values += num_ends;
            match result {
                ReadRecordResult::Record => return Some((taken, num_values)),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len().max(MIN_TEXT) * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return None,
            }
        }
    }

    /// Makes a row of the record that was split last.
    fn push(&mut self, record: &[u8], num_values: usize) -> Result<(), String> {
        if self.header == Header::Unreadable {
            return Err(NO_HEADER.to_owned());
        }
        if without_end(record).len() > self.max_line {
            return Err(too_long(self.max_line));
        }
        let ends = self.ends.get(..num_values).unwrap_or_default();
        let len = ends.last().copied().unwrap_or(0);
        // With a CR before LF the last value got it too.
        let len = if record.ends_with(b"\r\n") { len.saturating_sub(1) } else { len };
        let text = simdutf8::compat::from_utf8(self.text.get(..len).unwrap_or_default());
        let text = text.map_err(|_| "the record is not UTF-8".to_owned())?;
        let values = Values { text, ends };
        if self.header == Header::Expected {
            self.layout = Layout::named(&values, &self.columns);
            self.header = Header::Absent;
            return Ok(());
        }
        self.layout.check(num_values)?;
        self.columns.push_row(|i, column| match self.layout.places.get(i).copied().flatten() {
            Some(place) => column.push_text(values.get(place)),
            None => column.push_null("is not in the header"),
        })
    }
}

const MIN_TEXT: usize = 4096;

impl Decoder for Csv {
    fn gave_up(&mut self) {
        if self.header == Header::Expected {
            self.header = Header::Unreadable;
        }
    }

    fn decode(&mut self, input: &[u8], misfits: &mut Vec<Misfit>) -> Result<Decoded, ArrowError> {
        let (mut taken, mut num_lines) = (0, 0);
        while self.columns.num_rows() < MAX_BLOCK_ROWS {
            let Some(rest) = input.get(taken..) else { break };
            if let Some(blank) = blank_line(rest) {
                taken += blank;
                num_lines += 1;
                continue;
            }
            let Some((num_bytes, outcome)) = self.take(rest) else { break };
            let record = rest.get(..num_bytes).unwrap_or_default();
            if let Err(reason) = outcome {
                self.gave_up();
                let bytes = taken..taken + without_end(record).len();
                misfits.push(Misfit { bytes, lines_before: num_lines, reason });
            }
            taken += num_bytes;
            num_lines += num_line_ends(record);
        }
        Ok(Decoded { rows: self.columns.finish()?, num_bytes: taken, num_lines })
    }
}

/// The bytes of the record that `input` begins with, blank lines before it included; none where its end isn't there.
pub fn first_record(input: &[u8], separator: u8, max_line: usize) -> Result<Option<usize>, ArrowError> {
    let mut csv = Csv::new(&arrow::datatypes::Schema::empty().into(), Header::Absent, separator, max_line)?;
    let mut start = 0;
    while let Some(blank) = input.get(start..).and_then(blank_line) {
        start += blank;
    }
    Ok(input.get(start..).and_then(|rest| csv.take(rest)).map(|(num_bytes, _)| start + num_bytes))
}

fn without_end(record: &[u8]) -> &[u8] {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    record.strip_suffix(b"\r").unwrap_or(record)
}

/// The length of a line end that `input` starts with.
fn blank_line(input: &[u8]) -> Option<usize> {
    [b"\n".as_slice(), b"\r\n"].into_iter().find(|end| input.starts_with(end)).map(<[u8]>::len)
}

/// The values of a record.
struct Values<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Values<'a> {
    fn get(&self, i: usize) -> &'a str {
        let start = i.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(i).copied().unwrap_or(start).min(self.text.len());
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Which value of a record belongs to which column.
struct Layout {
    num_values: usize,
    /// For each column its value, none where the header does not name it.
    places: Vec<Option<usize>>,
}

impl Layout {
    fn named(header: &Values<'_>, columns: &Columns) -> Self {
        let num_values = header.ends.len();
        let place = |name: &str| (0..num_values).find(|&i| header.get(i).trim_ascii() == name);
        Self { num_values, places: columns.names().map(place).collect() }
    }

    fn check(&self, num_values: usize) -> Result<(), String> {
        if num_values == self.num_values {
            return Ok(());
        }
        let plural = if num_values == 1 { "" } else { "s" };
        Err(format!("the record has {num_values} value{plural}, not {}", self.num_values))
    }
}

#[cfg(test)]
mod tests;
