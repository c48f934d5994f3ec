//! What is sent: records with a number of their own, from which all else follows.

use crate::dice::mix;

/// How many keys there are.
pub const NUM_KEYS: u64 = 20_000;

/// Where records are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Frames,
    Files,
    Lines,
}

impl Origin {
    pub const ALL: [Self; 3] = [Self::Frames, Self::Files, Self::Lines];

    /// Its source in the manifest, and how its records say where they are from.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Files => "files",
            Self::Lines => "lines",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// A record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub origin: Origin,
    /// Its number among those of its origin, from 1.
    pub number: u64,
}

impl Record {
    pub fn key(self) -> u64 {
        mix(self.number.wrapping_mul(3).wrapping_add(self.origin as u64)) % NUM_KEYS
    }

    pub fn value(self) -> i64 {
        (mix(self.number.wrapping_add(77)) % 2001) as i64 - 1000
    }

    /// As a line of csv, without its end.
    pub fn line(self) -> String {
        format!("{},{},k{},{}", self.origin.name(), self.number, self.key(), self.value())
    }

    /// Of such a line. None where it isn't one, or not as it was sent.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split(',');
        let origin = Origin::from_name(fields.next()?)?;
        let record = Self { origin, number: fields.next()?.parse().ok()? };
        (record.line() == line).then_some(record)
    }
}
