//! Which letters were replayed: `PIPELINE.replayed`, a line for each run of letters, such as `1795211633000 12-40`: in
//! the file of that number, the lines from 12 to 40, counted from 1.
//!
//! Lines are only ever added, and synced, once what became of the letters was published. A line that a crash cut short
//! says nothing, so that its letters are replayed again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::files::LetterFile;
use super::write::{lock, mend};
use super::{LetterError, failure};

/// The letters of one pipeline that were replayed: lines by the number of the file.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<i64, Vec<RangeInclusive<u64>>>);

impl Lines {
    /// What is said in `directory` of the letters of `pipeline`.
    pub(super) fn read(directory: &Path, pipeline: &str) -> Result<Self, LetterError> {
        let path = path_in(directory, pipeline);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.map_err(failure("read", &path))?,
        };
        let mut lines = Self::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            if let Some((number, range)) = parse(line) {
                lines.0.entry(number).or_default().push(range);
            }
        }
        lines.0.values_mut().for_each(merge);
        Ok(lines)
    }

    /// Whether `line` of `file` is among them.
    pub(super) fn contain(&self, file: &LetterFile, line: u64) -> bool {
        let ranges = self.0.get(&file.number).map(Vec::as_slice).unwrap_or_default();
        let behind = ranges.partition_point(|range| *range.end() < line);
        ranges.get(behind).is_some_and(|range| range.contains(&line))
    }
}

/// Puts ranges in order, and those that meet together.
fn merge(ranges: &mut Vec<RangeInclusive<u64>>) {
    ranges.sort_by_key(|range| *range.start());
    let mut merged: Vec<RangeInclusive<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges.drain(..) {
        match merged.last_mut() {
            Some(last) if *range.start() <= last.end().saturating_add(1) => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => merged.push(range),
        }
    }
    *ranges = merged;
}

fn parse(line: &str) -> Option<(i64, RangeInclusive<u64>)> {
    let (number, range) = line.split_once(' ')?;
    let (first, last) = range.split_once('-')?;
    Some((number.parse().ok()?, first.parse().ok()?..=last.parse().ok()?))
}

fn path_in(directory: &Path, pipeline: &str) -> PathBuf {
    directory.join(format!("{pipeline}.replayed"))
}

/// Marks letters of a pipeline as replayed. While it is there, no other process can.
#[derive(Debug)]
pub struct Replayed {
    path: PathBuf,
    file: File,
}

impl Replayed {
    /// For the letters of `pipeline` in `directory`.
    pub fn open(directory: &Path, pipeline: &str) -> Result<Self, LetterError> {
        let path = path_in(directory, pipeline);
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let mut file = file.map_err(failure("open", &path))?;
        if !lock(&file) {
            return Err(LetterError::Replaying { path });
        }
        mend(&mut file).map_err(failure("mend", &path))?;
        Ok(Self { path, file })
    }

    /// Marks the letters at `places`: numbers of files, and lines in them. When it returns it is on disk.
    pub fn mark(&mut self, places: &[(i64, u64)]) -> Result<(), LetterError> {
        let mut text = String::new();
        let mut places = places.iter().copied().peekable();
        while let Some((number, first)) = places.next() {
            let mut last = first;
            while let Some((_, line)) = places.next_if_eq(&(number, last.saturating_add(1))) {
                last = line;
            }
            text.push_str(&format!("{number} {first}-{last}\n"));
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(failure("mark letters as replayed in", &self.path))
    }
}
