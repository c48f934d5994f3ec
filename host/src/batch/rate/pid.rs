//! A controller with a proportional, an integral and a derivative part, by source, with the rules of Spark Streaming.

use std::time::Duration;

use super::options::RateError;
use super::{Load, RateControl};
use crate::record::{BatchTime, Interval};

/// What a [`Pid`] is set to. By default as Spark is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PidOptions {
    /// How much of the error counts.
    pub proportional: f64,
    /// How much of what accumulated counts.
    pub integral: f64,
    /// How much of the change of the error counts.
    pub derivative: f64,
    /// The least rate, in rows a second.
    pub min_rate: f64,
}

impl Default for PidOptions {
    fn default() -> Self {
        Self { proportional: 1.0, integral: 0.2, derivative: 0.0, min_rate: 100.0 }
    }
}

/// Estimates the rate of one source.
#[derive(Clone, Debug)]
pub struct Pid {
    interval: Interval,
    options: PidOptions,
    latest: Option<Latest>,
}

#[derive(Clone, Copy, Debug)]
struct Latest {
    time: BatchTime,
    rate: f64,
    error: f64,
}

impl Pid {
    /// For batches of `interval`.
    pub fn new(interval: Interval, options: PidOptions) -> Result<Self, RateError> {
        let PidOptions { proportional, integral, derivative, min_rate } = options;
        for (factor, value) in
            [("proportional", proportional), ("integral", integral), ("derivative", derivative)]
        {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(RateError::Factor { factor, value });
            }
        }
        if !(min_rate > 0.0 && min_rate.is_finite()) {
            return Err(RateError::Least(min_rate));
        }
        Ok(Self { interval, options, latest: None })
    }

    /// The rate after a batch at `time` with so many rows. None for the first batch, from which it only learns, and for
    /// one without rows, without a time of processing, or not after the one before.
    pub fn estimate(
        &mut self,
        time: BatchTime,
        num_rows: usize,
        processing: Duration,
        delay: Duration,
    ) -> Option<f64> {
        let is_later = self.latest.is_none_or(|latest| time > latest.time);
        if !is_later || num_rows == 0 || processing.is_zero() {
            return None;
        }
        let speed = num_rows as f64 / processing.as_secs_f64();
        let Some(latest) = self.latest else {
            self.latest = Some(Latest { time, rate: speed, error: 0.0 });
            return None;
        };
        let error = latest.rate - speed;
        let accumulated = delay.as_secs_f64() * speed / self.interval.duration().as_secs_f64();
        let slope = (error - latest.error) / time.since(latest.time).as_secs_f64();
        let PidOptions { proportional, integral, derivative, min_rate } = self.options;
        let change = proportional * error + integral * accumulated + derivative * slope;
        let rate = (latest.rate - change).max(min_rate);
        self.latest = Some(Latest { time, rate, error });
        Some(rate)
    }
}

/// A [`Pid`] for each of several sources.
impl RateControl for Vec<Pid> {
    fn rates(&mut self, load: &Load) -> Vec<Option<f64>> {
        let pids = self.iter_mut().zip(&load.sources);
        pids.map(|(pid, source)| pid.estimate(load.time, source.num_rows, load.processing, load.delay))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(options: PidOptions) -> Result<Pid, RateError> {
        Pid::new(Interval::new(Duration::from_millis(20)).unwrap(), options)
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn estimate(pid: &mut Pid, time: i64, num_rows: usize, processing: u64, delay: u64) -> Option<f64> {
        pid.estimate(BatchTime::from_millis(time), num_rows, millis(processing), millis(delay))
    }

    #[test]
    fn it_learns_from_the_first_batch_and_answers_none_where_nothing_can_be_learnt() {
        let mut pid = pid(PidOptions { integral: 0.0, min_rate: 10.0, ..PidOptions::default() }).unwrap();
        assert_eq!(estimate(&mut pid, 0, 10, 10, 0), None);
        assert_eq!(estimate(&mut pid, 10, 0, 10, 0), None);
        assert_eq!(estimate(&mut pid, 10, 10, 0, 0), None);
        assert_eq!(estimate(&mut pid, 10, 10, 10, 0), Some(1000.0));
        assert_eq!(estimate(&mut pid, 10, 10, 10, 0), None);
        assert_eq!(estimate(&mut pid, 20, 20, 10, 0), Some(2000.0));
    }

    #[test]
    fn what_accumulated_lowers_the_rate_down_to_the_least() {
        let mut pid = pid(PidOptions { integral: 0.5, ..PidOptions::default() }).unwrap();
        estimate(&mut pid, 0, 100, 20, 0);
        assert_eq!(estimate(&mut pid, 20, 100, 20, 20), Some(2500.0));
        assert_eq!(estimate(&mut pid, 40, 100, 20, 1000), Some(100.0));
    }

    #[test]
    fn factors_out_of_range_are_refused() {
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            let with = |set: fn(&mut PidOptions, f64)| {
                let mut options = PidOptions::default();
                set(&mut options, wrong);
                pid(options).unwrap_err().to_string()
            };
            assert!(with(|options, value| options.proportional = value).contains("`proportional`"));
            assert!(with(|options, value| options.integral = value).contains("`integral`"));
            assert!(with(|options, value| options.derivative = value).contains("`derivative`"));
            assert!(with(|options, value| options.min_rate = value).contains("`min_rate`"));
        }
    }
}
