//! Rows and keys that a plugin fails on: finding them, counting them, and setting them aside.
//!
//! A failed call comes in; out comes which rows or keys fail by themselves, found by halving, or the error that stops
//! the pipeline. All workers of an operator share one `Blame`, so that a batch has one count.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;
use serde::Deserialize;

use super::OperatorError;
use crate::plugin::{Plugin, PluginError};
use crate::record::{BatchTime, DeadLetter, DeadLetterKind, PluginId};

/// How many failed calls one row or key may cost: twice what halving the largest call takes.
const FAILURES_A_UNIT: usize = 48;

/// What becomes of rows on which a plugin fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tolerance {
    /// Whether they are set aside.
    pub on_error: OnError,
    /// How many of them, rows or keys, a batch may have before the pipeline stops.
    pub max_poison: usize,
}

/// What a failed call leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The rows that fail alone become dead letters, and the others go on.
    #[default]
    DeadLetter,
    /// The pipeline stops.
    Stop,
}

impl Tolerance {
    /// The keys in a manifest.
    pub const KEYS: [&str; 2] = ["on_error", "max_poison"];
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { on_error: OnError::default(), max_poison: 100 }
    }
}

/// Why a row or key is set aside.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) kind: DeadLetterKind,
    pub(super) reason: String,
}

/// The failures of one operator's plugin.
pub(super) struct Blame {
    tolerance: Tolerance,
    stream: String,
    plugin: PluginId,
    batch: Mutex<Batch>,
}

/// What happened in the latest batch.
#[derive(Default)]
struct Batch {
    time: Option<BatchTime>,
    num_failures: usize,
    num_poison: usize,
    /// Keys that were set aside before an exchange, as bytes; their rows behind it follow them.
    keys: HashMap<Vec<u8>, Cause>,
}

impl Blame {
    pub(super) fn new(tolerance: Tolerance, stream: &str, plugin: &dyn Plugin) -> Self {
        let batch = Mutex::new(Batch::default());
        Self { tolerance, stream: stream.to_owned(), plugin: plugin.id().clone(), batch }
    }

    /// Counts a failed call, and says why its rows may be to blame. The error stops the pipeline.
    pub(super) fn pardon(&self, time: BatchTime, error: PluginError) -> Result<Cause, OperatorError> {
        let Some(kind) = error.failure.blames_rows().filter(|_| self.tolerance.on_error != OnError::Stop)
        else {
            return Err(error.into());
        };
        let reason = error.failure.to_string();
        let most = FAILURES_A_UNIT.saturating_mul(self.tolerance.max_poison.saturating_add(1));
        self.in_batch(time, |batch| {
            batch.num_failures += 1;
            if batch.num_failures > most {
                return Err(OperatorError::TooManyFailures { calls: most, error: Box::new(error) });
            }
            Ok(Cause { kind, reason })
        })
    }

    /// Which of `units`, rows or keys, fail alone, and why. All of them failed together for `cause`; `attempt`
    /// calls the plugin with some of them.
    pub(super) fn search(
        &self,
        time: BatchTime,
        units: Range<usize>,
        cause: Cause,
        attempt: &mut impl FnMut(Range<usize>) -> Result<(), PluginError>,
    ) -> Result<Vec<(usize, Cause)>, OperatorError> {
        if units.len() <= 1 {
            self.condemn(time, &cause)?;
            return Ok(vec![(units.start, cause)]);
        }
        let mut found = Vec::new();
        let middle = units.start + units.len() / 2;
        for half in [units.start..middle, middle..units.end] {
            if let Err(error) = attempt(half.clone()) {
                let cause = self.pardon(time, error)?;
                found.extend(self.search(time, half, cause, attempt)?);
            }
        }
        Ok(found)
    }

    /// Counts a row or key that is set aside. The error is that there are too many.
    pub(super) fn condemn(&self, time: BatchTime, cause: &Cause) -> Result<(), OperatorError> {
        let max = self.tolerance.max_poison;
        self.in_batch(time, |batch| {
            batch.num_poison += 1;
            if self.tolerance.on_error == OnError::Stop || batch.num_poison > max {
                return Err(OperatorError::TooMuchPoison {
                    plugin: self.plugin.name.clone(),
                    reason: cause.reason.clone(),
                    max,
                });
            }
            Ok(())
        })
    }

    /// Remembers that the rows of `key` were set aside.
    pub(super) fn mark(&self, time: BatchTime, key: &[u8], cause: Cause) {
        self.in_batch(time, |batch| {
            batch.keys.insert(key.to_vec(), cause);
        });
    }

    /// The keys whose rows were set aside.
    pub(super) fn marked(&self, time: BatchTime) -> Vec<(Vec<u8>, Cause)> {
        self.in_batch(time, |batch| {
            batch.keys.iter().map(|(key, cause)| (key.clone(), cause.clone())).collect()
        })
    }

    /// The dead letter of a row.
    pub(super) fn letter(&self, cause: Cause, row: serde_json::Value) -> DeadLetter {
        DeadLetter {
            origin: self.stream.clone(),
            kind: cause.kind,
            reason: cause.reason,
            position: None,
            plugin: Some(self.plugin.clone()),
            input: None,
            row,
        }
    }

    fn in_batch<T>(&self, time: BatchTime, act: impl FnOnce(&mut Batch) -> T) -> T {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        if batch.time != Some(time) {
            *batch = Batch { time: Some(time), ..Batch::default() };
        }
        act(&mut batch)
    }
}

#[cfg(test)]
mod tests;
