//! The rates of a run: how many rows each batch may take of each source, and what is learnt from it.

use std::sync::Arc;
use std::time::Duration;

use super::inputs::Reach;
use crate::batch::rate::{Limiter, Load, RateControl, RateError, RateOptions, SourceLoad};
use crate::metrics::RateMetrics;
use crate::record::{BatchTime, Interval};
use crate::source::{Room, Source, Split};

/// How many bytes a row is taken to have before any was read: few, so that the first batch is rather too small.
const SHORT_ROW: f64 = 16.0;

/// The rates of all sources, in the order of the inputs.
pub(super) struct Rates {
    interval: Interval,
    control: Option<Box<dyn RateControl>>,
    sources: Vec<SourceRate>,
    /// The batch before.
    last: Option<BatchTime>,
}

struct SourceRate {
    limiter: Limiter,
    /// Bytes of a row, by those of late; none before any was read.
    row_bytes: Option<f64>,
    /// What the batch that runs has of it.
    has_more: bool,
    splits: Vec<Arc<dyn Split>>,
    metrics: RateMetrics,
}

impl Rates {
    /// Rates by `options`, for `sources` with the handles of what is measured of them.
    pub(super) fn new<'a>(
        options: &RateOptions,
        interval: Interval,
        sources: impl Iterator<Item = (&'a dyn Source, RateMetrics)>,
    ) -> Result<Self, RateError> {
        let first = options.first_rate();
        let sources = sources.map(|(source, metrics)| SourceRate {
            limiter: Limiter::new(interval, first, source.max_rows_per_second()),
            row_bytes: None,
            has_more: false,
            splits: Vec::new(),
            metrics,
        });
        let sources: Vec<SourceRate> = sources.collect();
        sources.iter().for_each(SourceRate::show);
        let control = options.control(interval, sources.len())?;
        Ok(Self { interval, control, sources, last: None })
    }

    /// Begins the batch of time `time`; answers how many intervals it comes after the one before.
    pub(super) fn begin(&mut self, time: BatchTime) -> u64 {
        let last = self.last.replace(time);
        last.map_or(1, |last| self.interval.count(last, time).max(1))
    }

    /// How many rows a batch may take of what the receiver of source `index` brought; none for all of it, which its intake
    /// bounds. At the end that is one batch, so that no batch has a time that is far off. The rate that a receiver is given
    /// holds where it receives.
    pub(super) fn received(&mut self, index: usize, reach: Reach) -> Option<u64> {
        let limiter = &mut self.sources.get_mut(index)?.limiter;
        match reach {
            Reach::UpToTime => limiter.learnt_room(),
            Reach::Received | Reach::Everything => None,
        }
    }

    /// How much a batch, so many intervals after the one before, may take of the replayable source `index`. What is there is taken
    /// as it is where no time is waited for, but for the rate that the source is given.
    pub(super) fn replayed(&mut self, index: usize, num_intervals: u64, reach: Reach) -> Room {
        let Some(source) = self.sources.get_mut(index) else { return Room::ENDLESS };
        let given = source.limiter.given_room(num_intervals);
        let learnt = if reach == Reach::Everything { None } else { source.limiter.learnt_room() };
        let rows = match (given, learnt) {
            (Some(given), Some(learnt)) => given.min(learnt),
            (given, learnt) => match given.or(learnt) {
                Some(rows) => rows,
                None => return Room::ENDLESS,
            },
        };
        room_for(rows, source.row_bytes.unwrap_or(SHORT_ROW))
    }

    /// What the batch took of source `index`; of a replayable one these splits.
    pub(super) fn took(&mut self, index: usize, has_more: bool, splits: Vec<Arc<dyn Split>>) {
        if let Some(source) = self.sources.get_mut(index) {
            (source.has_more, source.splits) = (has_more, splits);
        }
    }

    /// Learns from the batch of time `time`, which held up the next one for so long as is `occupied`, and whose rows stand in
    /// the order of sources.
    pub(super) fn learn(&mut self, time: BatchTime, num_rows: &[usize], occupied: Duration, delay: Duration) {
        let mut loads = Vec::with_capacity(self.sources.len());
        for (source, num_rows) in self.sources.iter_mut().zip(num_rows) {
            loads.push(SourceLoad {
                num_rows: *num_rows,
                has_more: std::mem::take(&mut source.has_more),
                rate: source.limiter.rate(),
            });
            source.ran(*num_rows);
        }
        let Some(control) = &mut self.control else { return };
        let load = Load { time, processing: occupied, delay, sources: loads };
        for (source, rate) in self.sources.iter_mut().zip(control.rates(&load)) {
            if let Some(rate) = rate {
                source.limiter.update(rate);
                source.show();
            }
        }
    }
}

impl SourceRate {
    /// The batch had so many rows of it.
    fn ran(&mut self, num_rows: usize) {
        self.limiter.took(num_rows);
        // Only now that they are read it is known where those ended that are left at the end of a record.
        let splits = std::mem::take(&mut self.splits);
        let num_bytes: Option<u64> = splits.iter().map(|split| split.num_bytes()).sum();
        if let Some(num_bytes) = num_bytes.filter(|_| num_rows > 0) {
            let row_bytes = num_bytes as f64 / num_rows as f64;
            self.row_bytes = Some(self.row_bytes.map_or(row_bytes, |before| (before + row_bytes) / 2.0));
        }
    }

    fn show(&self) {
        self.limiter.rate().into_iter().for_each(|rate| self.metrics.set(rate));
    }
}

/// For so many rows of so many bytes each. Where there is room for a row there is some for bytes: else a source that
/// seemed to have next to none would never be read again, and never be known better.
fn room_for(num_rows: u64, row_bytes: f64) -> Room {
    Room { num_rows, num_bytes: ((num_rows as f64 * row_bytes) as u64).max(num_rows.min(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_room_for_a_row_there_is_room_for_bytes() {
        let rooms = [(0, 8.0), (1, 0.4), (10, 8.5)].map(|(rows, bytes)| room_for(rows, bytes).num_bytes);
        assert_eq!(rooms, [0, 1, 85]);
    }
}
