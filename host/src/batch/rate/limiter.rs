//! Holds a source to its rate, batch by batch.
//!
//! Each batch adds to what may be taken, and takes of it. A batch may take more than there is, where a source can't
//! be cut finer; the next ones then get less.

use crate::record::Interval;

/// The limits of one source.
#[derive(Clone, Debug)]
pub struct Limiter {
    interval: Interval,
    /// What was learnt, in rows a second.
    rate: Option<f64>,
    /// What it was given, in rows a second.
    max_rate: Option<f64>,
    /// Rows that may be taken by what was learnt.
    credit: f64,
    /// Rows that may be taken by what it was given.
    max_credit: f64,
}

impl Limiter {
    /// For batches of `interval`; begins with `rate`, and never goes above `max_rate`, both in rows a second.
    pub fn new(interval: Interval, rate: Option<f64>, max_rate: Option<u64>) -> Self {
        let max_rate = max_rate.map(|rate| rate as f64);
        Self { interval, rate, max_rate, credit: 0.0, max_credit: 0.0 }
    }

    /// Sets the rate that was learnt. One that is not above 0 changes nothing.
    pub fn update(&mut self, rate: f64) {
        if rate > 0.0 {
            self.rate = Some(rate);
        }
    }

    /// The rate in force, in rows a second; none where there is no limit.
    pub fn rate(&self) -> Option<f64> {
        match (self.rate, self.max_rate) {
            (Some(rate), Some(max)) => Some(rate.min(max)),
            (rate, max) => rate.or(max),
        }
    }

    /// How many rows a batch may take by what was learnt; none where there is no limit. That is for one batch, however
    /// long ago the one before was.
    pub fn learnt_room(&mut self) -> Option<u64> {
        self.credit = grown(self.credit, self.rate? * self.interval.duration().as_secs_f64());
        // Not below 0, and a fraction of a row is none.
        Some(self.credit as u64)
    }

    /// How many rows a batch may take by what the source was given, so many intervals after the one before; none where
    /// there is no limit.
    pub fn given_room(&mut self, num_intervals: u64) -> Option<u64> {
        let seconds = self.interval.duration().as_secs_f64() * num_intervals as f64;
        self.max_credit = grown(self.max_credit, self.max_rate? * seconds);
        Some(self.max_credit as u64)
    }

    /// A batch has taken so many rows.
    pub fn took(&mut self, num_rows: usize) {
        let num_rows = num_rows as f64;
        self.max_credit -= num_rows;
        // Taking more than was learnt to fit shows as a delay, and need not be made up for in full.
        let step = self.rate.map_or(0.0, |rate| rate * self.interval.duration().as_secs_f64());
        self.credit = (self.credit - num_rows).max(-step);
    }
}

/// `credit` with `step` more, at most that, so that nothing is saved up in idle times; but always a row in the end.
fn grown(credit: f64, step: f64) -> f64 {
    (credit + step).min(step.max(1.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn limiter(millis: u64, rate: Option<f64>, max_rate: Option<u64>) -> Limiter {
        Limiter::new(Interval::new(Duration::from_millis(millis)).unwrap(), rate, max_rate)
    }

    #[test]
    fn the_lower_of_both_rates_counts_and_without_any_there_is_no_limit() {
        let mut none = limiter(1000, None, None);
        assert_eq!((none.rate(), none.learnt_room(), none.given_room(1)), (None, None, None));
        let mut both = limiter(500, Some(1000.0), Some(100));
        assert_eq!((both.rate(), both.learnt_room(), both.given_room(1)), (Some(100.0), Some(500), Some(50)));
        both.update(10.0);
        assert_eq!((both.rate(), both.learnt_room()), (Some(10.0), Some(5)));
        both.update(0.0);
        both.update(-1.0);
        both.update(f64::NAN);
        assert_eq!(both.rate(), Some(10.0));
    }

    #[test]
    fn nothing_is_saved_up_and_what_is_taken_too_much_is_taken_off_later() {
        let mut limiter = limiter(1000, Some(100.0), Some(100));
        for _ in 0..5 {
            assert_eq!((limiter.learnt_room(), limiter.given_room(1)), (Some(100), Some(100)));
        }
        limiter.took(1250);
        let rooms = [(); 3].map(|()| limiter.learnt_room().unwrap());
        assert_eq!(rooms, [0, 100, 100], "of what was learnt, a batch at most");
        let rooms = [(); 13].map(|()| limiter.given_room(1).unwrap());
        assert_eq!(rooms[10..], [0, 50, 100]);
    }

    #[test]
    fn less_than_a_row_a_batch_is_a_row_now_and_then() {
        let mut limiter = limiter(1, Some(250.0), None);
        let mut num_rows = 0;
        for _ in 0..1000 {
            let room = limiter.learnt_room().unwrap();
            limiter.took(room as usize);
            num_rows += room;
        }
        assert_eq!(num_rows, 250);
    }

    #[test]
    fn a_batch_for_several_intervals_has_the_given_rate_of_all_and_the_learnt_one_of_one() {
        let mut limiter = limiter(1000, Some(300.0), Some(100));
        assert_eq!((limiter.learnt_room(), limiter.given_room(5)), (Some(300), Some(500)));
    }
}
