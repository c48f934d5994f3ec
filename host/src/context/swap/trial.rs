//! The trial of a new version: whether it does worse than the one before on the first rows that it is given.

use std::collections::HashSet;

use super::shared::{Change, Next, Running};
use crate::record::DeadLetterKind;
use crate::schedule::{JobResult, TaskError};

/// New versions that have yet to see rows, and what runs again where they fail.
pub(super) struct Trial {
    /// What ran before, with all versions that have seen rows.
    pub(super) before: Running,
    pub(super) changes: Vec<Change>,
    /// The streams that call them and have yet to be given rows.
    unproven: HashSet<String>,
    calling: HashSet<String>,
    reached: HashSet<String>,
    /// Whether the version before has states of its own.
    is_apart: bool,
}

/// What became of the rows of a batch in the streams that new versions reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Given to the streams that call them.
    rows: usize,
    refused: usize,
    failed: usize,
    /// Why the first row failed.
    reason: String,
}

impl Trial {
    /// Of `next`, in whose place `before` may run.
    pub(super) fn new(before: Running, next: &Next) -> Self {
        Self {
            before,
            changes: next.changes.clone(),
            unproven: next.calling.clone(),
            calling: next.calling.clone(),
            reached: next.reached.clone(),
            is_apart: !next.migrations.is_empty(),
        }
    }

    /// Whether the version before has states of its own, which don't change with those of the new one.
    pub(super) const fn is_apart(&self) -> bool {
        self.is_apart
    }

    /// More versions, before those on trial have seen rows.
    pub(super) fn extend(&mut self, next: &Next) {
        for change in &next.changes {
            match self.changes.iter_mut().find(|other| other.plugin == change.plugin) {
                Some(other) => {
                    let (from, spec_before) = (other.from.clone(), other.spec_before.clone());
                    *other = Change { from, spec_before, ..change.clone() };
                }
                None => self.changes.push(change.clone()),
            }
        }
        self.unproven.extend(next.calling.iter().cloned());
        self.calling.extend(next.calling.iter().cloned());
        self.reached.extend(next.reached.iter().cloned());
        self.is_apart |= !next.migrations.is_empty();
    }

    /// Notes which streams were given rows. Answers whether all were.
    pub(super) fn is_proven_by(&mut self, result: &JobResult) -> bool {
        self.unproven.retain(|stream| result.num_stream_rows.get(stream).is_none_or(|rows| *rows == 0));
        self.unproven.is_empty()
    }

    /// Whether the batch has to run on the version before, to see whether that does better.
    pub(super) fn is_suspicious(&self, result: &Result<JobResult, TaskError>) -> bool {
        match result {
            Ok(result) => {
                let tally = self.tally(result);
                tally.failed > 0 || is_above(tally.refused, tally.rows, self.max_rise())
            }
            // A source fails whatever reads it.
            Err(TaskError::Source(_)) => false,
            Err(_) => true,
        }
    }

    /// What the new versions did worse than those before did on the same batch.
    pub(super) fn worse(&self, new: &Result<JobResult, TaskError>, old: &JobResult) -> Option<String> {
        let new = match new {
            Ok(result) => self.tally(result),
            Err(error) => return Some(error.to_string()),
        };
        let old = self.tally(old);
        if new.failed > old.failed {
            let rows = new.failed - old.failed;
            return Some(format!(
                "it fails on {rows} of {} rows that the version before takes: {}",
                new.rows, new.reason
            ));
        }
        let more = new.refused.saturating_sub(old.refused);
        let (most, rows) = (self.max_rise(), new.rows);
        is_above(more, rows, most).then(|| {
            format!("it refuses {more} of {rows} rows that the version before takes, and `max_reject_rise` is {most}")
        })
    }

    fn max_rise(&self) -> f64 {
        self.changes.iter().map(|change| change.max_reject_rise).fold(1.0, f64::min)
    }

    fn tally(&self, result: &JobResult) -> Tally {
        let given = |stream: &String| result.num_stream_rows.get(stream);
        let mut tally = Tally { rows: self.calling.iter().filter_map(given).sum(), ..Tally::default() };
        for letter in result.dead.iter().filter(|letter| self.reached.contains(&letter.origin)) {
            if letter.kind == DeadLetterKind::Reject {
                tally.refused += 1;
                continue;
            }
            if tally.failed == 0 {
                tally.reason.clone_from(&letter.reason);
            }
            tally.failed += 1;
        }
        tally
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share needn't be exact")]
fn is_above(part: usize, whole: usize, share: f64) -> bool {
    part as f64 > whole as f64 * share
}
