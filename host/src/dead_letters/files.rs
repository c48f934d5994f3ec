//! The options of files of dead letters, and the names of the files.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{LetterError, failure};
use crate::disk::check_directory;
use crate::record::Bytes;

/// Where dead letters are kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterFiles {
    /// The directory.
    pub path: PathBuf,
    /// What a file may hold before the next one begins.
    #[serde(default = "default_max_file")]
    pub max_file: Bytes,
    /// How many files are kept, the one that is being written among them; all where none is given.
    pub keep: Option<NonZeroUsize>,
}

fn default_max_file() -> Bytes {
    Bytes::mib(64)
}

/// Smaller files would be a file a letter.
const LEAST_MAX_FILE: Bytes = Bytes(1 << 10);

impl LetterFiles {
    /// All letters, in files in `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), max_file: default_max_file(), keep: None }
    }

    /// Makes a relative path start at `base`.
    pub fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    /// Finds what can be known to be wrong before anything is written.
    pub fn check(&self) -> Result<(), LetterError> {
        if self.max_file < LEAST_MAX_FILE {
            let problem = format!("`max_file` must be at least {LEAST_MAX_FILE}");
            return Err(LetterError::Option(problem));
        }
        check_directory(&self.path).map_err(failure("write to directory", &self.path))
    }
}

/// A file of letters, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LetterFile {
    pub(super) pipeline: String,
    /// The time of the first batch in it in milliseconds, or where a file before has that one, a number above it.
    pub(super) number: i64,
}

impl LetterFile {
    /// Its name. What a pipeline may be called has no dot, so that names can be taken apart.
    pub(super) fn name(&self) -> String {
        format!("{}.{}.jsonl", self.pipeline, self.number)
    }

    fn from_name(name: &str) -> Option<Self> {
        let (pipeline, number) = name.strip_suffix(".jsonl")?.split_once('.')?;
        Some(Self { pipeline: pipeline.to_owned(), number: number.parse().ok()? })
    }
}

/// The files of letters in `directory`, of one pipeline or of all, in the order in which they were written.
pub(super) fn list(directory: &Path, pipeline: Option<&str>) -> Result<Vec<LetterFile>, LetterError> {
    let failed = failure("list", directory);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(&failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(&failed)?.file_name();
        files.extend(name.to_str().and_then(LetterFile::from_name));
    }
    files.retain(|file| pipeline.is_none_or(|pipeline| file.pipeline == pipeline));
    files.sort();
    Ok(files)
}
