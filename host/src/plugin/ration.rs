//! How much of the log an operator's plugin has left: so many bytes a second, and a count of lines beyond.

use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// A ration for one second after the other. A second begins with the first line after the last one's end.
pub(super) struct Ration {
    bytes_per_second: usize,
    began: Instant,
    spent: usize,
    dropped: u64,
}

/// What became of the wish to log a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent {
    /// Whether the line may be logged.
    pub(super) is_granted: bool,
    /// How many lines were dropped in the second that is over, told once.
    pub(super) dropped_before: Option<u64>,
}

impl Ration {
    pub(super) fn new(bytes_per_second: usize, now: Instant) -> Self {
        Self { bytes_per_second, began: now, spent: 0, dropped: 0 }
    }

    /// Asks for a line of `bytes`.
    pub(super) fn spend(&mut self, bytes: usize, now: Instant) -> Spent {
        let mut dropped_before = None;
        if now.saturating_duration_since(self.began) >= SECOND {
            dropped_before = self.take_dropped();
            (self.began, self.spent) = (now, 0);
        }
        let wanted = self.spent.saturating_add(bytes);
        let is_granted = wanted <= self.bytes_per_second;
        if is_granted {
            self.spent = wanted;
        } else {
            self.dropped += 1;
        }
        Spent { is_granted, dropped_before }
    }

    /// How many lines were dropped and not told of; none where there were none.
    pub(super) fn take_dropped(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.dropped)).filter(|dropped| *dropped > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_grants_its_bytes_and_the_next_one_tells_what_was_dropped() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut ration = Ration::new(100, start);
        let granted = Spent { is_granted: true, dropped_before: None };
        let dropped = Spent { is_granted: false, dropped_before: None };
        assert_eq!(ration.spend(60, at(0)), granted);
        assert_eq!(ration.spend(41, at(1)), dropped);
        assert_eq!(ration.spend(40, at(2)), granted);
        assert_eq!(ration.spend(1, at(999)), dropped);
        assert_eq!(ration.spend(100, at(1000)), Spent { is_granted: true, dropped_before: Some(2) });
        assert_eq!(ration.spend(1, at(1500)), dropped);
        assert_eq!(ration.take_dropped(), Some(1));
        assert_eq!(ration.take_dropped(), None);
        assert_eq!(ration.spend(1, at(2000)), granted);
    }
}
