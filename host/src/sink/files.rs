//! Writes each batch to a folder of its own, named by the batch's time: `<prefix>-<ms>[.<suffix>]/part-00000`.
//!
//! A batch is staged in a hidden folder beside, every file and the folder synced, and renamed whole when it is
//! published. So a folder that can be seen is complete, and the same batch run again changes nothing. The disk
//! alone says what is staged or published, so that a new process can publish what the one before it staged.

mod writer;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use serde::Deserialize;

use self::writer::FilesWriter;
use super::encode::{Encoder, RowFormat};
use super::{Delivery, Opening, Sink, SinkError, Writer};
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
    pub format: RowFormat,
    /// Whether each CSV file begins with the names of the columns.
    #[serde(default)]
    pub header: bool,
    /// Whether batches without rows write nothing, rather than a folder with one empty file.
    #[serde(default)]
    pub skip_empty: bool,
}

impl Files {
    /// Text files whose folders' paths begin with `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), suffix: None, format: RowFormat::Text, header: false, skip_empty: false }
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
            _ => Err(SinkError::key(
                "path",
                format!(
                    "`{}` does not end in a name; add what the names of the batches' folders begin with, as in `{}`",
                    self.path.display(),
                    self.path.join("rows").display(),
                ),
            )),
        }
    }

    fn check_options(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        if let Some(suffix) = self.suffix.as_deref()
            && (suffix.is_empty() || suffix.starts_with('.') || suffix.contains('/'))
        {
            let problem = format!(
                "`{suffix}` can't end a name; write it without a dot before it and without `/`, as in `txt`"
            );
            return Err(SinkError::key("suffix", problem));
        }
        self.format.check(self.header, schema)
    }
}

impl Sink for Files {
    fn kind(&self) -> &'static str {
        "files"
    }

    fn delivery(&self) -> Delivery {
        Delivery::Once
    }

    fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    fn check(&self, schema: &SchemaRef) -> Result<(), SinkError> {
        self.check_options(schema)?;
        let (directory, _) = self.split_path()?;
        check_directory(&directory).map_err(|source| failure("write to directory", &directory, source))
    }

    fn open(&self, opening: &Opening) -> Result<Box<dyn Writer>, SinkError> {
        self.check(&opening.schema)?;
        let (directory, prefix) = self.split_path()?;
        fs::create_dir_all(&directory).map_err(|source| failure("create directory", &directory, source))?;
        let encoder = Encoder::new(self.format, self.header, &opening.schema);
        Ok(Box::new(FilesWriter::new(self, directory, prefix, encoder)))
    }
}

fn failure(action: &'static str, path: &Path, source: io::Error) -> SinkError {
    SinkError::Path { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
