//! Batch times and the interval that they are multiples of.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The time of a batch: milliseconds since the Unix epoch, a whole multiple of the batch interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTime(i64);

impl BatchTime {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0.saturating_mul(1000)
    }

    /// The time one interval later.
    pub fn next(self, interval: Interval) -> Self {
        Self(self.0.saturating_add(interval.millis()))
    }

    /// The time so many intervals later.
    pub fn after(self, interval: Interval, num_intervals: u64) -> Self {
        let millis = i64::try_from(num_intervals).unwrap_or(i64::MAX).saturating_mul(interval.millis());
        Self(self.0.saturating_add(millis))
    }

    /// The time one interval earlier.
    pub fn previous(self, interval: Interval) -> Self {
        Self(self.0.saturating_sub(interval.millis()))
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for BatchTime {
    /// As RFC 3339 in UTC, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => time.fmt(f),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl FromStr for BatchTime {
    type Err = String;

    /// From RFC 3339, or a date and a time without an offset, which are UTC; finer fractions are cut.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
        let millis = || text.strip_suffix(" ms")?.parse().ok();
        let instant = text.parse::<Timestamp>().ok();
        let instant = instant.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok());
        let millis = instant.map(Timestamp::as_millisecond).or_else(millis);
        millis
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a time; write for example 2026-11-20T19:30:01Z"))
    }
}

/// The batch interval: whole milliseconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(i64);

impl Interval {
    /// The shortest one.
    pub const MILLISECOND: Self = Self(1);

    /// From a duration; none where it is not a whole number of milliseconds, or zero.
    pub fn new(length: Duration) -> Option<Self> {
        let millis = i64::try_from(length.as_millis()).ok()?;
        (millis > 0 && Duration::from_millis(millis.unsigned_abs()) == length).then_some(Self(millis))
    }

    /// The length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How many intervals it is from `start` to `end`; none where that is before it.
    pub fn count(self, start: BatchTime, end: BatchTime) -> u64 {
        u64::try_from(end.0.saturating_sub(start.0) / self.0).unwrap_or(0)
    }

    /// How many intervals make `length`; none where it isn't a whole number of them, at least one.
    pub fn divide(self, length: Duration) -> Option<u64> {
        let length = Self::new(length)?;
        (length.0 % self.0 == 0).then(|| (length.0 / self.0).unsigned_abs())
    }

    /// The length.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }

    /// Whether `time` is a multiple of it.
    pub const fn divides(self, time: BatchTime) -> bool {
        time.0.rem_euclid(self.0) == 0
    }

    /// The first batch time after `millis` since the Unix epoch.
    pub const fn next_after(self, millis: i64) -> BatchTime {
        BatchTime(millis.saturating_sub(millis.rem_euclid(self.0)).saturating_add(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_multiples_of_the_interval() {
        let interval = Interval::new(Duration::from_millis(250)).unwrap();
        assert_eq!(interval.next_after(1000), BatchTime(1250));
        assert_eq!(interval.next_after(1001), BatchTime(1250));
        assert_eq!(interval.next_after(-1), BatchTime(0));
        assert_eq!(Interval::new(Duration::from_micros(1500)), None);
        assert_eq!(Interval::new(Duration::ZERO), None);
        assert_eq!(interval.count(BatchTime(1000), BatchTime(1750)), 3);
        assert_eq!(interval.count(BatchTime(1000), BatchTime(0)), 0);
        assert_eq!(interval.divide(Duration::from_secs(2)), Some(8));
        assert_eq!(interval.divide(Duration::from_millis(300)), None);
        assert_eq!(interval.divide(Duration::ZERO), None);
    }

    #[test]
    fn a_time_prints_as_rfc_3339() {
        assert_eq!(BatchTime(1_795_548_601_000).to_string(), "2026-11-24T19:30:01Z");
        assert_eq!(BatchTime(1_795_548_601_005).to_string(), "2026-11-24T19:30:01.005Z");
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for millis in [0, -1, 1_795_548_601_005, i64::MIN, i64::MAX] {
            assert_eq!(BatchTime(millis).to_string().parse(), Ok(BatchTime(millis)));
        }
        assert_eq!("2026-11-24 19:30:01".parse(), Ok(BatchTime(1_795_548_601_000)));
        assert_eq!("2026-11-24".parse(), Ok(BatchTime(1_795_478_400_000)));
        assert!("yesterday".parse::<BatchTime>().is_err());
    }
}
