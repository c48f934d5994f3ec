//! Writes each batch to a folder of its own, named by the batch's time: `<prefix>-<ms>[.<suffix>]/part-00000`.
//!
//! A batch is staged in a hidden folder beside, every file and the folder synced, and renamed whole when it is
//! published. So a folder that can be seen is complete, and the same batch run again changes nothing. The disk
//! alone says what is staged or published, so that a new process can publish what the one before it staged.

mod encode;
mod writer;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use serde::Deserialize;

use self::encode::Encoder;
use self::writer::FilesWriter;
use super::{Sink, SinkError, Writer};
use crate::disk::check_directory;

/// A sink that writes files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// A directory, and what the folders' names in it begin with.
    pub path: PathBuf,
    /// What the folders' names end with, after a dot.
    #[serde(default)]
    pub suffix: Option<String>,
    /// How rows are written.
    #[serde(default)]
    pub format: FileFormat,
    /// Whether each CSV file begins with the names of the columns.
    #[serde(default)]
    pub header: bool,
    /// Whether batches without rows write nothing, rather than a folder with one empty file.
    #[serde(default)]
    pub skip_empty: bool,
}

/// How rows are written to files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// As the console prints them.
    #[default]
    Text,
    /// Comma-separated values.
    Csv,
    /// A JSON object a line, nulls included.
    Jsonl,
}

impl Files {
    /// Text files whose folders' paths begin with `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), suffix: None, format: FileFormat::Text, header: false, skip_empty: false }
    }

    /// The directory that holds the folders, and what their names begin with.
    fn split_path(&self) -> Result<(PathBuf, OsString), SinkError> {
        let names_folder = self.path.as_os_str().as_encoded_bytes().ends_with(b"/");
        match (self.path.parent(), self.path.file_name()) {
            (Some(parent), Some(name)) if !names_folder => {
                let here = parent.as_os_str().is_empty();
                let directory = if here { Path::new(".") } else { parent };
                Ok((directory.to_owned(), name.to_owned()))
            }
            _ => Err(SinkError::Option(format!(
                "path `{}` does not end in a name; add what the names of the batches' folders begin with, as in `{}`",
                self.path.display(),
                self.path.join("rows").display(),
            ))),
        }
    }

    fn check_options(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        let fault = |problem: String| Err(SinkError::Option(problem));
        if let Some(suffix) = self.suffix.as_deref()
            && (suffix.is_empty() || suffix.starts_with('.') || suffix.contains('/'))
        {
            return fault(format!(
                "suffix `{suffix}` can't end a name; write it without a dot before it and without `/`, as in `txt`"
            ));
        }
        if self.header && self.format != FileFormat::Csv {
            return fault("header is for CSV files only; leave it out or set format = \"csv\"".to_owned());
        }
        let binary = schema.fields().iter().find(|field| *field.data_type() == DataType::Binary);
        match binary {
            Some(field) if self.format == FileFormat::Csv => fault(format!(
                "column `{}` is binary, which CSV can't hold; set format = \"jsonl\"",
                field.name()
            )),
            _ => Ok(()),
        }
    }
}

impl Sink for Files {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn guarantee(&self) -> &'static str {
        "a batch's folder appears once, whole or not at all"
    }

    fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        self.check_options(schema)?;
        let (directory, _) = self.split_path()?;
        check_directory(&directory).map_err(|source| failure("write to directory", &directory, source))
    }

    fn open(&self, schema: &SchemaRef) -> Result<Box<dyn Writer>, SinkError> {
        self.check(schema)?;
        let (directory, prefix) = self.split_path()?;
        fs::create_dir_all(&directory).map_err(|source| failure("create directory", &directory, source))?;
        let encoder = Encoder::new(self.format, self.header, schema);
        Ok(Box::new(FilesWriter::new(self, directory, prefix, encoder)))
    }
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> SinkError {
    SinkError::Path { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
