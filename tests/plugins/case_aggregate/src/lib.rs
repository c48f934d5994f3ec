//! From when to when values were, and how many.

use tidemill_plugin::{Row, Timestamp, aggregate};

/// What is collected.
#[derive(Row, Default)]
pub struct Span {
    first: Timestamp,
    last: Timestamp,
    count: i64,
}

/// What comes out.
#[derive(Row)]
pub struct Answer {
    first: Timestamp,
    micros: i64,
    count: i64,
}

#[aggregate]
impl Span {
    fn add(&mut self, time: Timestamp) {
        self.merge(Span { first: time, last: time, count: 1 });
    }

    fn merge(&mut self, other: Self) {
        if self.count == 0 {
            *self = other;
            return;
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
    }

    fn finish(self) -> Answer {
        Answer { first: self.first, micros: self.last.0 - self.first.0, count: self.count }
    }
}
