//! A single value written as text, read as one of our types.
//!
//! Numbers, booleans and timestamps may have white space around them. A timestamp is RFC 3339, or a date and a
//! time without an offset, which are UTC; or, for times that no calendar holds, microseconds, as in `-1us`. Binary
//! is hexadecimal, as it is written out.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A boolean: `true` or `false`, in any case.
pub fn boolean(text: &str) -> Option<bool> {
    let text = text.trim_ascii();
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// A whole number.
pub fn int64(text: &str) -> Option<i64> {
    text.trim_ascii().parse().ok()
}

/// A number.
pub fn float64(text: &str) -> Option<f64> {
    text.trim_ascii().parse().ok()
}

/// A timestamp, as microseconds since the Unix epoch; finer fractions are cut.
pub fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let instant = text.parse::<Timestamp>().ok();
    let instant = instant.or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok());
    match instant {
        Some(instant) => i64::try_from(instant.as_nanosecond().div_euclid(1000)).ok(),
        None => text.strip_suffix("us")?.parse().ok(),
    }
}

/// Appends hexadecimal `text` as bytes; what was appended before it fails is the caller's to remove.
pub fn binary(text: &str, into: &mut Vec<u8>) -> Option<()> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    for [high, low] in pairs {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        into.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_booleans_may_have_space_around_them() {
        assert_eq!(int64(" -42\t"), Some(-42));
        assert_eq!(int64("9223372036854775808"), None);
        assert_eq!(int64("1.0"), None);
        assert_eq!(float64(" 1e3"), Some(1000.0));
        assert_eq!(float64(""), None);
        assert_eq!(boolean("TRUE "), Some(true));
        assert_eq!(boolean("yes"), None);
    }

    #[test]
    fn timestamps_without_an_offset_are_utc() {
        let expected = Some(1_795_548_601_500_000);
        assert_eq!(timestamp("2026-11-24T19:30:01.5Z"), expected);
        assert_eq!(timestamp("2026-11-24T20:30:01.5+01:00"), expected);
        assert_eq!(timestamp("2026-11-24 19:30:01.5"), expected);
        assert_eq!(timestamp("1969-12-31T23:59:59.9999999Z"), Some(-1));
        assert_eq!(timestamp("2026-13-24 19:30:01"), None);
        assert_eq!(timestamp("1795548601500000"), None);
        assert_eq!(timestamp("9223372036854775807us"), Some(i64::MAX));
    }

    #[test]
    fn binary_is_hexadecimal() {
        let mut bytes = Vec::new();
        assert_eq!(binary("00fFa1", &mut bytes), Some(()));
        assert_eq!(bytes, [0x00, 0xff, 0xa1]);
        assert_eq!(binary("0", &mut bytes), None);
        assert_eq!(binary("zz", &mut bytes), None);
    }
}
