//! Rows to bytes, in each format that files may have.
//!
//! Blocks come in one after the other; each becomes the bytes of its rows in a buffer that is used again, so
//! that whoever writes them knows the path to put into an error.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::LineDelimited;

use super::FileFormat;
use crate::record::TextRows;

/// Turns the rows of files into bytes.
pub(super) struct Encoder {
    format: FileFormat,
    /// What each file begins with where it has a header: a block of no rows.
    header: Option<RecordBatch>,
    text: String,
    bytes: Vec<u8>,
}

impl Encoder {
    /// For rows of `schema`.
    pub(super) fn new(format: FileFormat, header: bool, schema: &SchemaRef) -> Self {
        Self {
            format,
            header: header.then(|| RecordBatch::new_empty(schema.clone())),
            text: String::new(),
            bytes: Vec::new(),
        }
    }

    /// What a file begins with.
    pub(super) fn begin(&mut self) -> Result<&[u8], ArrowError> {
        self.bytes.clear();
        if let Some(header) = &self.header {
            write_csv(header, true, &mut self.bytes)?;
        }
        Ok(&self.bytes)
    }

    /// The rows of `block`, each with a line end.
    pub(super) fn encode(&mut self, block: &RecordBatch) -> Result<&[u8], ArrowError> {
        self.bytes.clear();
        match self.format {
            FileFormat::Text => return self.encode_text(block),
            FileFormat::Csv => write_csv(block, false, &mut self.bytes)?,
            FileFormat::Jsonl => write_json(block, &mut self.bytes)?,
        }
        Ok(&self.bytes)
    }

    fn encode_text(&mut self, block: &RecordBatch) -> Result<&[u8], ArrowError> {
        self.text.clear();
        let rows = TextRows::new(block)?;
        for row in 0..block.num_rows() {
            rows.write(row, &mut self.text)?;
            self.text.push('\n');
        }
        Ok(self.text.as_bytes())
    }
}

fn write_csv(block: &RecordBatch, header: bool, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    arrow::csv::WriterBuilder::new().with_header(header).build(out).write(block)
}

fn write_json(block: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let builder = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, LineDelimited>(out);
    writer.write(block)?;
    writer.finish()
}
