//! A watched directory: every file that appears in it is read once.
//!
//! Comes in: files, moved in whole. Goes out: at each batch time, splits over the new files, as far as there is room for
//! them. Which files are new is `Selection`'s business, how far they are read that of `Backlog`, how they are cut and read
//! that of `split`. The same files and the same room give the same splits and the same rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::backlog::{Backlog, Unread};
use super::format::{DEFAULT_MAX_LINE, Encoding, Format};
use super::selection::{Progress, Selection, Wanted};
use super::split::{Borders, FileSplit, cut};
use super::{
    Extent, Opening, Position, Reader, Recovery, Replayable, Room, Source, SourceError, Split, check_max_rate,
};
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
    /// The most rows a second to read, about; what there is no room for is read later.
    pub max_rate: Option<u64>,
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
            max_rate: None,
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

    fn recovery(&self) -> Recovery {
        Recovery::ReadAgain { from_start: self.existing }
    }

    fn max_rows_per_second(&self) -> Option<u64> {
        self.max_rate
    }

    fn resolve(&mut self, base: &Path) {
        self.path = base.join(&self.path);
    }

    fn check(&self) -> Result<(), SourceError> {
        self.encoding().check()?;
        self.pattern()?;
        check_max_rate(self.max_rate)?;
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
        let mut selection = Selection::open(self.path.clone(), pattern, wanted, opening.time, self.remember)?;
        let mut backlog = Backlog::default();
        if let Some(position) = &opening.position {
            let DirectoryPosition { selected, unread } = position.read()?;
            selection.resume(selected);
            backlog.resume(&self.path, unread);
        }
        Ok(Reader::Replayable(Box::new(Watched {
            selection,
            backlog,
            encoding: self.encoding(),
            origin: opening.name.clone(),
            extent: opening.extent,
            num_cuts: 0,
            selected: None,
            position: opening.position.clone(),
        })))
    }
}

/// A directory that is being read.
struct Watched {
    selection: Selection,
    backlog: Backlog,
    encoding: Encoding,
    origin: String,
    extent: Extent,
    num_cuts: u64,
    /// Which files were selected, when some were last.
    selected: Option<Progress>,
    /// How far it was read; none where that changed.
    position: Option<Position>,
}

/// How far a directory was read.
#[derive(Serialize, Deserialize)]
struct DirectoryPosition {
    #[serde(flatten)]
    selected: Progress,
    /// Files that were selected, as far as they are still to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread>,
}

impl Replayable for Watched {
    fn cut(
        &mut self,
        time: BatchTime,
        num_splits: usize,
        room: Room,
    ) -> Result<Vec<Arc<dyn Split>>, SourceError> {
        if self.num_cuts == 0 || self.extent == Extent::Endless {
            let files = self.selection.take(time)?;
            if !files.is_empty() || self.position.is_none() {
                (self.selected, self.position) = (Some(self.selection.progress()), None);
            }
            self.backlog.add(files);
        }
        self.num_cuts += 1;
        // A quoted value may hold line ends, so that nobody can tell from the middle of a csv file where a
        // record begins.
        let borders = if self.encoding.format == Format::Csv { Borders::Files } else { Borders::Lines };
        let pieces = self.backlog.take(room.num_bytes, borders)?;
        if !pieces.is_empty() {
            self.position = None;
        }
        let splits = cut(&pieces, num_splits, borders)?.into_iter().map(|pieces| {
            Arc::new(FileSplit { pieces, encoding: self.encoding.clone(), origin: self.origin.clone() })
                as Arc<dyn Split>
        });
        Ok(splits.collect())
    }

    fn has_more(&self) -> bool {
        !self.backlog.is_empty()
    }

    fn position(&mut self) -> Option<Position> {
        if self.position.is_none() {
            let selected = self.selected.get_or_insert_with(|| self.selection.progress()).clone();
            self.position = Position::new(&DirectoryPosition { selected, unread: self.backlog.unread() });
        }
        self.position.clone()
    }

    fn is_finished(&self) -> bool {
        self.extent == Extent::Available && self.num_cuts > 0 && self.backlog.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use tempfile::TempDir;

    use super::super::testing::Collected;
    use super::*;

    const START: i64 = 1_700_000_000_000;

    fn at(seconds: i64) -> BatchTime {
        BatchTime::from_millis(START + seconds * 1000)
    }

    /// Writes a file whose last change was that long after the start.
    fn write(dir: &TempDir, name: &str, text: &str, after_start: Duration) {
        write_at(dir, name, text, SystemTime::UNIX_EPOCH + Duration::from_millis(START as u64) + after_start);
    }

    fn write_old(dir: &TempDir, name: &str, age: Duration) {
        write_at(dir, name, "old", SystemTime::UNIX_EPOCH + Duration::from_millis(START as u64) - age);
    }

    fn write_at(dir: &TempDir, name: &str, text: &str, modified: SystemTime) {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }

    fn open(source: &Directory, extent: Extent) -> Box<dyn Replayable> {
        let opening = Opening { name: "source".to_owned(), time: at(0), extent, position: None };
        match source.open(&opening).unwrap() {
            Reader::Replayable(replayable) => replayable,
            Reader::Receiver(_) => panic!("a directory can be replayed"),
        }
    }

    fn watch(dir: &TempDir) -> Box<dyn Replayable> {
        open(&Directory::new(dir.path()), Extent::Endless)
    }

    fn lines(replayable: &mut Box<dyn Replayable>, time: BatchTime) -> Vec<String> {
        read(replayable, time).lines()
    }

    fn read(replayable: &mut Box<dyn Replayable>, time: BatchTime) -> Collected {
        let mut blocks = Vec::new();
        for split in replayable.cut(time, 4, Room::ENDLESS).unwrap() {
            split
                .read(&mut |block| {
                    blocks.push(block);
                    Ok(())
                })
                .unwrap();
        }
        Collected { blocks }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn new_files_are_taken_once_in_the_order_of_their_change() {
        let dir = TempDir::new().unwrap();
        write_old(&dir, "old", SECOND);
        let mut watched = watch(&dir);
        write(&dir, "b", "first", SECOND);
        write(&dir, "a", "second", 2 * SECOND);
        write(&dir, "c", "third", 2 * SECOND);
        write(&dir, "later", "fourth", 4 * SECOND);
        assert_eq!(lines(&mut watched, at(3)), ["first", "second", "third"]);
        assert_eq!(lines(&mut watched, at(4)), ["fourth"]);
        write(&dir, "b", "changed", 5 * SECOND);
        assert!(lines(&mut watched, at(6)).is_empty());
    }

    #[test]
    fn a_file_counts_from_the_first_nanosecond_after_the_start() {
        let dir = TempDir::new().unwrap();
        write(&dir, "at", "at the start", Duration::ZERO);
        write(&dir, "after", "after the start", Duration::from_nanos(1));
        let mut watched = watch(&dir);
        assert_eq!(lines(&mut watched, at(1)), ["after the start"]);
        // Stamped by a clock that is a tick behind.
        write_old(&dir, "tick", Duration::from_millis(4));
        write_old(&dir, "moved", Duration::from_millis(40));
        assert_eq!(lines(&mut watched, at(2)), ["old"]);
    }

    #[test]
    fn a_file_that_changed_at_the_batch_time_belongs_to_it() {
        let dir = TempDir::new().unwrap();
        let mut watched = watch(&dir);
        write(&dir, "at", "at", SECOND);
        write(&dir, "after", "after", SECOND + Duration::from_nanos(1));
        assert_eq!(lines(&mut watched, at(1)), ["at"]);
        assert_eq!(lines(&mut watched, at(2)), ["after"]);
    }

    #[test]
    fn a_rename_is_seen_with_its_own_time_within_the_remembered_window() {
        let dir = TempDir::new().unwrap();
        let mut watched = watch(&dir);
        write(&dir, ".staged", "staged", SECOND);
        write(&dir, ".stale", "stale", SECOND);
        assert!(lines(&mut watched, at(2)).is_empty());
        std::fs::rename(dir.path().join(".staged"), dir.path().join("staged")).unwrap();
        assert_eq!(lines(&mut watched, at(60)), ["staged"]);
        std::fs::rename(dir.path().join(".stale"), dir.path().join("stale")).unwrap();
        assert!(lines(&mut watched, at(61)).is_empty());
    }

    #[test]
    fn no_file_is_lost_when_a_batch_comes_late() {
        let dir = TempDir::new().unwrap();
        let mut watched = watch(&dir);
        assert!(lines(&mut watched, at(1)).is_empty());
        write(&dir, "a", "a", 2 * SECOND);
        assert_eq!(lines(&mut watched, at(1000)), ["a"]);
        assert!(lines(&mut watched, at(1001)).is_empty());
    }

    #[test]
    fn existing_files_are_taken_where_they_are_wanted() {
        let dir = TempDir::new().unwrap();
        write_old(&dir, "old", 1_000_000 * SECOND);
        let mut watched = open(&Directory { existing: true, ..Directory::new(dir.path()) }, Extent::Endless);
        assert_eq!(lines(&mut watched, at(1)), ["old"]);
        assert!(lines(&mut watched, at(2)).is_empty());
        assert!(lines(&mut watched, at(100)).is_empty());
    }

    #[test]
    fn what_is_available_is_taken_at_once_whatever_the_clock_says() {
        let dir = TempDir::new().unwrap();
        write_old(&dir, "old", SECOND);
        write(&dir, "future", "future", 1000 * SECOND);
        let mut watched = open(&Directory::new(dir.path()), Extent::Available);
        assert!(!watched.is_finished());
        assert_eq!(lines(&mut watched, at(1)), ["old", "future"]);
        assert!(watched.is_finished());
        assert!(lines(&mut watched, at(2)).is_empty());
    }

    #[test]
    fn files_that_changed_together_come_by_name_and_empty_ones_count_as_taken() {
        let dir = TempDir::new().unwrap();
        write_old(&dir, "z", SECOND);
        let mut watched = open(&Directory { existing: true, ..Directory::new(dir.path()) }, Extent::Endless);
        for name in ["c", "a", "b"] {
            write(&dir, name, name, SECOND);
        }
        write(&dir, "empty", "", SECOND);
        assert_eq!(lines(&mut watched, at(1)), ["old", "a", "b", "c"]);
        write(&dir, "empty", "filled too late", 2 * SECOND);
        assert!(lines(&mut watched, at(2)).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_set_aside_under_the_name_of_its_file() {
        let dir = TempDir::new().unwrap();
        let schema = Some(serde_json::from_str(r#"{ "id": "int64" }"#).unwrap());
        let source = Directory { format: Format::Csv, schema, header: true, ..Directory::new(dir.path()) };
        let mut watched = open(&source, Extent::Available);
        write(&dir, "a.csv", "id\n1\nx\n", SECOND);
        write(&dir, "b.csv", "id\ny\n2", SECOND);
        let collected = read(&mut watched, at(1));
        assert_eq!(collected.rows().len(), 2);
        let expected = [("a.csv:3", "x"), ("b.csv:2", "y")].map(|(place, line)| {
            (place.to_owned(), format!("column `id`: `{line}` is no int64"), line.to_owned())
        });
        assert_eq!(collected.refused(), expected);
        assert!(collected.dead().iter().all(|letter| letter.origin == "source"));
    }

    #[test]
    fn only_files_whose_names_fit_are_taken() {
        let dir = TempDir::new().unwrap();
        let mut watched =
            open(&Directory { glob: "*.log".into(), ..Directory::new(dir.path()) }, Extent::Endless);
        write(&dir, "a.log", "a", SECOND);
        write(&dir, "_b.log", "b", SECOND);
        write(&dir, ".c.log", "c", SECOND);
        write(&dir, "d.txt", "d", SECOND);
        std::fs::create_dir(dir.path().join("e.log")).unwrap();
        assert_eq!(lines(&mut watched, at(2)), ["b", "a"]);
    }

    #[test]
    fn a_directory_that_is_not_there_or_vanishes_is_named() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("in");
        let missing = Directory::new(&path).check().unwrap_err().to_string();
        assert!(missing.starts_with("cannot list ") && missing.contains("/in"), "{missing}");
        std::fs::create_dir(&path).unwrap();
        let mut watched = open(&Directory::new(&path), Extent::Endless);
        std::fs::remove_dir(&path).unwrap();
        match watched.cut(at(1), 4, Room::ENDLESS) {
            Err(SourceError::Path { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{:?}", other.map(|splits| splits.len())),
        }
        // When it is back it is read again.
        std::fs::create_dir(&path).unwrap();
        assert!(lines(&mut watched, at(2)).is_empty());
    }

    #[test]
    fn options_out_of_range_are_refused() {
        let dir = TempDir::new().unwrap();
        assert!(Directory { glob: "[".into(), ..Directory::new(dir.path()) }.check().is_err());
        assert!(Directory { remember: Period::millis(5), ..Directory::new(dir.path()) }.check().is_err());
        let written = r#"{ "path": "in", "format": "csv", "schema": { "id": "int64" }, "separator": ";" }"#;
        let mut source: Directory = serde_json::from_str(written).unwrap();
        source.resolve(Path::new("/base"));
        assert_eq!(source.path, Path::new("/base/in"));
        assert!(serde_json::from_str::<Directory>(r#"{ "path": "in", "patern": "x" }"#).is_err());
    }
}
