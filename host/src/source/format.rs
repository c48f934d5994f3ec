//! How bytes become rows: the formats that sources read, and what their decoders have in common.
//!
//! A source puts an `Encoding` together from its options and asks it for an `Unpacker`, which feeds a decoder.
//! A decoder takes whole records off the front of a piece of input and puts them into columns. A record that
//! does not fit is a misfit beside the rows, never a reason to lose its neighbours.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use serde::Deserialize;

use super::SourceError;
use super::csv::{Csv, Header, first_record};
use super::jsonl::Jsonl;
use super::lines::Lines;
use super::unpacker::{CHUNK_BYTES, Place, Unpacker};
use crate::record::{Bytes, DeclaredSchema, line_schema};

/// The most rows in a block.
pub const MAX_BLOCK_ROWS: usize = 1 << 16;

/// The longest line a source takes unless told otherwise.
pub const DEFAULT_MAX_LINE: Bytes = Bytes::mib(1);

/// What `max_line` may be at most, so that the text of a block always fits 32-bit offsets.
const HIGHEST_MAX_LINE: Bytes = Bytes::mib(256);

/// What bytes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A row a line, in the column `line: utf8`.
    #[default]
    Text,
    /// A row a record of separated values, which may be quoted and then hold line ends.
    Csv,
    /// A row a line, each a JSON object.
    Jsonl,
}

/// How a source's bytes become rows, as its options say.
#[derive(Clone, Debug)]
pub struct Encoding {
    /// What the bytes hold.
    pub format: Format,
    /// The columns of csv and jsonl.
    pub schema: Option<DeclaredSchema>,
    /// Whether csv begins with the names of the columns.
    pub header: bool,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// The longest line, without its end.
    pub max_line: Bytes,
}

impl Encoding {
    /// The columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        match (&self.schema, self.format) {
            (Some(declared), Format::Csv | Format::Jsonl) => declared.0.clone(),
            _ => line_schema(),
        }
    }

    /// Finds options that are missing, are not allowed together or are out of range.
    pub fn check(&self) -> Result<(), SourceError> {
        let problem = match (self.format, &self.schema) {
            (Format::Text, Some(_)) => {
                "`schema` goes with format = \"csv\" or \"jsonl\"; text has the one column `line: utf8`"
            }
            (Format::Csv | Format::Jsonl, None) => {
                "format = \"csv\" and \"jsonl\" need a `schema`; write for example schema = { id = \"int64\", name = \"utf8?\" }"
            }
            (Format::Text | Format::Jsonl, _) if self.header => "`header` goes with format = \"csv\" only",
            (Format::Text | Format::Jsonl, _) if self.separator.is_some() => {
                "`separator` goes with format = \"csv\" only"
            }
            _ if !self.separator().is_some_and(can_separate) => {
                "`separator` must be one ASCII character, and neither a quote nor a line end"
            }
            _ if self.max_line.0 == 0 || self.max_line > HIGHEST_MAX_LINE => {
                "`max_line` must be between 1 B and 256 MiB"
            }
            _ => return Ok(()),
        };
        Err(SourceError::Option(problem.to_owned()))
    }

    /// What turns the bytes found at `place` into blocks of the source `origin`.
    pub fn unpacker(&self, origin: &str, place: Place) -> Result<Unpacker, SourceError> {
        self.check()?;
        let schema = self.schema();
        let max_line = self.max_line.as_usize();
        let header = if self.header { Header::Expected } else { Header::Absent };
        let decoder: Box<dyn Decoder> = match self.format {
            Format::Text => Box::new(Lines::new(schema.clone(), max_line)),
            Format::Csv => Box::new(Csv::new(&schema, header, self.separator().unwrap_or(b','), max_line)?),
            Format::Jsonl => Box::new(Jsonl::new(&schema, max_line)?),
        };
        Ok(Unpacker::new(origin, place, decoder, schema, max_line))
    }

    /// The bytes of the file's first record, which names the columns of csv.
    pub fn header_of(&self, file: &mut File) -> std::io::Result<Vec<u8>> {
        let separator = self.separator().unwrap_or(b',');
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        loop {
            let num_read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
            let len =
                first_record(&bytes, separator, self.max_line.as_usize()).map_err(std::io::Error::other)?;
            if len.is_some() || num_read == 0 {
                bytes.truncate(len.unwrap_or(bytes.len()));
                return Ok(bytes);
            }
        }
    }

    fn separator(&self) -> Option<u8> {
        u8::try_from(self.separator.unwrap_or(',')).ok()
    }
}

fn can_separate(byte: u8) -> bool {
    byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n')
}

/// Takes records off a piece of input.
pub trait Decoder: Send {
    /// Takes whole records off the front of `input`, at most a block of them. What is left is offered again,
    /// with more behind it. Answers zero bytes where there is no whole record.
    fn decode(&mut self, input: &[u8], misfits: &mut Vec<Misfit>) -> Result<Decoded, ArrowError>;

    /// A record was set aside without being offered, because it is too long or has no end.
    fn gave_up(&mut self) {}
}

/// What a decoder took off the front of its input.
pub struct Decoded {
    /// The rows, possibly none.
    pub rows: RecordBatch,
    /// The bytes taken.
    pub num_bytes: usize,
    /// The lines that ended in them.
    pub num_lines: u64,
}

/// A record that can't become a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The bytes of the input that it is, without the line end.
    pub bytes: Range<usize>,
    /// How many lines of the input stand before it.
    pub lines_before: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// The reason for a line longer than `max_line` allows.
pub fn too_long(max_line: usize) -> String {
    format!("the line is longer than max_line, {}", Bytes(max_line as u64))
}

/// The reason for a line with a quote that is not closed before the bytes end, or before the record is too long.
pub const UNCLOSED_QUOTE: &str = "a quote in the line is never closed";

/// The reason for bytes that are not UTF-8.
pub fn not_utf8(error: &simdutf8::compat::Utf8Error) -> String {
    format!("the line is not UTF-8 from its byte {} on", error.valid_up_to())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn encoding(format: Format) -> Encoding {
        Encoding { format, schema: None, header: false, separator: None, max_line: DEFAULT_MAX_LINE }
    }

    fn declared() -> Option<DeclaredSchema> {
        Some(serde_json::from_str(r#"{ "id": "int64" }"#).unwrap())
    }

    #[test]
    fn a_schema_goes_with_typed_formats_only() {
        assert!(encoding(Format::Text).check().is_ok());
        assert!(encoding(Format::Csv).check().is_err());
        assert!(encoding(Format::Jsonl).check().is_err());
        assert!(Encoding { schema: declared(), ..encoding(Format::Jsonl) }.check().is_ok());
        assert!(Encoding { schema: declared(), ..encoding(Format::Text) }.check().is_err());
    }

    #[test]
    fn options_of_csv_go_with_csv_only() {
        let csv = Encoding { schema: declared(), ..encoding(Format::Csv) };
        assert!(Encoding { header: true, separator: Some('\t'), ..csv.clone() }.check().is_ok());
        assert!(Encoding { separator: Some('"'), ..csv.clone() }.check().is_err());
        assert!(Encoding { separator: Some('→'), ..csv }.check().is_err());
        assert!(Encoding { header: true, ..encoding(Format::Text) }.check().is_err());
        assert!(Encoding { separator: Some(','), ..encoding(Format::Text) }.check().is_err());
    }

    #[test]
    fn a_line_has_a_sensible_ceiling() {
        assert!(Encoding { max_line: Bytes(0), ..encoding(Format::Text) }.check().is_err());
        assert!(Encoding { max_line: Bytes::mib(257), ..encoding(Format::Text) }.check().is_err());
    }
}
