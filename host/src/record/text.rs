//! Rows as people and log files read them: `(spark, 2)`, or as a JSON object.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Writes the rows of one batch as text: a lone column as its value, several as `(a, b)`.
pub struct TextRows<'a> {
    columns: Vec<ArrayFormatter<'a>>,
}

impl<'a> TextRows<'a> {
    /// For the rows of `batch`. Nulls read `null`, timestamps RFC 3339.
    pub fn new(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let options = FormatOptions::new().with_null("null");
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// Appends row `row`, without a line end.
    pub fn write(&self, row: usize, out: &mut String) -> Result<(), ArrowError> {
        let [only] = self.columns.as_slice() else {
            out.push('(');
            for (i, column) in self.columns.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                column.value(row).write(out)?;
            }
            out.push(')');
            return Ok(());
        };
        only.value(row).write(out)
    }
}

/// The rows of `batch` as JSON objects, nulls included.
pub fn json_rows(batch: &RecordBatch) -> Result<Vec<serde_json::Value>, ArrowError> {
    let mut writer = arrow::json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow::json::writer::JsonArray>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    serde_json::from_slice(&writer.into_inner()).map_err(|e| ArrowError::JsonError(e.to_string()))
}
