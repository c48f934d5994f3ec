//! Rows to bytes, in each format that files and connections may have.
//!
//! Blocks come in one after the other; each becomes the bytes of its rows in a buffer that is used again, so
//! that whoever writes them knows where to, and can say it in an error.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::LineDelimited;
use serde::Deserialize;

use super::SinkError;
use crate::record::TextRows;

/// How rows are written to files and connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowFormat {
    /// As the console prints them.
    #[default]
    Text,
    /// Comma-separated values.
    Csv,
    /// A JSON object a line, nulls included.
    Jsonl,
}

impl RowFormat {
    /// Whether rows of `schema` can be written like this, with the names of the columns first where `header` asks for it.
    pub(super) fn check(self, header: bool, schema: &SchemaRef) -> Result<(), SinkError> {
        if header && self != Self::Csv {
            let problem = "it is for CSV only; leave it out or set format = \"csv\"";
            return Err(SinkError::key("header", problem));
        }
        let binary = schema.fields().iter().find(|field| *field.data_type() == DataType::Binary);
        match binary {
            Some(field) if self == Self::Csv => {
                let problem = "is binary, which CSV can't hold; set format = \"jsonl\"";
                Err(SinkError::key("format", format!("column `{}` {problem}", field.name())))
            }
            _ => Ok(()),
        }
    }
}

/// Turns rows into bytes.
pub(super) struct Encoder {
    format: RowFormat,
    /// What each file begins with where it has a header: a block of no rows.
    header: Option<RecordBatch>,
    text: String,
    bytes: Vec<u8>,
}

impl Encoder {
    /// For rows of `schema`.
    pub(super) fn new(format: RowFormat, header: bool, schema: &SchemaRef) -> Self {
        Self {
            format,
            header: header.then(|| RecordBatch::new_empty(schema.clone())),
            text: String::new(),
            bytes: Vec::new(),
        }
    }

    /// What a file or a connection begins with.
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
            RowFormat::Text => return self.encode_text(block),
            RowFormat::Csv => write_csv(block, false, &mut self.bytes)?,
            RowFormat::Jsonl => write_json(block, &mut self.bytes)?,
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
