//! Batches of the past that a running pipeline can be asked for: Spark's `slice`, of streams that are remembered.

use std::collections::HashMap;

use super::StreamHandle;
use crate::record::{BatchTime, Interval};
use crate::sink::{Remember, TimedBatch};

/// A stream whose batches are asked for is not remembered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batches of `{stream}` are not kept; call `remember` for it before the start")]
pub struct NotRemembered {
    stream: String,
}

/// The streams of a run that are remembered.
#[derive(Default)]
pub(super) struct Slices {
    remembered: HashMap<String, Remember>,
    pace: Pace,
}

/// When there are batches.
#[derive(Default)]
pub(super) struct Pace {
    /// The time of the batch before the first, in milliseconds.
    pub(super) zero: i64,
    /// The milliseconds from one batch to the next, stream by stream.
    pub(super) slides: HashMap<String, i64>,
}

impl Pace {
    /// Of streams each with a batch every so many `interval`s.
    pub(super) fn new<'a>(
        zero: BatchTime,
        interval: Interval,
        streams: impl Iterator<Item = (&'a String, u64)>,
    ) -> Self {
        let slide =
            |every: u64| interval.millis().saturating_mul(i64::try_from(every.max(1)).unwrap_or(i64::MAX));
        let slides = streams.map(|(name, every)| (name.clone(), slide(every))).collect();
        Self { zero: zero.millis(), slides }
    }
}

impl Slices {
    pub(super) fn new(remembered: HashMap<String, Remember>, pace: Pace) -> Self {
        Self { remembered, pace }
    }

    /// The batches of `stream` from `from`, or the last one before it, to `to`, as far as they are still there.
    pub(super) fn of(
        &self,
        stream: &StreamHandle,
        from: BatchTime,
        to: BatchTime,
    ) -> Result<Vec<TimedBatch>, NotRemembered> {
        let name = stream.name();
        let found = self.remembered.get(name).zip(self.pace.slides.get(name));
        let (remembered, slide) = found.ok_or_else(|| NotRemembered { stream: name.to_owned() })?;
        let beyond = from.millis().saturating_sub(self.pace.zero).rem_euclid(*slide);
        let floor = BatchTime::from_millis(from.millis().saturating_sub(beyond));
        Ok(remembered.between(floor, to))
    }
}
