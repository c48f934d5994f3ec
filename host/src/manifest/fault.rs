//! What is wrong with a pipeline: where, what, and what to do about it.
//!
//! A `Fault` names its place in the words of the manifest; a `Located` one has the file and the line too.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A place in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A table, such as `streams.words` or `pipeline`; empty where it is the file as a whole.
    pub item: String,
    /// A key in it, such as `from`, or `limits.memory` in a table within.
    pub key: Option<String>,
}

impl Place {
    /// The table `item`.
    pub fn item(item: impl Into<String>) -> Self {
        Self { item: item.into(), key: None }
    }

    /// The key `key` of the table `item`.
    pub fn key(item: impl Into<String>, key: impl Into<String>) -> Self {
        Self { item: item.into(), key: Some(key.into()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) if self.item.is_empty() => f.write_str(key),
            Some(key) => write!(f, "{}.{key}", self.item),
            None => f.write_str(&self.item),
        }
    }
}

/// One thing that is wrong. Prints as `place: problem; remedy`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub problem: String,
    /// What to do; may be empty where the problem says it.
    pub remedy: String,
}

impl Fault {
    /// `problem` at `place`, and what to do.
    pub fn new(place: Place, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place, problem: problem.into(), remedy: remedy.into() }
    }

    /// The message of an error at `place`: up to the first `; ` it is the problem, from there on the remedy.
    pub fn from_message(place: Place, message: &str) -> Self {
        let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.split_once("; ") {
            Some((problem, remedy)) => Self::new(place, problem, remedy),
            None => Self::new(place, line, ""),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.to_string();
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.problem)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// A fault with its file and line. Prints as `pipeline.toml:12: place: problem; remedy`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Located {
    /// The manifest, where it came from a file.
    pub file: Option<PathBuf>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        self.fault.fmt(f)
    }
}

/// Why a manifest does not give a pipeline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file can't be read.
    #[error("cannot read the manifest {}: {source}; check the path", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it says is wrong.
    #[error(transparent)]
    Wrong(#[from] Box<Located>),
}
