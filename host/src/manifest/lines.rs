//! On which line of a manifest each table and key stands.

use std::collections::HashMap;

use toml::de::{DeTable, DeValue};

use super::fault::Place;

/// Lines, counted from 1, by dotted path.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(HashMap<String, usize>);

impl Lines {
    /// Of every key in `root`, which was parsed from `text`.
    pub(super) fn new(text: &str, root: &DeTable<'_>) -> Self {
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        let mut lines = Self::default();
        lines.add(&ends, root, "");
        lines
    }

    fn add(&mut self, line_ends: &[usize], table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            let line = line_ends.partition_point(|end| *end < key.span().start) + 1;
            let key = key.get_ref();
            let path = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
            if let DeValue::Table(table) = value.get_ref() {
                self.add(line_ends, table, &path);
            }
            self.0.insert(path, line);
        }
    }

    /// The line of `place`, or of the innermost table around it that has one.
    pub(super) fn of(&self, place: &Place) -> Option<usize> {
        let path = place.to_string();
        let mut path = path.as_str();
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = path.rsplit_once('.')?.0;
        }
    }
}

/// The line of the byte at `offset`.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    memchr::memchr_iter(b'\n', before).count() + 1
}
