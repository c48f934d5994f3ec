//! A watched directory: every file that appears in it is read once.
//!
//! Comes in: files, moved in whole. Goes out: at each batch time, splits over the new files. Which files are
//! new is `Selection`'s business, how they are cut and read is that of `split`. The same files give the same
//! splits and the same rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use glob::Pattern;
use serde::Deserialize;

use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::selection::{Selection, Wanted};
use super::split::{Borders, FileSplit, cut};
use super::{Extent, Opening, Reader, Replayable, Source, SourceError, Split};
use crate::record::{BatchTime, Bytes, DeclaredSchema, Period};

/// Reads the files that appear in a directory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// The directory. What lies in folders within it is not read.
    pub path: PathBuf,
    /// What the names of files must match. Names that begin with a dot never do.
    #[serde(default = "any_name")]
    pub glob: String,
    /// What the files hold.
    #[serde(default)]
    pub format: Format,
    /// The columns of csv and jsonl.
    pub schema: Option<DeclaredSchema>,
    /// Whether each csv file begins with the names of its columns.
    #[serde(default)]
    pub header: bool,
    /// What stands between the values of csv; a comma where none is given.
    pub separator: Option<char>,
    /// Whether to begin with the files that are there at the start.
    #[serde(default)]
    pub existing: bool,
    /// How long a file may take from its last change to its appearance, and still be taken.
    #[serde(default = "default_remember")]
    pub remember: Period,
    /// The longest line; longer ones become dead letters.
    #[serde(default = "default_max_line")]
    pub max_line: Bytes,
}

fn any_name() -> String {
    "*".to_owned()
}

fn default_remember() -> Period {
    Period(Duration::from_secs(60))
}

fn default_max_line() -> Bytes {
    DEFAULT_MAX_LINE
}

const LEAST_REMEMBER: Period = Period(Duration::from_secs(1));

impl Directory {
    /// Reads new text files from `path`; the fields hold the defaults of a manifest and may be set.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            glob: any_name(),
            format: Format::Text,
            schema: None,
            header: false,
            separator: None,
            existing: false,
            remember: default_remember(),
            max_line: DEFAULT_MAX_LINE,
        }
    }

    fn encoding(&self) -> Encoding {
        Encoding {
            format: self.format,
            schema: self.schema.clone(),
            header: self.header,
            separator: self.separator,
            max_line: self.max_line,
        }
    }

    fn pattern(&self) -> Result<Pattern, SourceError> {
        Pattern::new(&self.glob).map_err(|error| {
            SourceError::Option(format!("`glob` is not a pattern: {error}; write for example \"*.csv\""))
        })
    }
}

impl Source for Directory {
    fn kind(&self) -> &'static str {
        "directory"
    }

    fn schema(&self) -> SchemaRef {
        self.encoding().schema()
    }

    fn guarantee(&self) -> &'static str {
        "replayable: the files of an unfinished batch are read again"
    }

    fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    fn check(&self) -> Result<(), SourceError> {
        self.encoding().check()?;
        self.pattern()?;
        if self.remember < LEAST_REMEMBER {
            return Err(SourceError::Option(format!("`remember` must be at least {LEAST_REMEMBER}")));
        }
        match std::fs::read_dir(&self.path) {
            Ok(_) => Ok(()),
            Err(source) => Err(SourceError::Path { action: "list", path: self.path.clone(), source }),
        }
    }

    fn open(&self, opening: &Opening) -> Result<Reader, SourceError> {
        self.check()?;
        let wanted = match opening.extent {
            Extent::Available => Wanted::Everything,
            Extent::Endless if self.existing => Wanted::Existing,
            Extent::Endless => Wanted::New,
        };
        let pattern = self.pattern()?;
        Ok(Reader::Replayable(Box::new(Watched {
            selection: Selection::open(self.path.clone(), pattern, wanted, opening.time, self.remember)?,
            encoding: self.encoding(),
            origin: opening.name.clone(),
            extent: opening.extent,
            num_cuts: 0,
        })))
    }
}

/// A directory that is being read.
struct Watched {
    selection: Selection,
    encoding: Encoding,
    origin: String,
    extent: Extent,
    num_cuts: u64,
}

impl Replayable for Watched {
    fn cut(&mut self, time: BatchTime, num_splits: usize) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        if self.is_finished() {
            return Ok(Vec::new());
        }
        let files = self.selection.take(time)?;
        self.num_cuts += 1;
        // A quoted value may hold line ends, so that nobody can tell from the middle of a csv file where a
        // record begins.
        let borders = if self.encoding.format == Format::Csv { Borders::Files } else { Borders::Lines };
        let splits = cut(&files, num_splits, borders)?.into_iter().map(|pieces| {
            Arc::new(FileSplit { pieces, encoding: self.encoding.clone(), origin: self.origin.clone() })
                as Arc<dyn Split>
        });
        Ok(splits.collect())
    }

    fn is_finished(&self) -> bool {
        self.extent == Extent::Available && self.num_cuts > 0
    }
}
