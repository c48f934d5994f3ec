//! A file that is read whole before anything runs, such as one with the states that keys begin with.
//!
//! Unlike a source it sets nothing aside: a record that does not fit is the error, with its line.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::unpacker::{CHUNK_BYTES, Place};
use super::{Block, SourceError};
use crate::record::{Bytes, DeclaredSchema};

/// A file of rows whose columns are known from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds: csv or jsonl.
    #[serde(default = "csv")]
    pub format: Format,
    /// Whether csv begins with the names of its columns; else they stand in the order of the schema.
    #[serde(default)]
    pub header: bool,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// The longest line.
    #[serde(default = "default_max_line")]
    pub max_line: Bytes,
}

fn csv() -> Format {
    Format::Csv
}

fn default_max_line() -> Bytes {
    DEFAULT_MAX_LINE
}

impl RowsFile {
    /// The file `path`, of csv without a header.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: Format::Csv,
            header: false,
            separator: None,
            max_line: DEFAULT_MAX_LINE,
        }
    }

    /// Makes a relative path start at the manifest's folder.
    pub fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    /// All of its rows, in order, with the columns of `schema`.
    pub fn read(&self, schema: &SchemaRef) -> Result<Vec<RecordBatch>, SourceError> {
        if self.format == Format::Text {
            return Err(SourceError::Option("`format` must be \"csv\" or \"jsonl\"".to_owned()));
        }
        let encoding = Encoding {
            format: self.format,
            schema: Some(DeclaredSchema(SchemaRef::clone(schema))),
            header: self.header,
            separator: self.separator,
            max_line: self.max_line,
        };
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned();
        let mut unpacker = encoding.unpacker("", Place::Lines(name))?;
        let failed = |source| SourceError::Path { action: "read", path: self.path.clone(), source };
        let mut file = File::open(&self.path).map_err(failed)?;
        let mut rows = Vec::new();
        loop {
            let chunk = file.by_ref().take(CHUNK_BYTES as u64);
            let num_read = { chunk }.read_to_end(unpacker.room()).map_err(failed)?;
            let blocks = if num_read == 0 { unpacker.finish()? } else { unpacker.blocks()? };
            for block in blocks {
                rows.extend(whole(block)?);
            }
            if num_read == 0 {
                return Ok(rows);
            }
        }
    }
}

/// The rows of a block that has nothing set aside.
fn whole(block: Block) -> Result<Option<RecordBatch>, SourceError> {
    match block.dead.into_iter().next() {
        Some(letter) => {
            Err(SourceError::Misfit { position: letter.position.unwrap_or_default(), reason: letter.reason })
        }
        None => Ok(Some(block.rows).filter(|rows| rows.num_rows() > 0)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::record::json_rows;

    fn schema() -> SchemaRef {
        let fields = vec![Field::new("word", DataType::Utf8, false), Field::new("n", DataType::Int64, true)];
        Arc::new(Schema::new(fields))
    }

    fn read(text: &str, change: impl Fn(&mut RowsFile)) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("words"), text).unwrap();
        let mut file = RowsFile::new("words");
        change(&mut file);
        file.resolve(folder.path());
        let rows = file.read(&schema()).map_err(|error| error.to_string())?;
        let rows = rows.iter().flat_map(|block| json_rows(block).unwrap());
        Ok(rows.map(|row| row.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn rows_stand_in_the_order_of_columns_or_by_their_names() {
        let expected = r#"{"word":"a","n":3} {"word":"b","n":null}"#;
        assert_eq!(read("a,3\nb,", |_| {}).unwrap(), expected);
        assert_eq!(read("n,word\n3,a\n,b\n", |file| file.header = true).unwrap(), expected);
        let lines = "{\"n\": 3, \"word\": \"a\"}\n{\"word\": \"b\"}\n";
        assert_eq!(read(lines, |file| file.format = Format::Jsonl).unwrap(), expected);
        assert_eq!(read("", |_| {}).unwrap(), "");
    }

    #[test]
    fn long_files_are_read_to_their_end() {
        let text: String = (0..50_000).map(|n| format!("w{n},{n}\n")).collect();
        let rows = read(&text, |_| {}).unwrap();
        assert!(rows.ends_with(r#"{"word":"w49999","n":49999}"#));
        assert_eq!(rows.matches('{').count(), 50_000);
    }

    #[test]
    fn a_record_that_does_not_fit_is_told_with_its_line() {
        let wrong = read("a,3\nb,x\n", |_| {}).unwrap_err();
        assert_eq!(wrong, "words:2: column `n`: `x` is no int64");
        assert!(read("a,3,4\n", |_| {}).unwrap_err().starts_with("words:1: "));
        assert!(read("a,3\n", |file| file.format = Format::Text).is_err());
        assert!(read("a,3\n", |file| file.path = "none".into()).unwrap_err().starts_with("cannot read "));
    }
}
