//! Which files of a directory belong to a batch.
//!
//! A file is taken once: when its name fits, its last change is after the start and not after the batch time,
//! and it was not taken before. Names are remembered for a window of time; files older than the window are
//! ignored, but never files that changed since the batch before. Files come ordered by change and name.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::SourceError;
use crate::record::{BatchTime, Period};

/// Which files count, by the time they were there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that changed after the start.
    New,
    /// Also those that are there at the start.
    Existing,
    /// All that are there, whatever the clock says of them.
    Everything,
}

/// A file that was selected, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its last change.
    pub modified: Nanos,
    /// Its name in the directory.
    pub name: OsString,
    /// Where it is.
    pub path: PathBuf,
    /// Its length; what is appended later is not seen.
    pub num_bytes: u64,
}

/// Nanoseconds since the Unix epoch, up to the year 2262: as fine as file systems keep times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Nanos(i64);

impl Nanos {
    const EARLIEST: Self = Self(i64::MIN);

    fn before(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(length)))
    }
}

fn nanos(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

impl From<BatchTime> for Nanos {
    fn from(time: BatchTime) -> Self {
        Self(time.millis().saturating_mul(1_000_000))
    }
}

impl From<SystemTime> for Nanos {
    fn from(time: SystemTime) -> Self {
        Self(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => nanos(after),
            Err(before) => -nanos(before.duration()),
        })
    }
}

/// Which files of a directory were selected.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// Files that did not change after it are old, in nanoseconds since the Unix epoch.
    start: Nanos,
    /// Files that did not change after it are taken or old, in nanoseconds since the Unix epoch.
    forgotten: Nanos,
    /// The time of the last batch, in milliseconds since the Unix epoch.
    last: Option<i64>,
    /// The files taken lately, with the time of their batch.
    taken: Vec<(Name, Nanos)>,
}

/// A name of a file, readable where it can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// Where it is text.
    Text(String),
    /// Where it is none.
    Bytes(OsString),
}

impl From<OsString> for Name {
    fn from(name: OsString) -> Self {
        name.into_string().map_or_else(Self::Bytes, Self::Text)
    }
}

impl From<Name> for OsString {
    fn from(name: Name) -> Self {
        match name {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => bytes,
        }
    }
}

/// Selects the files of one batch after the other.
pub struct Selection {
    path: PathBuf,
    pattern: Pattern,
    wanted: Wanted,
    /// Files that did not change after it are old.
    start: Nanos,
    remember: Period,
    /// Files taken up to here are not remembered by name: what did not change after it is old.
    forgotten: Nanos,
    last: Option<BatchTime>,
    /// The files taken, with the time of their batch.
    taken: HashMap<OsString, Nanos>,
}

/// Kernels stamp files with the time of their last tick, up to this long ago. A file written right after the
/// start may therefore seem a little older than it.
const CLOCK_TICK: Duration = Duration::from_millis(10);

impl Selection {
    /// For the files of `path` whose names match `pattern`, starting at `start`.
    pub fn open(
        path: PathBuf,
        pattern: Pattern,
        wanted: Wanted,
        start: BatchTime,
        remember: Period,
    ) -> Result<Self, SourceError> {
        let start = Nanos::from(start);
        let since = if wanted == Wanted::New { start.before(CLOCK_TICK) } else { Nanos::EARLIEST };
        let mut selection = Self {
            path,
            pattern,
            wanted,
            start: since,
            remember,
            forgotten: Nanos::EARLIEST,
            last: None,
            taken: HashMap::new(),
        };
        if wanted == Wanted::New {
            // What is there now within the tick is old; what appears within it later is new.
            let old =
                selection.list()?.into_iter().filter(|file| file.modified > since && file.modified <= start);
            selection.taken = old.map(|file| (file.name, start)).collect();
        }
        Ok(selection)
    }

    /// Goes on from where another selection was.
    pub fn resume(&mut self, progress: Progress) {
        let Progress { start, forgotten, last, taken } = progress;
        self.start = start;
        self.forgotten = forgotten;
        self.last = last.map(BatchTime::from_millis);
        self.taken = taken.into_iter().map(|(name, time)| (name.into(), time)).collect();
    }

    /// Which files were selected, so that another selection can go on from there. As it was told when files were taken
    /// last, it is good for later times too.
    pub fn progress(&self) -> Progress {
        let mut taken: Vec<_> =
            self.taken.iter().map(|(name, time)| (Name::from(name.clone()), *time)).collect();
        taken.sort();
        let last = self.last.map(BatchTime::millis);
        Progress { start: self.start, forgotten: self.forgotten, last, taken }
    }

    /// The files of the batch at `time`, in order.
    pub fn take(&mut self, time: BatchTime) -> Result<Vec<Found>, SourceError> {
        let (after, until) = (self.threshold(time), Nanos::from(time));
        let mut files = self.list()?;
        if self.wanted == Wanted::Everything {
            files.retain(|file| file.modified > self.forgotten);
        } else {
            files.retain(|file| file.modified > after && file.modified <= until);
            // Names at or before the threshold need not be remembered: it shuts their files out.
            self.forgotten = self.forgotten.max(after);
        }
        files.retain(|file| !self.taken.contains_key(&file.name));
        files.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        let forgotten = self.forgotten;
        self.taken.retain(|_, taken| *taken > forgotten);
        self.taken.extend(files.iter().map(|file| (file.name.clone(), until)));
        self.last = Some(time);
        Ok(files)
    }

    /// The time that a file must have changed after. It never passes the batch before, so that no file is lost
    /// when batches come late.
    fn threshold(&self, time: BatchTime) -> Nanos {
        match self.last {
            Some(last) => self.start.max(Nanos::from(time).before(self.remember.0).min(last.into())),
            None if self.wanted == Wanted::New => self.start,
            None => Nanos::EARLIEST,
        }
    }

    /// All files whose names fit.
    fn list(&self) -> Result<Vec<Found>, SourceError> {
        let failed = |source| SourceError::Path { action: "list", path: self.path.clone(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let text = name.to_string_lossy();
            if !text.starts_with('.') && self.pattern.matches(&text) {
                files.extend(self.look_at(name)?);
            }
        }
        Ok(files)
    }

    /// The file of that name; none where it is no file, or gone before it could be looked at.
    fn look_at(&self, name: OsString) -> Result<Option<Found>, SourceError> {
        let path = self.path.join(&name);
        let failed = |source| SourceError::Path { action: "look at", path: path.clone(), source };
        let metadata = match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        if !metadata.is_file() {
            return Ok(None);
        }
        let modified = metadata.modified().map_err(failed)?.into();
        Ok(Some(Found { modified, name, path, num_bytes: metadata.len() }))
    }
}
