//! Points in time: microseconds since the Unix epoch, and how they are read from text.

use std::fmt;
use std::str::FromStr;

/// Microseconds since the Unix epoch, UTC.
///
/// It is read from such a number or from a date with a time, as RFC 3339 writes it; a space may stand
/// for the `T`, and without an offset the time is UTC.
///
/// ```
/// use tidemill_plugin::Timestamp;
/// assert_eq!("1970-01-02 00:00:01.5".parse(), Ok(Timestamp(86_401_500_000)));
/// assert_eq!("1970-01-01T02:00:00+02:00".parse(), Ok(Timestamp(0)));
/// assert!("1970-02-30 00:00:00".parse::<Timestamp>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A text that is no point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTimestamp;

impl std::error::Error for NoTimestamp {}

impl fmt::Display for NoTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a timestamp, such as 2026-11-20T19:30:01Z or microseconds since 1970")
    }
}

impl FromStr for Timestamp {
    type Err = NoTimestamp;

    fn from_str(text: &str) -> Result<Self, NoTimestamp> {
        let number = text.parse().ok();
        number.or_else(|| date_time(text)).map(Timestamp).ok_or(NoTimestamp)
    }
}

fn date_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (time, offset) = split_offset(time)?;
    let mut parts = date.splitn(3, '-');
    let days = days(digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?)?;
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next()?.split_once('.') {
        Some((second, fraction)) => (digits(second, 2)?, micros(fraction)?),
        None => (digits(time.rsplit(':').next()?, 2)?, 0),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
    Some(seconds * 1_000_000 + fraction)
}

/// The time less its offset from UTC, and the offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(sign) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, offset) = time.split_at_checked(sign)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let minutes = if hours < 24 && minutes < 60 {
        hours * 60 + minutes
    } else {
        return None;
    };
    Some((time, if offset.starts_with('-') { -minutes } else { minutes }))
}

/// A number of exactly so many digits.
fn digits(text: &str, len: usize) -> Option<i64> {
    let all = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// The microseconds that decimals of a second are; those beyond are cut.
fn micros(decimals: &str) -> Option<i64> {
    if decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = decimals.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some(digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01, in the Gregorian calendar; none for a day that it does not have.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (before, length) = match month {
        1 => (0, 31),
        2 => (31, if leap { 29 } else { 28 }),
        3 => (59, 31),
        4 => (90, 30),
        5 => (120, 31),
        6 => (151, 30),
        7 => (181, 31),
        8 => (212, 31),
        9 => (243, 30),
        10 => (273, 31),
        11 => (304, 30),
        12 => (334, 31),
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let leap_day = i64::from(leap && month > 2);
    let past = year - 1;
    // Day 719,162 after 0001-01-01 is 1970-01-01.
    let new_year = past * 365 + past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400) - 719_162;
    Some(new_year + before + leap_day + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<i64> {
        text.parse().ok().map(|Timestamp(micros)| micros)
    }

    #[test]
    fn dates_are_counted_from_1970() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("1969-12-31 23:59:59.999999"), Some(-1));
        assert_eq!(parse("2000-02-29 12:00:00"), Some(951_825_600_000_000));
        assert_eq!(parse("2016-03-22 20:25:28"), Some(1_458_678_328_000_000));
        assert_eq!(parse("2026-11-20T19:30:01.25-05:30"), Some(1_795_222_801_250_000));
        assert_eq!(parse("-17"), Some(-17));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let texts = [
            "",
            "now",
            "2026-11-20",
            "2026-11-20T",
            "2026-13-01 00:00:00",
            "2025-02-29 00:00:00",
            "2026-11-20 24:00:00",
            "2026-11-20 1:00:00",
            "2026-11-20 01:00:00.",
            "2026-11-20 01:00:00+2",
            "2026-11-20 01:00:00 UTC",
            "2026-11-20 01:00:00+99:00",
            "2026-é1-20 01:00:00",
            "+2026-11-20 00:00:00",
        ];
        for text in texts {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
