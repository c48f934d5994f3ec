//! Rates by which batches fit their interval.
//!
//! A batch costs something however few rows it has, and something for each row. Both are learnt from the last
//! batches, as a line through what they had and how long they took. A source may bring what takes four fifths of the
//! interval; where batches are late, less, so that they catch up. Where the fixed part alone takes most of an interval, fewer
//! rows would not make batches shorter: they may then take twice the fixed part. A rate is lowered by a batch that took too
//! long and by nothing else, so that after a quiet time a crowd of rows need not wait.

use super::{Load, RateControl};
use crate::record::Interval;

/// The share of an interval that a batch may take.
const SHARE: f64 = 0.8;

/// The shortest interval, in seconds, that batches are made to fit. Where intervals are shorter, a batch that a busy machine held
/// up for some milliseconds says nothing about rows, and what came meanwhile is soonest done at once.
const SHORTEST: f64 = 0.01;

/// How much of its delay a batch is to make up for.
const CATCH_UP: f64 = 0.2;

/// How many times the rows that should fit by the last batch alone the next one may have.
const MOST_GROWTH: f64 = 2.0;

/// The rows a second that a source may always bring, as with Spark: however slow a disk makes its batches, a pipeline gets on.
const MIN_RATE: f64 = 100.0;

/// Decides on rates by which batches fit their interval.
#[derive(Clone, Debug)]
pub struct Fit {
    interval: Interval,
    cost: Cost,
}

impl Fit {
    /// For batches of `interval`.
    pub fn new(interval: Interval) -> Self {
        Self { interval, cost: Cost::default() }
    }

    /// How many rows the next batch may have after one of `num_rows` that took so many `seconds`, and whether that one fitted.
    fn next(&self, num_rows: f64, seconds: f64, delay: f64, has_more: bool) -> (f64, bool) {
        let interval = self.interval.duration().as_secs_f64().max(SHORTEST);
        let usual = (SHARE * interval).max(2.0 * self.cost.fixed);
        let target = usual - (CATCH_UP * delay).min(usual / 2.0);
        // Fewer rows than one can't show what a row costs, but two can.
        let is_trial = has_more && num_rows <= 1.0 && !self.cost.is_known();
        let fits = seconds <= target || is_trial;
        let by_the_last = num_rows * target / seconds;
        let (least, most) = (if fits { num_rows } else { 1.0 }, MOST_GROWTH * num_rows.max(by_the_last));
        let fitting = (target - self.cost.fixed) / self.cost.per_row;
        let next = if is_trial || !fitting.is_finite() { most } else { fitting.min(most) };
        (next.max(least), fits)
    }
}

impl RateControl for Fit {
    fn rates(&mut self, load: &Load) -> Vec<Option<f64>> {
        let (seconds, delay) = (load.processing.as_secs_f64(), load.delay.as_secs_f64());
        let num_rows: usize = load.sources.iter().map(|source| source.num_rows).sum();
        let num_rows = num_rows as f64;
        if num_rows == 0.0 || seconds == 0.0 {
            return vec![None; load.sources.len()];
        }
        self.cost.add(num_rows, seconds);
        let has_more = load.sources.iter().any(|source| source.has_more);
        let (next, fits) = self.next(num_rows, seconds, delay, has_more);
        let seconds_of_interval = self.interval.duration().as_secs_f64();
        let sources = load.sources.iter().map(|source| {
            let share = source.num_rows as f64 * next / num_rows;
            let limit = source.limit(self.interval)?;
            let rows = match fits {
                true => limit.max(share),
                false if source.num_rows == 0 => return None,
                false => share.max(1.0).max(MIN_RATE * seconds_of_interval).min(limit),
            };
            Some(rows / seconds_of_interval)
        });
        sources.collect()
    }
}

/// What batches cost, learnt from those of late.
#[derive(Clone, Debug, Default)]
struct Cost {
    /// Seconds of a batch, however few rows it has.
    fixed: f64,
    /// Seconds of a row.
    per_row: f64,
    /// Of rows and of seconds: the mean, and how they vary together.
    mean_rows: f64,
    mean_seconds: f64,
    variance: f64,
    covariance: f64,
}

/// How much the last batch counts among those before.
const WEIGHT: f64 = 0.3;

/// How much batches have to differ from their mean for the line to be more than noise.
const LEAST_SPREAD: f64 = 0.25;

impl Cost {
    fn add(&mut self, num_rows: f64, seconds: f64) {
        if self.mean_rows == 0.0 {
            (self.mean_rows, self.mean_seconds) = (num_rows, seconds);
        }
        let (more_rows, more_seconds) = (num_rows - self.mean_rows, seconds - self.mean_seconds);
        self.mean_rows += WEIGHT * more_rows;
        self.mean_seconds += WEIGHT * more_seconds;
        self.variance = (1.0 - WEIGHT) * (self.variance + WEIGHT * more_rows * more_rows);
        self.covariance = (1.0 - WEIGHT) * (self.covariance + WEIGHT * more_rows * more_seconds);
        if self.is_known() {
            let slope = (self.covariance / self.variance).max(0.0);
            self.fixed = (self.mean_seconds - slope * self.mean_rows).max(0.0);
        }
        // What a row costs follows the last batch, which tells more of it than those before.
        self.fixed = self.fixed.min(seconds);
        self.per_row = (seconds - self.fixed) / num_rows;
    }

    /// Whether batches differed enough to tell the fixed part from the other.
    fn is_known(&self) -> bool {
        self.variance.sqrt() > LEAST_SPREAD * self.mean_rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Limiter, SourceLoad};
    use super::*;
    use crate::record::BatchTime;

    /// A pipeline in numbers: so many rows come in a batch, and a batch of so many rows takes so many seconds.
    struct Simulation {
        interval: Interval,
        control: Fit,
        limiter: Limiter,
        waiting: u64,
        /// The seconds and rows of each batch.
        batches: Vec<(f64, u64)>,
    }

    impl Simulation {
        fn new(millis: u64, waiting: u64) -> Self {
            let interval = Interval::new(Duration::from_millis(millis)).unwrap();
            let limiter = Limiter::new(interval, Some(100_000.0), None);
            Self { interval, control: Fit::new(interval), limiter, waiting, batches: Vec::new() }
        }

        fn run(&mut self, num_batches: usize, comes: u64, seconds: impl Fn(f64) -> f64) {
            for _ in 0..num_batches {
                self.waiting += comes;
                let rows = self.limiter.learnt_room().unwrap().min(self.waiting);
                self.limiter.took(rows as usize);
                self.waiting -= rows;
                let took = seconds(rows as f64);
                self.batches.push((took, rows));
                let source = SourceLoad {
                    num_rows: rows as usize,
                    has_more: self.waiting > 0,
                    rate: self.limiter.rate(),
                };
                let load = Load {
                    time: BatchTime::from_millis(0),
                    processing: Duration::from_secs_f64(took),
                    delay: Duration::ZERO,
                    sources: vec![source],
                };
                let rate = self.control.rates(&load)[0];
                rate.into_iter().for_each(|rate| self.limiter.update(rate));
            }
        }

        /// The longest of the last batches, in intervals, and the mean of their rows.
        fn last(&self, num_batches: usize) -> (f64, f64) {
            let last = &self.batches[self.batches.len() - num_batches..];
            let longest = last.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max);
            let rows = last.iter().map(|(_, rows)| *rows as f64).sum::<f64>() / num_batches as f64;
            (longest / self.interval.duration().as_secs_f64(), rows)
        }
    }

    #[test]
    fn a_backlog_is_worked_off_in_batches_that_fit_and_are_no_smaller_than_need_be() {
        // 3 million rows a second, then a pipeline as slow as 20,000.
        for (per_second, first) in [(3_000_000.0, 100_000), (20_000.0, 100_000)] {
            let mut simulation = Simulation::new(1000, u64::from(u32::MAX));
            simulation.run(12, 0, |rows| rows / per_second);
            assert_eq!(simulation.batches[0].1, first, "the first batch has the initial rate");
            let (longest, rows) = simulation.last(6);
            assert!(longest <= 0.81, "{longest} of an interval at {per_second}");
            assert!(rows >= 0.79 * per_second, "{rows} rows a batch at {per_second}");
        }
    }

    #[test]
    fn one_slow_batch_is_enough_to_come_down() {
        let mut simulation = Simulation::new(1000, u64::from(u32::MAX));
        simulation.run(10, 0, |rows| rows / 1_000_000.0);
        simulation.run(2, 0, |rows| rows / 50_000.0);
        let (longest, _) = simulation.last(1);
        assert!(longest <= 0.81, "{longest}");
    }

    #[test]
    fn a_fixed_cost_above_the_interval_does_not_strangle_a_pipeline() {
        // A batch a millisecond, each with 5 ms of its own, as for a slow disk: one row at first, then a crowd.
        let mut simulation = Simulation::new(1, 0);
        simulation.run(5, 1, |rows| 0.005 + rows * 1e-6);
        simulation.run(40, 1000, |rows| 0.005 + rows * 1e-6);
        let (longest, rows) = simulation.last(5);
        assert!(rows >= 1000.0, "{rows} rows a batch");
        assert!(longest <= 11.0, "twice the fixed cost at most, not {longest}");
    }

    #[test]
    fn slow_rows_leave_a_source_a_hundred_a_second() {
        let mut simulation = Simulation::new(1000, u64::from(u32::MAX));
        simulation.run(60, 0, |rows| rows * 0.1);
        assert_eq!(simulation.limiter.rate(), Some(100.0));
    }

    #[test]
    fn few_rows_and_quiet_times_lower_nothing() {
        let mut simulation = Simulation::new(1000, 2_000_000);
        simulation.run(8, 0, |rows| 0.01 + rows / 1_000_000.0);
        let before = simulation.limiter.rate().unwrap();
        simulation.run(50, 0, |_| 0.01);
        simulation.run(50, 3, |_| 0.01);
        assert!(simulation.limiter.rate().unwrap() >= before);
        simulation.run(1, 600_000, |rows| 0.01 + rows / 1_000_000.0);
        assert_eq!(simulation.waiting, 0, "a crowd after a quiet time is one batch");
    }

    #[test]
    fn late_batches_get_less_so_that_they_catch_up() {
        let interval = Interval::new(Duration::from_secs(1)).unwrap();
        let rows_after = |delay: u64| {
            let source = SourceLoad { num_rows: 1000, has_more: true, rate: Some(1000.0) };
            let load = Load {
                time: BatchTime::from_millis(0),
                processing: Duration::from_millis(800),
                delay: Duration::from_secs(delay),
                sources: vec![source],
            };
            Fit::new(interval).rates(&load)[0].unwrap().round()
        };
        assert_eq!([0, 1, 60].map(rows_after), [1000.0, 750.0, 500.0]);
    }

    #[test]
    fn sources_are_lowered_by_their_shares_and_one_without_rows_is_left_alone() {
        let interval = Interval::new(Duration::from_secs(1)).unwrap();
        let source = |num_rows| SourceLoad { num_rows, has_more: num_rows > 0, rate: Some(1000.0) };
        let load = Load {
            time: BatchTime::from_millis(0),
            processing: Duration::from_secs(2),
            delay: Duration::ZERO,
            sources: vec![source(1000), source(500), source(0)],
        };
        let rates: Vec<_> =
            Fit::new(interval).rates(&load).into_iter().map(|rate| rate.map(f64::round)).collect();
        assert_eq!(rates, [Some(400.0), Some(200.0), None]);
    }
}
